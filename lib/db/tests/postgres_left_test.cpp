// What nobody waits for any more, on PostgreSQL: it is stopped, and holds up nobody who shares its connection.
#include "fault_gate.hpp"
#include "server_case.hpp"

namespace slipway::db::tests {
namespace {

using namespace std::chrono_literals;

class postgres_left : public postgres_case {};

TEST_F(postgres_left, a_deadline_ends_a_transaction_whose_statement_waits_for_a_lock_while_it_is_prepared) {
  auto const took = run(db_->transaction([this](transaction& other) -> task<std::chrono::milliseconds> {
    co_await other.execute("lock table counters in access exclusive mode");
    context limit;
    limit.deadline = std::chrono::steady_clock::now() + 200ms;
    one_shot over;
    auto const began = std::chrono::steady_clock::now();
    start_detached(
        [](database& d, one_shot& done) -> task<> {
          try {
            co_await d.transaction([](transaction& tx) { return tx.from<counter>().count(); });
            ADD_FAILURE() << "counted";
          } catch (cancelled_error const& e) {
            EXPECT_EQ(e.why(), cancel_reason::deadline);
          }
          done.fire();
        }(*db_, over),
        &limit);
    co_await over;
    co_return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
  }));
  EXPECT_LT(took, 5s);
}

// Counts until its deadline, which comes first.
task<> count_in_vain(database& db, std::chrono::milliseconds time) {
  context limit;
  limit.deadline = std::chrono::steady_clock::now() + time;
  one_shot over;
  start_detached(
      [](database& d, one_shot& done) -> task<> {
        try {
          co_await d.from<counter>().count();
          ADD_FAILURE() << "counted";
        } catch (cancelled_error const& e) {
          EXPECT_EQ(e.why(), cancel_reason::deadline);
        }
        done.fire();
      }(db, over),
      &limit);
  co_await over;
}

TEST_F(postgres_left, a_statement_that_is_left_while_it_is_prepared_holds_up_nobody) {
  settings_.pipelines = 1;
  open();
  auto const took = run(db_->transaction([this](transaction& other) -> task<std::chrono::milliseconds> {
    co_await other.execute("lock table counters in access exclusive mode");
    co_await count_in_vain(*db_, 200ms);
    auto const began = std::chrono::steady_clock::now();
    EXPECT_EQ((co_await db_->query("select 7"))[0].get<int>(0), 7);
    co_return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
  }));
  EXPECT_LT(took, 3s);
  EXPECT_EQ(run(db_->from<counter>().count()), 0) << "and it can be prepared again";
}

// Whoever wants the same statement while its preparation is being stopped is not answered with that.
TEST_F(postgres_left, a_preparation_that_is_stopped_is_done_again_for_who_came_since) {
  settings_.pipelines = 1;
  open();
  run([](database& db) -> task<> {
    one_shot counted;
    co_await db.transaction([&](transaction& other) -> task<> {
      co_await other.execute("lock table counters in access exclusive mode");
      co_await count_in_vain(db, 200ms);
      start_detached([](database& d, one_shot& done) -> task<> {
        try {
          EXPECT_EQ(co_await d.from<counter>().count(), 0);
        } catch (std::exception const& e) {
          ADD_FAILURE() << e.what();
        }
        done.fire();
      }(db, counted));
      co_await sleep_for(500ms);  // the order arrives in it
    });
    co_await counted;
  }(*db_));
}

// An order to stop that has hit its statement is not expected to hit another.
TEST_F(postgres_left, a_time_out_after_a_statement_that_was_stopped_is_told_at_once) {
  settings_.pipelines = 1;
  settings_.statement_timeout = 2s;
  open();
  run([](database& db) -> task<> {
    context operation;
    one_shot over;
    start_detached(
        [](database& d, one_shot& done) -> task<> {
          EXPECT_THROW(co_await d.query("select pg_sleep(20)"), cancelled_error);
          done.fire();
        }(db, over),
        &operation);
    co_await sleep_for(50ms);
    operation.cancel(cancel_reason::client_gone);
    co_await over;
    co_await db.query("select 1");
  }(*db_));
  auto const began = std::chrono::steady_clock::now();
  EXPECT_THROW(run(db_->query("select pg_sleep(20)")), unavailable_error);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 3500ms) << "once, not twice";
}

// The statement is over before the order arrives, and only its answer takes long.
TEST_F(postgres_left, an_order_that_hits_nothing_is_not_taken_for_what_ends_a_later_statement) {
  fault_gate gate{server_->port()};
  auto through = settings_;
  auto const at = ":" + std::to_string(server_->port()) + "/";
  through.url.replace(through.url.find(at), at.size(), ":" + std::to_string(gate.port()) + "/");
  through.url += "?sslmode=disable";
  through.pipelines = 1;
  through.statement_timeout = 2s;
  auto db = connect(through, shards_);
  auto const order_hits_nothing = [&] {
    gate.delay(500ms);
    run([](database& on) -> task<> {
      context operation;
      one_shot over;
      start_detached(
          [](database& d, one_shot& done) -> task<> {
            EXPECT_THROW(co_await d.query("select 1"), cancelled_error);
            done.fire();
          }(on, over),
          &operation);
      co_await sleep_for(20ms);
      operation.cancel(cancel_reason::client_gone);
      co_await over;
      co_await on.query("select 2");  // after the answer
    }(db));
    gate.pass();
  };
  order_hits_nothing();
  auto const began = std::chrono::steady_clock::now();
  EXPECT_THROW(run(db.query("select pg_sleep(20)")), unavailable_error) << "the server's own time-out";
  EXPECT_LT(std::chrono::steady_clock::now() - began, 3500ms) << "once, not twice";

  // Somebody else stops it: that is no order of ours either, when ours is as old as this.
  order_hits_nothing();
  run(sleep_for(3s));
  auto const stopped = std::chrono::steady_clock::now();
  std::jthread const somebody{[this] {
    shards own{1};
    auto there = connect(settings_, own);
    char const* const stop =
        "select count(pg_cancel_backend(pid)) from pg_stat_activity where query = 'select pg_sleep(1.2)' and state = "
        "'active'";
    while (own.run(there.query(stop))[0].get<int>(0) == 0) {}
  }};
  EXPECT_THROW(run(db.query("select pg_sleep(1.2)")), unavailable_error);
  EXPECT_LT(std::chrono::steady_clock::now() - stopped, 1s);
}

}  // namespace
}  // namespace slipway::db::tests
