// Reads that go to replicas, and those that must not.
#include "postgres_replicas_case.hpp"

#include <slipway/db/log_history.hpp>
#include <slipway/db/recent_writes.hpp>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

namespace slipway::db::tests {
namespace {

using testing::HasSubstr;

TEST_F(replicas_case, reads_that_may_go_to_replicas_take_turns_and_everything_else_goes_to_the_primary) {
  open();
  auto const primary = primary_->port();
  std::set<int> ports;
  for (int i = 0; i < 4; ++i) ports.insert(read(port(*db_)));
  EXPECT_EQ(ports, (std::set{replicas_[0]->port(), replicas_[1]->port()}));

  EXPECT_EQ(run(port(*db_)), primary) << "an operation that allows nothing";
  EXPECT_EQ(read(db_->transaction([](transaction& tx) { return port(tx); })), primary);
  auto const written_by = [](database& db) -> task<int> {
    auto const answer = co_await db.query_once("select inet_server_port()");
    co_return static_cast<int>(answer[0].get<std::int64_t>(0));
  };
  EXPECT_EQ(read(written_by(*db_)), primary);
  read(insert(*db_, "a"));
  auto const locks = [](database& db) -> task<std::size_t> {
    co_return (co_await db.from<counter>().for_update().all()).size();
  };
  EXPECT_EQ(read(locks(*db_)), 1u);
  auto const rows = [](database& db) -> task<std::int64_t> {
    auto in = co_await db.copy_in("copy counters (name, value) from stdin");
    co_await in.write("b\t1\nc\t2\n");
    co_return co_await in.finish();
  };
  EXPECT_EQ(read(rows(*db_)), 2);
  read(db_->script("create table further (id int); drop table further"));
  auto const all = db_->replication();
  EXPECT_EQ(all.servers[1].reads, 2u);
  EXPECT_EQ(all.servers[2].reads, 2u);
  EXPECT_EQ(all.failovers, 0u);
}

TEST_F(replicas_case, the_one_that_has_replayed_most_is_read_from_when_that_is_the_policy) {
  settings_.replica_policy = replica_policy::least_lag;
  open();
  pause(*replicas_[0]);
  run(insert(*db_, "a"));
  auto const there = primary_->ask("select pg_current_wal_insert_lsn() - '0/0'");
  ASSERT_TRUE(eventually([&] { return status_of(2).position >= std::stoull(there); }));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(read(port(*db_)), replicas_[1]->port());
}

TEST_F(replicas_case, who_wrote_sees_it_while_replicas_have_not_replayed_it) {
  open();
  for (auto const& each : replicas_) pause(*each);
  context mine;
  mine.replicas = replica_use::may_read;
  read(mine, insert(*db_, "mine"));
  EXPECT_GT(mine.written, 0u);
  EXPECT_EQ(read(mine, how_many(*db_)), 1);
  EXPECT_EQ(read(mine, port(*db_)), primary_->port());
  EXPECT_EQ(read(how_many(*db_)), 0) << "others read from replicas all the while";

  // A later request, or another process: it brings the token.
  context later;
  later.replicas = replica_use::may_read;
  later.written = position_of(token_of(mine.written)).value();
  EXPECT_EQ(read(later, how_many(*db_)), 1);
  EXPECT_GE(db_->replication().not_replayed, 3u);

  for (auto const& each : replicas_) each->ask("select pg_wal_replay_resume()");
  EXPECT_TRUE(eventually([&] { return read(later, port(*db_)) != primary_->port(); }));
  EXPECT_EQ(read(later, how_many(*db_)), 1);
}

TEST_F(replicas_case, a_transaction_a_copy_and_a_script_are_seen_by_who_made_them) {
  open();
  for (auto const& each : replicas_) pause(*each);
  auto const seen = [this](auto work) {
    context operation;
    operation.replicas = replica_use::may_read;
    read(operation, work());
    return operation.written;
  };
  auto const transaction_end = seen([this] {
    return db_->transaction([](transaction& tx) -> task<> { co_await tx.insert(counter{.name = "t", .value = 1}); });
  });
  EXPECT_GT(transaction_end, 0u);
  auto const copy_end = seen([this]() -> task<> {
    auto in = co_await db_->copy_in("copy counters (name, value) from stdin");
    co_await in.write("c\t1\n");
    co_await in.finish();
  });
  EXPECT_GT(copy_end, transaction_end);
  EXPECT_GT(seen([this] { return db_->script("insert into counters (name, value) values ('s', 1)"); }), copy_end);
  auto const only_reads =
      seen([this] { return db_->transaction([](transaction& tx) -> task<> { co_await tx.from<counter>().count(); }); });
  EXPECT_EQ(only_reads, 0u) << "what changed nothing has nothing to be seen";
}

TEST_F(replicas_case, a_replica_that_is_too_far_behind_is_left_out_until_it_has_caught_up) {
  settings_.replica_lag = std::chrono::milliseconds{200};
  settings_.replica_lag_bytes = 1 << 30;
  open();
  pause(*replicas_[0]);
  run(insert(*db_, "a"));
  ASSERT_TRUE(eventually([this] { return is(1, server_part::behind); }));
  EXPECT_THAT(status_of(1).detail, HasSubstr("ms behind"));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(read(port(*db_)), replicas_[1]->port());
  replicas_[0]->ask("select pg_wal_replay_resume()");
  EXPECT_TRUE(eventually([this] { return is(1, server_part::replica); }));

  settings_.replica_lag = std::chrono::seconds{60};
  settings_.replica_lag_bytes = 1000;
  db_.reset();
  db_.reset(new database{connect(settings_, shards_)});
  pause(*replicas_[0]);
  run(db_->execute("insert into counters (name, value) select 'n' || n, n from generate_series(1, 1000) n"));
  ASSERT_TRUE(eventually([this] { return is(1, server_part::behind); }));
  EXPECT_THAT(status_of(1).detail, HasSubstr("bytes behind"));
  EXPECT_GT(status_of(1).lag_bytes, 1000u);
}

TEST_F(replicas_case, what_a_replica_cannot_answer_is_asked_of_the_primary) {
  open();
  run(db_->script("create sequence numbers"));
  caught_up();
  auto const next = [](database& db) -> task<std::int64_t> {
    co_return (co_await db.query("select nextval('numbers')"))[0].get<std::int64_t>(0);
  };
  EXPECT_EQ(read(next(*db_)), 1);
  EXPECT_EQ(read(next(*db_)), 2);

  // A schema that has not arrived yet: the statement is prepared on neither replica.
  for (auto const& each : replicas_) pause(*each);
  run(db_->script("create table newer (id int); insert into newer values (7)"));
  auto const newer = [](database& db) -> task<std::int64_t> {
    co_return (co_await db.query("select id::bigint from newer"))[0].get<std::int64_t>(0);
  };
  EXPECT_EQ(read(newer(*db_)), 7);
  EXPECT_EQ(db_->replication().asked_again, 3u);

  // What is wrong everywhere is not asked twice.
  EXPECT_THROW(read(db_->query("select 1 / 0")), error);
  EXPECT_EQ(db_->replication().asked_again, 3u);
  EXPECT_THROW(read(db_->query("select nothing from nowhere")), error);
}

TEST_F(replicas_case, a_lost_replica_costs_no_read_and_is_used_again_when_it_is_back) {
  open();
  run(insert(*db_, "a"));
  caught_up();
  std::atomic<bool> stop{false};
  std::atomic<int> good{0};
  std::string bad;
  std::thread reader{[&] {
    while (!stop) try {
        if (read(how_many(*db_)) == 1) ++good;
      } catch (std::exception const& e) {
        bad = e.what();
      }
  }};
  EXPECT_TRUE(eventually([&] { return good > 50; }));
  replicas_[0]->kill();
  auto const before = good.load();
  EXPECT_TRUE(eventually([&] { return is(1, server_part::unreachable) && good > before + 50; }));
  replicas_[1]->kill();
  auto const alone = good.load();
  EXPECT_TRUE(eventually([&] { return is(2, server_part::unreachable) && good > alone + 50; }));
  replicas_[0]->start();
  EXPECT_TRUE(eventually([&] { return is(1, server_part::replica); }));
  auto const reads = status_of(1).reads;
  EXPECT_TRUE(eventually([&] { return status_of(1).reads > reads + 20; }));
  stop = true;
  reader.join();
  EXPECT_EQ(bad, "");
  run(db_->ping());
}

// It runs and takes connections, and answers each statement with an error.
TEST_F(replicas_case, a_replica_that_answers_only_with_errors_costs_no_read_and_is_left_out_until_it_is_well) {
  open();
  run(insert(*db_, "a"));
  caught_up();
  auto const set_level = [this](std::string const& level) {
    // Past the setting itself, which no statement gets past.
    std::string const on = "postgres?options=-c%20default_transaction_isolation%3Dread%5C%20committed";
    replicas_[0]->ask("alter system set default_transaction_isolation = '" + level + "'", on);
    replicas_[0]->ask("select pg_reload_conf()", on);
  };
  set_level("serializable");
  EXPECT_THROW(replicas_[0]->ask("select 1"), std::runtime_error);
  EXPECT_TRUE(eventually([this] {
    EXPECT_EQ(read(how_many(*db_)), 1);
    return is(1, server_part::unreachable);
  }));
  EXPECT_THAT(status_of(1).detail, HasSubstr("serializable mode"));
  auto const sent = status_of(1).reads;
  // Every connection to it that succeeds and every check that fails: it stays what it is.
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(read(port(*db_)), replicas_[1]->port());
    EXPECT_TRUE(is(1, server_part::unreachable)) << i;
    std::this_thread::sleep_for(std::chrono::milliseconds{2});
  }
  EXPECT_EQ(status_of(1).reads, sent);
  EXPECT_EQ(db_->replication().failovers, 0u);
  set_level("read committed");
  EXPECT_TRUE(eventually([this] { return is(1, server_part::replica); }));
  EXPECT_TRUE(eventually([this] { return read(port(*db_)) == replicas_[0]->port(); }));
}

// Accepts connections and says nothing, as a host does whose packets are lost.
class silent_server {
 public:
  silent_server() {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto length = socklen_t{sizeof at};
    EXPECT_EQ(::bind(listening_, reinterpret_cast<sockaddr*>(&at), length), 0);
    EXPECT_EQ(::listen(listening_, 64), 0);
    EXPECT_EQ(::getsockname(listening_, reinterpret_cast<sockaddr*>(&at), &length), 0);
    port_ = ntohs(at.sin_port);
    thread_ = std::jthread{[this](std::stop_token const& stop) { serve(stop); }};
  }
  silent_server(silent_server const&) = delete;
  silent_server& operator=(silent_server const&) = delete;
  ~silent_server() {
    thread_.request_stop();
    thread_.join();
    ::close(listening_);
  }
  int port() const noexcept { return port_; }
  int accepted() const noexcept { return accepted_; }
  std::size_t most_at_once() const noexcept { return most_; }

 private:
  void serve(std::stop_token const& stop) {
    std::vector<pollfd> all{{listening_, POLLIN, 0}};
    while (!stop.stop_requested()) {
      ::poll(all.data(), all.size(), 10);
      if ((all[0].revents & POLLIN) != 0) {
        all.push_back({::accept(listening_, nullptr, nullptr), POLLIN, 0});
        ++accepted_;
      }
      for (auto i = all.size(); --i > 0;) {
        char text[1024];
        if ((all[i].revents & (POLLIN | POLLHUP)) == 0 || ::read(all[i].fd, text, sizeof text) > 0) continue;
        ::close(all[i].fd);
        all.erase(all.begin() + static_cast<std::ptrdiff_t>(i));
      }
      most_ = std::max(most_.load(), all.size() - 1);
    }
    for (std::size_t i = 1; i < all.size(); ++i) ::close(all[i].fd);
  }

  int listening_ = ::socket(AF_INET, SOCK_STREAM, 0);
  int port_ = 0;
  std::atomic<int> accepted_{0};
  std::atomic<std::size_t> most_{0};
  std::jthread thread_;
};

TEST_F(replicas_case, a_server_that_says_nothing_is_tried_by_one_connection_however_many_shards_there_are) {
  silent_server silent;
  settings_.replicas[1] = "postgres://postgres@127.0.0.1:" + std::to_string(silent.port()) + "/app";
  settings_.connect_timeout = std::chrono::milliseconds{1'000};
  settings_.connect_attempts = 1;
  shards many{8};
  database db{connect(settings_, many)};
  EXPECT_TRUE(eventually([&] { return silent.accepted() >= 4; }));
  EXPECT_LE(silent.most_at_once(), 2u) << "one that connects, and one that looks why that failed";
  many.run(db.transaction([](transaction& tx) -> task<> { co_await tx.query("select 1"); }));
}

TEST(replicas, a_token_is_read_back_and_anything_else_is_none) {
  for (std::uint64_t position : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{0x1'2345'6789}, unknown_write - 1})
    EXPECT_EQ(position_of(token_of(position)), position);
  for (auto const* none : {"", "1.", "1", "2.ff", "1.xyz", "1.-1", "1.fffffffffffffffff", "1. 1", "1.ffffffffffffffff"})
    EXPECT_EQ(position_of(none), std::nullopt) << none;
  EXPECT_EQ(token_of(unknown_write | 5), "");
}

TEST(replicas, a_replica_is_as_late_as_the_first_thing_that_it_lacks) {
  detail::log_history history;
  detail::log_history::time const start{};
  auto const at = [start](int seconds) { return start + std::chrono::seconds{seconds}; };
  EXPECT_EQ(history.lag_of(0, at(9)).count(), 0) << "nothing is known of the primary";
  history.add(at(1), 100);
  history.add(at(2), 100);
  history.add(at(3), 200);
  history.add(at(4), 300);
  EXPECT_EQ(history.lag_of(300, at(9)).count(), 0);
  EXPECT_EQ(history.lag_of(250, at(9)), std::chrono::seconds{5});
  EXPECT_EQ(history.lag_of(100, at(9)), std::chrono::seconds{6});
  EXPECT_EQ(history.lag_of(50, at(9)), std::chrono::seconds{8});
  history.add(at(10), 150);
  EXPECT_EQ(history.latest(), 150u) << "a promoted server may have less";
  EXPECT_EQ(history.lag_of(160, at(11)).count(), 0);
}

TEST(replicas, what_somebody_wrote_is_remembered_at_its_furthest) {
  auto const writes = std::make_unique<recent_writes>();
  EXPECT_EQ(writes->of(7), 0u);
  writes->note(7, 200);
  writes->note(7, 100);
  EXPECT_EQ(writes->of(7), 200u);
  EXPECT_EQ(writes->of(8), 0u);
  writes->note(7, unknown_write);
  writes->note(7, 300);
  EXPECT_EQ(writes->of(7), 300 | unknown_write) << "a later write does not tell where the unknown one is";
}

}  // namespace
}  // namespace slipway::db::tests
