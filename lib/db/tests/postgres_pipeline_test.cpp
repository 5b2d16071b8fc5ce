// Statements of many requests share PostgreSQL's pipeline, and each has its own answer whatever happens to its neighbours.
#include "fault_gate.hpp"
#include "server_case.hpp"

namespace slipway::db::tests {
namespace {

using namespace std::chrono_literals;

class postgres_pipeline : public postgres_case {};

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

TEST_F(postgres_pipeline, an_error_in_a_shared_sync_is_the_error_of_its_statement_alone) {
  int wrong = 0, failed = 0;
  run([](database& db, int& w, int& f) -> task<> {
    for (int round = 0; round < 5; ++round)
      co_await all_at_once(100, [&](int i) { return i % 7 == 3 ? fail_to_read(db, i, f) : read_own(db, i, w); });
  }(*db_, wrong, failed));
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(failed, 5 * 14);
}

TEST_F(postgres_pipeline, writes_and_failing_writes_in_one_turn_are_kept_apart) {
  int refused = 0;
  run([](database& db, int& no) -> task<> {
    co_await all_at_once(60, [&](int i) -> task<> {
      return [](database& d, int n, int& r) -> task<> {
        try {
          co_await d.insert(counter{.name = std::to_string(n % 30), .value = n});
        } catch (constraint_error const&) {
          ++r;
        }
      }(db, i, no);
    });
  }(*db_, refused));
  EXPECT_EQ(refused, 30);
  EXPECT_EQ(run(db_->from<counter>().count()), 30);
}

TEST_F(postgres_pipeline, a_table_that_changes_under_a_prepared_statement) {
  run(db_->insert(counter{.name = "a", .value = 5}));
  EXPECT_EQ(run(db_->query("select value from counters"))[0].get<std::int64_t>(0), 5);
  run(db_->execute("alter table counters alter column value type numeric"));
  EXPECT_EQ(run(db_->query("select value from counters"))[0].get<std::int64_t>(0), 5);
  run(db_->execute("alter table counters alter column value type integer"));
  run(db_->transaction([](transaction& tx) -> task<> {
    EXPECT_EQ((co_await tx.query("select value from counters"))[0].get<std::int64_t>(0), 5);
  }));
}

TEST_F(postgres_pipeline, two_statements_of_one_turn_that_are_both_out_of_date) {
  settings_.pipelines = 1;
  open();
  run(db_->insert(counter{.name = "a", .value = 5}));
  auto const ask = [&] {
    run([](database& db) -> task<> {
      co_await all_at_once(20, [&](int i) -> task<> {
        return [](database& d, int n) -> task<> {
          auto const* text = n % 2 == 0 ? "select value from counters" : "select value, name from counters";
          EXPECT_EQ((co_await d.query(text))[0].get<std::int64_t>(0), 5);
        }(db, i);
      });
    }(*db_));
  };
  ask();
  run(db_->execute("alter table counters alter column value type numeric"));
  ask();
}

// The server prepares FETCH without knowing what cursor it will find.
TEST_F(postgres_pipeline, the_columns_of_a_cursor_are_those_that_it_has) {
  settings_.connections = 1;
  open();
  auto const fetch = [&](std::string declared, std::vector<std::string> names) {
    run(db_->transaction([=](transaction& tx) -> task<> {
      co_await tx.execute("declare c cursor for " + declared);
      auto const found = co_await tx.query("fetch all from c");
      EXPECT_EQ(found.size(), 1U);
      EXPECT_EQ(found.columns(), names.size());
      for (std::size_t i = 0; i < names.size(); ++i) {
        EXPECT_EQ(found.name(i), names[i]);
        EXPECT_EQ(found[0].get<std::string>(i), names[i]);
      }
    }));
  };
  EXPECT_THROW(run(db_->query("fetch all from c")), db::error) << "prepared without a cursor";
  fetch("select 'a' as a, 'b' as b", {"a", "b"});
  fetch("select 'b' as b, 'a' as a", {"b", "a"});
  fetch("select 'c' as c", {"c"});
}

// A constraint that is looked at when the implicit transaction ends, which is at the Sync.
task<> insert_late(database& db, int& refused) {
  try {
    co_await db.execute("insert into later values (1)");
  } catch (constraint_error const& e) {
    if (e.name() == "unique(later.a)") ++refused;
  }
}

TEST_F(postgres_pipeline, a_change_that_fails_at_its_end_is_told_and_shifts_no_answer) {
  settings_.pipelines = 1;
  open();
  run(
      db_->script("create table later (a bigint, constraint later_a unique (a) deferrable initially deferred);"
                  "insert into later values (1)"));
  int wrong = 0, refused = 0;
  run([](database& db, int& w, int& r) -> task<> {
    for (int round = 0; round < 3; ++round)
      co_await all_at_once(60, [&](int i) { return i % 4 == 1 ? insert_late(db, r) : read_own(db, i, w); });
  }(*db_, wrong, refused));
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(refused, 3 * 15);
  EXPECT_THROW(run(db_->transaction([](transaction& tx) -> task<> {
                 co_await tx.execute("insert into later values (1)");
                 EXPECT_EQ((co_await tx.query("select count(*) from later"))[0].get<int>(0), 2) << "until the commit";
               })),
               constraint_error);
  EXPECT_EQ(run(db_->query("select count(*) from later"))[0].get<int>(0), 1);
}

// libpq hears of the end while it writes, in the middle of what a turn sends.
TEST_F(postgres_pipeline, everybody_hears_of_a_connection_that_ends_while_it_is_written_to) {
  fault_gate gate{server_->port()};
  auto const at = ":" + std::to_string(server_->port()) + "/";
  settings_.url.replace(settings_.url.find(at), at.size(), ":" + std::to_string(gate.port()) + "/");
  settings_.pipelines = 1;
  open();
  for (int round = 0; round < 40; ++round) {
    run(db_->query("select 1"));
    int ended = 0;
    run([](database& db, fault_gate& way, int turn, int& told) -> task<> {
      way.cut();
      std::this_thread::sleep_for(std::chrono::microseconds{turn % 50 * 10});
      co_await all_at_once(40, [&](int i) -> task<> {
        return [](database& d, int number, bool reads, int& n) -> task<> {
          auto const text = std::to_string(number);
          try {
            if (reads)
              co_await d.query("select " + text);
            else
              co_await d.execute("update counters set value = 0 where value = " + text);
          } catch (unavailable_error const&) {  // the session's end
          }
          ++n;
        }(db, turn * 100 + i, i % 3 == 0, told);
      });
    }(*db_, gate, round, ended));
    EXPECT_EQ(ended, 40);
  }
}

TEST_F(postgres_pipeline, who_hears_first_of_a_failed_preparation_may_cancel_the_next) {
  settings_.pipelines = 1;
  open();
  run([](database& db) -> task<> {
    context second;
    one_shot first_over, second_over;
    auto const fail = [](database& d, one_shot& over, context* victim) -> task<> {
      EXPECT_THROW(co_await d.query("select no_such_column"), db::error);
      if (victim != nullptr) victim->cancel(cancel_reason::client_gone);
      over.fire();
    };
    start_detached(fail(db, first_over, &second));
    start_detached(fail(db, second_over, nullptr), &second);
    co_await first_over;
    co_await second_over;
  }(*db_));
}

}  // namespace
}  // namespace slipway::db::tests
