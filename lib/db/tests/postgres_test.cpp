// What PostgreSQL does alone: the shared pipeline, lost connections, wrong addresses.
#include "postgres_case.hpp"

#include <atomic>
#include <cstdio>
#include <thread>

namespace slipway::db::tests {
namespace {

using namespace std::chrono_literals;

class postgres : public postgres_case {};

task<> read_own(database& db, int number, int& wrong) {
  auto const found = co_await db.query("select $1::bigint * 2", {number});
  if (found[0].get<int>(0) != number * 2) ++wrong;
}
task<> fail_to_read(database& db, int number, int& failed) {
  try {
    co_await db.query("select 1 / ($1::bigint - $1)", {number});
  } catch (value_error const&) {
    ++failed;
  }
}

TEST_F(postgres, an_error_in_a_shared_sync_is_the_error_of_its_statement_alone) {
  int wrong = 0, failed = 0;
  run([](database& db, int& w, int& f) -> task<> {
    for (int round = 0; round < 5; ++round)
      co_await all_at_once(100, [&](int i) { return i % 7 == 3 ? fail_to_read(db, i, f) : read_own(db, i, w); });
  }(*db_, wrong, failed));
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(failed, 5 * 14);
}

TEST_F(postgres, writes_and_failing_writes_in_one_turn_are_kept_apart) {
  run([](database& db) -> task<> {
    co_await all_at_once(60, [&](int i) -> task<> {
      return [](database& d, int n) -> task<> {
        try {
          co_await d.insert(counter{.name = std::to_string(n % 30), .value = n});
        } catch (constraint_error const&) {}
      }(db, i);
    });
  }(*db_));
  EXPECT_EQ(run(db_->from<counter>().count()), 30);
}

TEST_F(postgres, a_cancelled_read_gives_its_answer_to_nobody) {
  int wrong = 0;
  run([](database& db, int& w) -> task<> {
    co_await all_at_once(200, [&](int i) -> task<> {
      return [](database& d, int n, int& bad) -> task<> {
        if (n % 2 == 0) {
          co_await read_own(d, n, bad);
          co_return;
        }
        context operation;
        one_shot over;
        start_detached(
            [](database& in, int number, int& out, one_shot& done) -> task<> {
              try {
                co_await read_own(in, number, out);
              } catch (cancelled_error const&) {}
              done.fire();
            }(d, n, bad, over),
            &operation);
        operation.cancel(cancel_reason::client_gone);
        co_await over;
      }(db, i, w);
    });
  }(*db_, wrong));
  EXPECT_EQ(wrong, 0);
}

TEST_F(postgres, a_table_that_changes_under_a_prepared_statement) {
  run(db_->insert(counter{.name = "a", .value = 5}));
  EXPECT_EQ(run(db_->query("select value from counters"))[0].get<std::int64_t>(0), 5);
  run(db_->execute("alter table counters alter column value type numeric"));
  EXPECT_EQ(run(db_->query("select value from counters"))[0].get<std::int64_t>(0), 5);
  run(db_->execute("alter table counters alter column value type integer"));
  run(db_->transaction([](transaction& tx) -> task<> {
    EXPECT_EQ((co_await tx.query("select value from counters"))[0].get<std::int64_t>(0), 5);
  }));
}

TEST_F(postgres, copy_as_a_statement_is_refused_and_harms_nobody) {
  run(db_->insert(counter{.name = "a", .value = 5}));
  for (auto const* text : {"copy counters to stdout", "copy counters from stdin"}) {
    EXPECT_THAT([&] { run(db_->execute(text)); },
                testing::ThrowsMessage<db::error>(testing::HasSubstr("copy_in or copy_out")));
    EXPECT_EQ(run(db_->query("select value from counters"))[0].get<std::int64_t>(0), 5);
    EXPECT_THROW(run(db_->transaction([text](transaction& tx) -> task<> { co_await tx.execute(text); })), db::error);
    EXPECT_THROW(run(db_->script(std::string{"select 1; "} + text)), db::error);
    EXPECT_EQ(run(db_->from<counter>().count()), 1);
  }
}

TEST_F(postgres, more_waiting_statements_than_the_queue_holds_are_refused) {
  settings_.queue = 50;
  open();
  int refused = 0;
  run([](database& db, int& no) -> task<> {
    co_await all_at_once(80, [&](int) -> task<> {
      return [](database& d, int& n) -> task<> {
        try {
          co_await d.query("select 1");
        } catch (unavailable_error const&) {
          ++n;
        }
      }(db, no);
    });
  }(*db_, refused));
  EXPECT_EQ(refused, 30);
  EXPECT_EQ(db_->use().refused, 30u);
}

TEST_F(postgres, the_servers_time_limit_ends_a_statement) {
  settings_.statement_timeout = 100ms;
  open();
  EXPECT_THROW(run(db_->query("select pg_sleep(30)")), unavailable_error);
  run(db_->script("select pg_sleep(0.2)"));  // a migration may take its time
  EXPECT_THROW(run(db_->query_once("select pg_sleep(30)")), unavailable_error);
}

TEST_F(postgres, a_session_that_the_server_ends_is_replaced) {
  run(db_->query("select 1"));
  database other{connect(settings_, shards_)};
  run(other.query("select 1"));
  auto const pids =
      run(other.query_once("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() "
                           "and pid <> pg_backend_pid()"));
  EXPECT_GE(pids.size(), 2u);
  EXPECT_EQ(run(db_->query("select 7"))[0].get<int>(0), 7);
  EXPECT_GT(db_->use().reconnects, 0u);
  run(db_->transaction([](transaction& tx) -> task<> { co_await tx.query("select 1"); }));
}

TEST_F(postgres, serialization_failures_are_repeated) {
  run(db_->insert(counter{.name = "a"}));
  unsigned tries = 0;
  run([](database& db, unsigned& n) -> task<> {
    co_await all_at_once(6, [&](int) -> task<> {
      return [](database& d, unsigned& count) -> task<> {
        co_await d.transaction(
            [&count](transaction& tx) -> task<> {
              ++count;
              auto const row = *co_await tx.from<counter>().one();
              co_await sleep_for(std::chrono::milliseconds{5});
              co_await tx.update<counter>()
                  .set(col<&counter::value>, row.value + 1)
                  .where(col<&counter::id> == row.id)
                  .run();
            },
            {.level = isolation::repeatable_read, .attempts = 50});
      }(db, n);
    });
  }(*db_, tries));
  EXPECT_EQ(run(db_->from<counter>().one())->value, 6);
  EXPECT_GT(tries, 6u);
}

TEST_F(postgres, wrong_addresses_say_what_is_wrong_and_no_password) {
  auto s = settings_;
  s.connect_attempts = 2;
  s.connect_timeout = 2s;
  s.url = "postgres://me:topsecret@127.0.0.1:1/db";
  auto [code, message] = refusal(s);
  EXPECT_EQ(code, exit_code::unavailable);
  EXPECT_THAT(message, testing::AllOf(testing::HasSubstr("127.0.0.1:1"), testing::HasSubstr("Tried 2 times"),
                                      testing::Not(testing::HasSubstr("topsecret"))));

  s.url = "postgres://me:topsecret@[::1/db";
  std::tie(code, message) = refusal(s);
  EXPECT_EQ(code, exit_code::config);
  EXPECT_THAT(message, testing::Not(testing::HasSubstr("topsecret")));

  if (!server_->is_ours()) GTEST_SKIP() << "SKIPPED LOUDLY: the rest needs a server of our own";
  run(
      db_->script("do $$ begin if not exists (select from pg_roles where rolname = 'locked') then create role locked "
                  "login password 'right'; end if; end $$"));
  s.url = server_->url_of("locked", "topsecret", "postgres");
  std::tie(code, message) = refusal(s);
  EXPECT_EQ(code, exit_code::config);
  EXPECT_THAT(message, testing::AllOf(testing::HasSubstr("password authentication failed"),
                                      testing::Not(testing::HasSubstr("topsecret"))));
  s.url = server_->url_of("locked", "right", "postgres");
  EXPECT_EQ(refusal(s).first, exit_code::ok);

  s.url = server_->url() + "no_such_database";
  std::tie(code, message) = refusal(s);
  EXPECT_EQ(code, exit_code::config);
  EXPECT_THAT(message, testing::HasSubstr("no_such_database"));
}

// One of many clients under load: reads its own number, counts what happened.
struct tally {
  std::atomic<std::uint64_t> right{0}, wrong{0}, unavailable{0}, other{0};
  std::atomic<bool> stop{false};
};

task<> client(database& db, int number, tally& t) {
  while (!t.stop) {
    bool pause = false;
    try {
      auto const found = co_await db.query("select $1::bigint, name from counters where id = $1", {number});
      if (found.size() == 1 && found[0].get<int>(0) == number && found[0].get<std::string>(1) == std::to_string(number))
        ++t.right;
      else
        ++t.wrong;
      if (number % 4 == 0)
        co_await db.transaction([number](transaction& tx) -> task<> {
          co_await tx.execute("update counters set value = value + 1 where id = $1", {number});
        });
      if (number % 4 == 1) co_await db.execute("update counters set value = value + 1 where id = $1", {number});
    } catch (unavailable_error const&) {
      ++t.unavailable;
      pause = true;
    } catch (std::exception const& e) {
      ++t.other;
      std::fprintf(stderr, "unexpected: %s\n", e.what());
      pause = true;
    }
    if (pause) co_await sleep_for(20ms);
  }
}

TEST_F(postgres, a_killed_server_is_back_within_five_seconds_and_no_answer_was_wrong) {
  if (!server_->is_ours()) GTEST_SKIP() << "SKIPPED LOUDLY: this needs a server of our own";
  for (int i = 1; i <= 40; ++i) run(db_->insert(counter{.id = i, .name = std::to_string(i)}));
  tally t;
  std::atomic<int> running{0};
  auto start_clients = [&](shard& on, int first) {
    on.spawn([](database& db, int from, tally& out, std::atomic<int>& alive) -> task<> {
      ++alive;
      co_await all_at_once(20, [&](int i) { return client(db, from + i, out); });
      --alive;
    }(*db_, first, t, running));
  };
  start_clients(shards_[0], 1);
  start_clients(shards_[1], 21);
  auto wait_for_right = [&](std::uint64_t more) {
    auto const goal = t.right + more;
    auto const end = std::chrono::steady_clock::now() + 20s;
    while (t.right < goal && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(1ms);
    return t.right >= goal;
  };
  ASSERT_TRUE(wait_for_right(500));
  for (int round = 0; round < 2; ++round) {
    server_->kill();
    std::this_thread::sleep_for(300ms);
    server_->start();  // returns when the server answers
    auto const began = std::chrono::steady_clock::now();
    EXPECT_TRUE(wait_for_right(500));
    auto const took = std::chrono::steady_clock::now() - began;
    EXPECT_LT(took, 5s);
    std::printf("healthy %lld ms after the server; %llu right, %llu unavailable\n",
                static_cast<long long>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()),
                static_cast<unsigned long long>(t.right), static_cast<unsigned long long>(t.unavailable));
  }
  t.stop = true;
  while (running != 0) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(t.wrong, 0u);
  EXPECT_EQ(t.other, 0u);
  EXPECT_GT(db_->use().reconnects, 0u);
  run(db_->ping());
}

TEST_F(postgres, the_health_check_sees_that_the_server_is_gone) {
  if (!server_->is_ours()) GTEST_SKIP() << "SKIPPED LOUDLY: this needs a server of our own";
  settings_.acquire_timeout = 300ms;
  open();
  run(db_->ping());
  server_->kill();
  EXPECT_THROW(run([](database& db) -> task<> {
                 for (;;) co_await db.ping();
               }(*db_)),
               unavailable_error);
  EXPECT_THROW(run(db_->query("select 1")), unavailable_error);
  EXPECT_THROW(run(db_->transaction([](transaction&) -> task<> { co_return; })), unavailable_error);
  server_->start();
  auto const again = [](database& db) -> task<> {
    for (int i = 0; i < 500; ++i) {
      try {
        co_await db.ping();
        co_return;
      } catch (unavailable_error const&) {}
      co_await sleep_for(10ms);
    }
    ADD_FAILURE() << "not healthy again";
  };
  run(again(*db_));
}

}  // namespace
}  // namespace slipway::db::tests
