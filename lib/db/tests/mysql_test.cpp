// What MySQL and MariaDB do alone: the pool, deadlocks, sessions that end.
#include "server_case.hpp"

namespace slipway::db::tests {
namespace {

using namespace std::chrono_literals;

class mysql_engine : public mysql_case {};

TEST_F(mysql_engine, statements_in_one_turn_get_their_own_answers) {
  int wrong = 0, failed = 0;
  run([](database& db, int& w, int& f) -> task<> {
    co_await all_at_once(200, [&](int i) -> task<> {
      return [](database& d, int n, int& bad, int& no) -> task<> {
        try {
          auto const found =
              co_await d.query(n % 7 == 3 ? "select nonsense from nowhere where x = $1" : "select $1 * 2", {n});
          if (found[0].get<int>(0) != n * 2) ++bad;
        } catch (error const&) {
          ++no;
        }
      }(db, i, w, f);
    });
  }(*db_, wrong, failed));
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(failed, 29);
}

TEST_F(mysql_engine, transactions_that_need_statements_outside_cannot_wait_for_each_other) {
  settings_.connections = 2;
  open();
  run([](database& db) -> task<> {
    co_await all_at_once(12, [&](int i) -> task<> {
      return [](database& d, int n) -> task<> {
        co_await d.transaction([&d, n](transaction& tx) -> task<> {
          co_await tx.insert(counter{.name = std::to_string(n)});
          co_await d.query("select 1");
        });
      }(db, i);
    });
  }(*db_));
  EXPECT_EQ(run(db_->from<counter>().count()), 12);
}

TEST_F(mysql_engine, the_servers_time_limit_ends_a_statement) {
  settings_.statement_timeout = 300ms;
  open();
  EXPECT_THROW(run(db_->query("select sleep(30)")), unavailable_error);
  run(db_->insert(counter{.name = "a"}));
  EXPECT_THROW(run(db_->execute("update counters set value = sleep(30)")), unavailable_error);
  run(db_->script("do sleep(0.6)"));  // a migration may take its time
  EXPECT_EQ(run(db_->query("select 7"))[0].get<int>(0), 7);
}

TEST_F(mysql_engine, a_session_that_the_server_ends_is_replaced) {
  settings_.idle_check = 200ms;
  open();
  run(db_->query("select 1"));
  auto const ids = run(db_->query("select id from information_schema.processlist where db = database()"));
  for (auto const& row : ids) server_->end_session(row.get<std::int64_t>(0));
  EXPECT_EQ(run(db_->query("select 7"))[0].get<int>(0), 7);
  run(db_->transaction([](transaction& tx) -> task<> { co_await tx.query("select 1"); }));
  EXPECT_TRUE(soon([&] { return db_->use().reconnects >= 10 && db_->use().open == 10; }));
}

// Two transactions that lock the same two rows, the second in the other order.
task<> cross(database& db, std::int64_t first, std::int64_t second, unsigned& tries, unsigned& at_the_gate) {
  co_await db.transaction([&](transaction& tx) -> task<> {
    ++tries;
    co_await tx.execute("update counters set value = value + 1 where id = $1", {first});
    ++at_the_gate;
    while (at_the_gate < 2) co_await sleep_for(1ms);
    co_await tx.execute("update counters set value = value + 1 where id = $1", {second});
  });
}

TEST_F(mysql_engine, deadlocks_are_repeated) {
  auto const a = run(db_->insert(counter{.name = "a"})).id, b = run(db_->insert(counter{.name = "b"})).id;
  unsigned tries = 0, gate = 0;
  run([](database& db, std::int64_t x, std::int64_t y, unsigned& n, unsigned& g) -> task<> {
    co_await all_at_once(2, [&](int i) { return i == 0 ? cross(db, x, y, n, g) : cross(db, y, x, n, g); });
  }(*db_, a, b, tries, gate));
  EXPECT_GE(tries, 3u);
  for (auto const& row : run(db_->from<counter>().all())) EXPECT_EQ(row.value, 2);
}

TEST_F(mysql_engine, after_a_deadlock_nothing_more_of_the_transaction_is_done) {
  auto const a = run(db_->insert(counter{.name = "a"})).id, b = run(db_->insert(counter{.name = "b"})).id;
  unsigned losses = 0;
  run([](database& db, std::int64_t x, std::int64_t y, unsigned& lost) -> task<> {
    unsigned gate = 0, swallowed = 0;
    auto const one = [](database& d, std::int64_t first, std::int64_t second, unsigned& g, unsigned& s,
                        unsigned& l) -> task<> {
      try {
        co_await d.transaction(
            [&](transaction& tx) -> task<> {
              co_await tx.execute("update counters set value = 10 where id = $1", {first});
              ++g;
              while (g < 2) co_await sleep_for(1ms);
              try {
                co_await tx.execute("update counters set value = 10 where id = $1", {second});
              } catch (conflict_error const&) {
                ++s;  // a repository that swallows too much
              }
              co_await tx.insert(counter{.name = std::to_string(first)});
            },
            {.attempts = 1});
      } catch (conflict_error const&) {
        ++l;
      }
    };
    co_await all_at_once(
        2, [&](int i) { return i == 0 ? one(db, x, y, gate, swallowed, lost) : one(db, y, x, gate, swallowed, lost); });
    EXPECT_EQ(swallowed, 1u);
  }(*db_, a, b, losses));
  EXPECT_EQ(losses, 1u);
  EXPECT_EQ(run(db_->from<counter>().count()), 3);  // the loser's insert would have been a change by itself
}

TEST_F(mysql_engine, a_lock_that_is_not_given_in_time_is_a_conflict) {
  settings_.statement_timeout = 4s;  // half of it is for locks
  open();
  auto const a = run(db_->insert(counter{.name = "a"})).id;
  run([](database& db, std::int64_t id) -> task<> {
    co_await db.transaction([&](transaction& tx) -> task<> {
      co_await tx.execute("update counters set value = 1 where id = $1", {id});
      try {
        co_await db.execute("update counters set value = 2 where id = $1", {id});
        ADD_FAILURE();
      } catch (conflict_error const& e) {
        EXPECT_EQ(e.code(), "1205");
      }
    });
  }(*db_, a));
  EXPECT_EQ(run(db_->find<counter>(a))->value, 1);
}

TEST_F(mysql_engine, a_table_that_changes_under_a_prepared_statement) {
  run(db_->insert(counter{.name = "a", .value = 5}));
  EXPECT_EQ(run(db_->query("select value from counters"))[0].get<std::int64_t>(0), 5);
  run(db_->execute("alter table counters modify value decimal(30, 0) not null"));
  EXPECT_EQ(run(db_->query("select value from counters"))[0].get<std::int64_t>(0), 5);
  run(db_->execute("alter table counters modify value int not null, add column more int"));
  run(db_->transaction([](transaction& tx) -> task<> {
    EXPECT_EQ((co_await tx.query("select value from counters"))[0].get<std::int64_t>(0), 5);
    EXPECT_EQ((co_await tx.query("select * from counters")).columns(), 4u);
  }));
}

TEST_F(mysql_engine, a_read_in_flight_does_not_hold_up_the_end) {
  one_shot over;
  run([](database& db, one_shot& told) -> task<> {
    start_detached([](database& d, one_shot& done) -> task<> {
      EXPECT_THROW(co_await d.query("select sleep(20)"), unavailable_error);
      done.fire();
    }(db, told));
    co_await sleep_for(200ms);
  }(*db_, over));
  auto const began = std::chrono::steady_clock::now();
  db_.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
  run([](one_shot& told) -> task<> { co_await told; }(over));
}

TEST_F(mysql_engine, prepared_statements_are_bounded) {
  settings_.connections = 1;
  open();
  auto const in_use = [&] {
    auto const found = run(db_->query("show global status like 'Prepared_stmt_count'"));
    return std::stoi(found[0].get<std::string>(1));
  };
  auto const before = in_use();
  for (int round = 0; round < 2; ++round)
    for (int i = 0; i < 450; ++i)
      EXPECT_EQ(run(db_->query("select " + std::to_string(i) + " + $1", {i}))[0].get<int>(0), 2 * i);
  EXPECT_LE(in_use() - before, 400);
}

TEST_F(mysql_engine, connections_are_replaced_before_they_are_old) {
  settings_.connection_lifetime = 1s;
  settings_.idle_check = 100ms;
  open();
  auto const first = db_->use().connects;
  EXPECT_TRUE(soon([&] {
    EXPECT_EQ(run(db_->query("select 1")).size(), 1u);
    return db_->use().connects >= first + 10;
  }));
  EXPECT_EQ(db_->use().errors, 0u);
  EXPECT_TRUE(soon([&] { return db_->use().open == 10; }));
}

TEST_F(mysql_engine, decimals_are_exact_and_times_are_utc) {
  auto const found =
      run(db_->query("select cast(12345678901234567890.5 as decimal(30,1)), sum(v), cast('2024-02-29 12:00:00.000001' "
                     "as datetime(6)), "
                     "date '1960-01-02', @@time_zone from (select 1 as v union all select 2) as t"));
  auto const row = found[0];
  EXPECT_EQ(row[0].text, "12345678901234567890.5");
  EXPECT_EQ(row.get<int>(1), 3);
  using namespace std::chrono;
  EXPECT_EQ(row.get<time_point>(2), time_point{sys_days{year{2024} / 2 / 29} + 12h + 1us});
  EXPECT_EQ(row.get<time_point>(3), time_point{sys_days{year{1960} / 1 / 2}});
  EXPECT_EQ(row.get<std::string>(4), "+00:00");
}

TEST_F(mysql_engine, values_that_a_column_cannot_hold_are_refused_and_nothing_is_cut) {
  auto const owner = run(db_->insert(user{.email = "o"}));
  auto const store = [&](note n) {
    n.owner_id = owner.id;
    run(db_->insert(std::move(n)));
  };
  using namespace std::chrono;
  EXPECT_THROW(store({.title = std::string(201, 'x')}), value_error);
  EXPECT_THROW(store({.title = "t", .at = time_point{sys_days{year{-1} / 1 / 1}}}), value_error);
  EXPECT_THROW(store({.title = "t", .at = time_point{sys_days{year{10000} / 1 / 1}}}), value_error);
  EXPECT_THROW(
      run(db_->execute("insert into notes (id, owner_id, title, pinned, stars, score, took, at) values ($1, $2, "
                       "'t', 0, 3000000000, 0, 0, now())",
                       {make_uuid7(), owner.id})),
      value_error);
  EXPECT_THROW(run(db_->execute("update users set created_at = 'yesterday'")), value_error);
  EXPECT_THROW(run(db_->execute("update users set version = 'many'")), value_error);
  // More than max_allowed_packet: the server would have closed the connection.
  EXPECT_THROW(run(db_->update<user>().set(col<&user::nickname>, std::string(70 << 20, 'x')).everywhere().run()),
               value_error);
  EXPECT_EQ(run(db_->from<note>().count()), 0);
  EXPECT_EQ(run(db_->find<user>(owner.id))->nickname, std::nullopt);
  EXPECT_EQ(db_->use().errors, 0u);
}

TEST_F(mysql_engine, a_server_that_is_silent_is_not_waited_for_without_end) {
  if (!server_->is_ours()) GTEST_SKIP() << "SKIPPED LOUDLY: this needs a server of our own";
  settings_.connect_timeout = settings_.acquire_timeout = settings_.statement_timeout = 300ms;
  open();
  auto const began = std::chrono::steady_clock::now();
  server_->freeze(true);
  EXPECT_THROW(run(db_->query_once("select 1")), unavailable_error);
  EXPECT_THROW(run(db_->ping()), unavailable_error);
  server_->freeze(false);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
  run(until_healthy(*db_));
  EXPECT_EQ(run(db_->query("select 1")).size(), 1u);
}

}  // namespace
}  // namespace slipway::db::tests
