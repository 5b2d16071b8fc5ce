// Another server becomes the primary; and what a cluster refuses to begin with.
#include "postgres_replicas_case.hpp"

namespace slipway::db::tests {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using steady = std::chrono::steady_clock;

class promotion_case : public replicas_case {
 protected:
  // Writes one row after the other until it is stopped.
  struct writer {
    explicit writer(promotion_case& of) : of{of}, thread{[this] { work(); }} {}
    ~writer() { stop(); }
    void stop() {
      stopped = true;
      if (thread.joinable()) thread.join();
    }
    void work() {
      for (int i = 0; !stopped; ++i) try {
          of.read(insert(*of.db_, "w" + std::to_string(i)));
          ++written;
        } catch (unavailable_error const&) {
          ++refused;
        } catch (std::exception const& e) {
          wrong = e.what();
        }
    }
    promotion_case& of;
    std::atomic<bool> stopped{false};
    std::atomic<int> written{0}, refused{0};
    std::string wrong;
    std::thread thread;
  };
  std::pair<exit_code, std::string> refusal() {
    try {
      database refused{connect(settings_, shards_)};
    } catch (startup_error const& e) {
      return {e.code(), e.what()};
    }
    return {exit_code::ok, ""};
  }
};

TEST_F(promotion_case, writes_go_on_within_five_seconds_and_never_to_the_former_primary) {
  settings_.acquire_timeout = std::chrono::milliseconds{500};
  open();
  writer writes{*this};
  ASSERT_TRUE(eventually([&] { return writes.written > 50; }));
  // What has received more than the one that is promoted cannot follow it.
  stop_receiving(*replicas_[1]);
  auto const received = replicas_[1]->ask("select pg_last_wal_receive_lsn()");
  ASSERT_TRUE(
      eventually([&] { return replicas_[0]->ask("select pg_last_wal_replay_lsn() >= '" + received + "'") == "t"; }));
  primary_->kill();
  ASSERT_TRUE(eventually([&] { return writes.refused > 1; })) << "503 while there is no primary";
  EXPECT_THROW(run(db_->ping()), unavailable_error);
  read(how_many(*db_));  // reads go on
  auto const promoted_at = steady::now();
  replicas_[0]->ask("select pg_promote(false)");
  auto const before = writes.written.load();
  ASSERT_TRUE(eventually([&] { return writes.written > before; }));
  auto const took = std::chrono::duration_cast<std::chrono::milliseconds>(steady::now() - promoted_at);
  EXPECT_LT(took, std::chrono::seconds{5});
  RecordProperty("recovered_ms", static_cast<int>(took.count()));
  EXPECT_TRUE(eventually([&] { return is(1, server_part::primary); }));
  EXPECT_EQ(db_->replication().failovers, 1u);

  // The former primary comes back as if nothing had happened, and accepts writes: it gets none.
  primary_->start();
  ASSERT_TRUE(eventually([&] { return is(0, server_part::stale); }));
  auto const rows = primary_->ask("select count(*) from counters", name_);
  auto const then = writes.written.load();
  ASSERT_TRUE(eventually([&] { return writes.written > then + 100; }));
  EXPECT_EQ(primary_->ask("select count(*) from counters", name_), rows);
  EXPECT_EQ(run(port(*db_)), replicas_[0]->port());

  // The other replica follows, and is read from again.
  EXPECT_TRUE(eventually([&] { return is(2, server_part::behind); }));
  replicas_[1]->follow(*replicas_[0]);
  ASSERT_TRUE(eventually([&] { return is(2, server_part::replica) && status_of(2).lag_bytes < 100'000; }))
      << status_of(2).detail << ", " << status_of(2).lag_bytes << " bytes";
  writes.stop();
  EXPECT_EQ(writes.wrong, "");
  EXPECT_TRUE(eventually([&] { return read(port(*db_)) == replicas_[1]->port(); }));
  EXPECT_TRUE(eventually([&] {
    return replicas_[1]->ask("select count(*) from counters", name_) ==
           replicas_[0]->ask("select count(*) from counters", name_);
  }));
}

TEST_F(promotion_case, a_former_primary_that_never_went_away_gets_no_more_writes) {
  open();
  run(insert(*db_, "a"));
  replicas_[1]->ask("select pg_promote()");
  ASSERT_TRUE(eventually([&] { return is(2, server_part::primary) && is(0, server_part::stale); }));
  auto const rows = primary_->ask("select count(*) from counters", name_);
  for (int i = 0; i < 20; ++i) run(insert(*db_, "b" + std::to_string(i)));
  EXPECT_EQ(primary_->ask("select count(*) from counters", name_), rows);
  EXPECT_EQ(replicas_[1]->ask("select count(*) from counters where name like 'b%'", name_), "20");
  // The replica that still follows it is told apart as soon as it says so.
  EXPECT_TRUE(eventually([&] { return is(1, server_part::behind); })) << status_of(1).detail;
  EXPECT_EQ(read(port(*db_)), replicas_[1]->port());
}

TEST_F(promotion_case, a_replica_that_went_past_the_fork_is_not_read_from_whatever_its_place_in_the_log_says) {
  open();
  // The first replica receives nothing more, so the second one has what the new primary will never have.
  stop_receiving(*replicas_[0]);
  for (int i = 0; i < 50; ++i) run(insert(*db_, "lost" + std::to_string(i)));
  ASSERT_TRUE(eventually([&] { return replicas_[1]->ask("select count(*) from counters", name_) == "50"; }));
  primary_->kill();
  replicas_[0]->ask("select pg_promote()");
  ASSERT_TRUE(eventually([&] { return is(1, server_part::primary); }));
  EXPECT_TRUE(is(2, server_part::behind)) << "from the moment on when there is another primary";
  replicas_[1]->follow(*replicas_[0]);
  context mine;
  mine.replicas = replica_use::may_read;
  for (int i = 1; i <= 20; ++i) {
    read(mine, insert(*db_, "kept" + std::to_string(i)));
    EXPECT_EQ(read(mine, how_many(*db_)), i);
    EXPECT_EQ(read(how_many(*db_)), i);
  }
  EXPECT_TRUE(is(2, server_part::behind));
  // A process that starts now knows it as well.
  db_.reset();
  db_.reset(new database{connect(settings_, shards_)});
  EXPECT_EQ(read(how_many(*db_)), 20);
  EXPECT_TRUE(is(2, server_part::behind)) << status_of(2).detail;
}

TEST_F(promotion_case, a_former_primary_that_returns_as_a_replica_is_read_from) {
  open();
  auto const port_before = primary_->port();
  primary_->kill();
  replicas_[0]->ask("select pg_promote()");
  ASSERT_TRUE(eventually([&] { return is(1, server_part::primary); }));
  std::string why_not;
  primary_ = nullptr;
  primary_ = replicas_[0]->replica(why_not, port_before);
  ASSERT_NE(primary_, nullptr) << why_not;
  ASSERT_TRUE(eventually([&] { return is(0, server_part::replica); })) << status_of(0).detail;
  run(insert(*db_, "after"));
  EXPECT_TRUE(eventually([&] { return read(port(*db_)) == port_before; }));
  EXPECT_TRUE(eventually([&] { return primary_->ask("select count(*) from counters", name_) == "1"; }));
}

TEST_F(promotion_case, listeners_move_to_the_new_primary) {
  open();
  auto const hear = [](database& db, postgres_server& primary,
                       postgres_server& next) -> task<std::vector<std::string>> {
    auto listening = co_await db.listen({"news"});
    co_await db.notify("news", "before");
    std::vector<std::string> all{(co_await listening->next()).payload};
    primary.kill();
    next.ask("select pg_promote()");
    auto const gap = co_await listening->next();
    all.push_back(gap.what == notification::kind::gap ? "gap" : gap.payload);
    co_await db.notify("news", "after");
    all.push_back((co_await listening->next()).payload);
    co_return all;
  };
  auto const heard = run(hear(*db_, *primary_, *replicas_[0]));
  EXPECT_THAT(heard, testing::ElementsAre("before", "gap", "after"));
}

// Neither of the former primaries goes away, so no connection of a listener ends by itself.
TEST_F(promotion_case, listeners_move_at_every_promotion) {
  open();
  std::unique_ptr<listener> listening;
  run([](database& db, std::unique_ptr<listener>& out) -> task<> { out = co_await db.listen({"news"}); }(*db_,
                                                                                                         listening));
  auto const hear = [](listener& in) -> task<std::string> {
    auto const heard = co_await in.next();
    co_return heard.what == notification::kind::gap ? "gap" : heard.payload;
  };
  for (auto const next : {std::size_t{1}, std::size_t{2}}) {
    if (next == 2) {  // a replica of the one that is the primary now
      replicas_[1]->follow(*replicas_[0]);
      ASSERT_TRUE(eventually([&] { return is(2, server_part::replica); })) << status_of(2).detail;
    }
    replicas_[next - 1]->ask("select pg_promote()");
    ASSERT_TRUE(eventually([&] { return is(next, server_part::primary); })) << status_of(next).detail;
    EXPECT_EQ(run(hear(*listening)), "gap");
    auto const word = "of " + std::to_string(next);
    run(db_->notify("news", word));
    EXPECT_EQ(run(hear(*listening)), word);
  }
  run([](std::unique_ptr<listener>& over) -> task<> {
    over.reset();
    co_return;
  }(listening));
}

TEST_F(promotion_case, a_transaction_in_the_middle_fails_whole) {
  open();
  EXPECT_THROW(run(db_->transaction([this](transaction& tx) -> task<> {
                 co_await tx.insert(counter{.name = "half", .value = 1});
                 primary_->kill();
                 replicas_[0]->ask("select pg_promote()");
                 co_await tx.insert(counter{.name = "other half", .value = 1});
               })),
               unavailable_error);
  ASSERT_TRUE(eventually([&] { return is(1, server_part::primary); }));
  EXPECT_EQ(run(how_many(*db_)), 0);
}

TEST_F(promotion_case, it_starts_without_a_replica_and_with_its_servers_in_any_order) {
  replicas_[0]->kill();
  std::swap(settings_.url, settings_.replicas[1]);
  db_.reset(new database{connect(settings_, shards_)});
  run(db_->script(schema(db::dialect::postgres)));
  EXPECT_EQ(run(port(*db_)), primary_->port());
  EXPECT_TRUE(is(1, server_part::unreachable));
  EXPECT_TRUE(eventually([&] { return read(port(*db_)) == replicas_[1]->port(); }));
  EXPECT_EQ(db_->replication().failovers, 0u);
}

TEST_F(promotion_case, what_cannot_be_a_cluster_is_refused_at_the_start) {
  settings_.connect_attempts = 1;
  settings_.connect_timeout = std::chrono::milliseconds{500};
  auto const good = settings_;
  std::string why_not;
  auto const stranger = postgres_server::own({}, why_not);
  settings_.replicas = {stranger->make_database()};
  EXPECT_THAT(refusal(), testing::Pair(exit_code::config, HasSubstr("another cluster")));

  settings_ = good;
  settings_.replicas = {"mysql://root@127.0.0.1/app"};
  EXPECT_THAT(refusal(),
              testing::Pair(exit_code::config, AllOf(HasSubstr("database.replicas[0]"), HasSubstr("ProxySQL"))));
  settings_.url = "sqlite::memory:";
  settings_.replicas = good.replicas;
  EXPECT_THAT(refusal(), testing::Pair(exit_code::config, HasSubstr("SQLite has no replicas")));

  settings_ = good;
  settings_.url = "postgres://postgres:secret@127.0.0.1:1,127.0.0.1:2/app";
  EXPECT_THAT(refusal(),
              testing::Pair(exit_code::config, AllOf(HasSubstr("one server here"), Not(HasSubstr("secret")))));
  settings_ = good;
  settings_.replicas[1] = "postgres://postgres:secret@[127.0.0.1/app";
  EXPECT_THAT(refusal(),
              testing::Pair(exit_code::config, AllOf(HasSubstr("database.replicas[1]"), Not(HasSubstr("secret")))));

  settings_ = good;
  primary_->kill();
  EXPECT_THAT(refusal(),
              testing::Pair(exit_code::unavailable, AllOf(HasSubstr("none of these"), HasSubstr("a replica"))));
}

}  // namespace
}  // namespace slipway::db::tests
