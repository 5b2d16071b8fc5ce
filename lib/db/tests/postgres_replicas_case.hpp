// A primary with two streaming replicas, all of them real.
#pragma once

#include "server_case.hpp"

#include <slipway/db/replicas.hpp>

#include <functional>
#include <thread>

namespace slipway::db::tests {

template <class T>
task<T> under(context& operation, task<T> work) {
  co_await slipway::detail::with_context{&operation};
  co_return co_await std::move(work);
}

class replicas_case : public testing::Test {
 protected:
  void SetUp() override {
    std::string why_not;
    primary_ = postgres_server::own({}, why_not);
    if (primary_ == nullptr) GTEST_SKIP() << "SKIPPED LOUDLY: " << why_not;
    settings_.url = primary_->make_database();
    name_ = settings_.url.substr(settings_.url.rfind('/') + 1);
    for (auto& each : replicas_) {
      each = primary_->replica(why_not);
      ASSERT_NE(each, nullptr) << why_not;
      settings_.replicas.push_back(each->url() + name_);
    }
    settings_.replica_check = std::chrono::milliseconds{20};
  }
  void TearDown() override { db_.reset(); }

  void open() {
    db_.reset();
    db_.reset(new database{connect(settings_, shards_)});
    run(db_->script(schema(db::dialect::postgres)));
    caught_up();
  }
  template <class T>
  T run(task<T> work) {
    return shards_.run(std::move(work));
  }
  // As an operation whose reads may go to replicas.
  template <class T>
  T read(task<T> work) {
    context operation;
    operation.replicas = replica_use::may_read;
    return read(operation, std::move(work));
  }
  template <class T>
  T read(context& operation, task<T> work) {
    return run(under(operation, std::move(work)));
  }
  // The port of the server that answers.
  static task<int> port(session& s) {
    auto const answer = co_await s.query("select inet_server_port()");
    co_return static_cast<int>(answer[0].get<std::int64_t>(0));
  }
  static task<> insert(session& s, std::string name) {
    co_await s.insert(counter{.name = std::move(name), .value = 1});
  }
  static task<std::int64_t> how_many(session& s) { co_return co_await s.from<counter>().count(); }

  // Polls, because servers tell nobody: at most half a minute.
  static bool eventually(std::function<bool()> const& holds) {
    auto const until = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (std::chrono::steady_clock::now() < until) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    return false;
  }
  // The server applies nothing more of the log: it is asked to, and does so a little later.
  static void stop_receiving(postgres_server& replica) {
    replica.ask("alter system set primary_conninfo = ''");
    replica.ask("select pg_reload_conf()");
    EXPECT_TRUE(eventually([&] { return replica.ask("select count(*) from pg_stat_wal_receiver") == "0"; }));
  }
  static void pause(postgres_server& replica) {
    replica.ask("select pg_wal_replay_pause()");
    EXPECT_TRUE(eventually([&] { return replica.ask("select pg_get_wal_replay_pause_state()") == "paused"; }));
  }
  server_status status_of(std::size_t index) const { return db_->replication().servers[index]; }
  bool is(std::size_t index, server_part part) const { return status_of(index).part == part; }
  // Both replicas have all that the primary has, and this is known.
  void caught_up() {
    auto const place = primary_->ask("select pg_current_wal_insert_lsn() - '0/0'");
    EXPECT_TRUE(eventually([&] {
      return is(1, server_part::replica) && is(2, server_part::replica) &&
             status_of(1).position >= std::stoull(place) && status_of(2).position >= std::stoull(place);
    })) << status_of(1).detail
        << " / " << status_of(2).detail;
  }

  std::unique_ptr<postgres_server> primary_, replicas_[2];
  std::string name_;
  settings settings_;
  shards shards_{2};
  std::unique_ptr<database> db_;
};

}  // namespace slipway::db::tests
