// Transactions: commit, rollback, savepoints, repetition, cancellation.
#include "fixture.hpp"

#include <slipway/core/all.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/core/one_shot.hpp>
#include <slipway/db/errors.hpp>

namespace slipway::db::tests {
namespace {

class transactions : public each_engine {
 protected:
  std::int64_t rows() { return run(db_->from<counter>().count()); }
  template <class F>
  auto in_transaction(F work, transaction_options options = {}) {
    return run(db_->transaction(std::move(work), options));
  }
};

TEST_P(transactions, commit_keeps_everything) {
  auto const id = in_transaction([](transaction& tx) -> task<std::int64_t> {
    auto const a = co_await tx.insert(counter{.name = "a"});
    co_await tx.insert(counter{.name = "b"});
    EXPECT_EQ(co_await tx.from<counter>().count(), 2);  // it sees what it did
    co_return a.id;
  });
  EXPECT_GT(id, 0);
  EXPECT_EQ(rows(), 2);
}

TEST_P(transactions, an_exception_undoes_everything) {
  EXPECT_THROW(in_transaction([](transaction& tx) -> task<> {
                 co_await tx.insert(counter{.name = "a"});
                 throw std::runtime_error{"no"};
               }),
               std::runtime_error);
  EXPECT_EQ(rows(), 0);
  EXPECT_THROW(in_transaction([](transaction& tx) -> task<> {
                 co_await tx.insert(counter{.name = "a"});
                 co_await tx.insert(counter{.name = "a"});
               }),
               constraint_error);
  EXPECT_EQ(rows(), 0);
}

TEST_P(transactions, a_fault_undoes_everything_and_is_returned) {
  auto const r = in_transaction([](transaction& tx) -> task<result<counter>> {
    auto row = co_await tx.insert(counter{.name = "a"});
    if (row.value == 0) co_return fault::conflict("no");
    co_return row;
  });
  EXPECT_EQ(r.error().code(), "no");
  EXPECT_EQ(rows(), 0);
}

TEST_P(transactions, others_see_nothing_before_the_commit) {
  run([](database& db) -> task<> {
    co_await db.transaction([&db](transaction& tx) -> task<> {
      co_await tx.insert(counter{.name = "a"});
      EXPECT_EQ(co_await db.from<counter>().count(), 0);
    });
    EXPECT_EQ(co_await db.from<counter>().count(), 1);
  }(*db_));
}

TEST_P(transactions, statements_can_be_sent_side_by_side) {
  auto const seen = in_transaction([](transaction& tx) -> task<std::int64_t> {
    auto const [a, b, all_there] =
        co_await all(tx.insert(counter{.name = "a"}), tx.insert(counter{.name = "b"}), tx.from<counter>().count());
    EXPECT_NE(a.id, b.id);
    co_return all_there;
  });
  EXPECT_EQ(seen, 2) << "in the order in which they stand";
  auto const [found, count] = run([](database& db) -> task<std::tuple<counter, std::int64_t>> {
    auto both = co_await all(db.from<counter>().where(col<&counter::name> == "b").one(), db.from<counter>().count());
    EXPECT_TRUE(both);
    co_return std::move(*both);
  }(*db_));
  EXPECT_EQ(found.name, "b");
  EXPECT_EQ(count, 2);
}

TEST_P(transactions, one_of_several_side_by_side_that_fails_undoes_them_all) {
  EXPECT_THROW(in_transaction([](transaction& tx) -> task<> {
                 std::vector<task<counter>> inserts;
                 for (auto const* name : {"a", "b", "a", "c"}) inserts.push_back(tx.insert(counter{.name = name}));
                 co_await all(std::move(inserts));
               }),
               constraint_error);
  EXPECT_EQ(rows(), 0);
}

TEST_P(transactions, many_questions_side_by_side_get_their_own_answers) {
  run([](database& db) -> task<> {
    std::vector<counter> rows;
    for (int i = 0; i < 200; ++i) rows.push_back({.name = std::to_string(i)});
    co_await db.insert_many(rows);
    std::vector<task<result<counter>>> questions;
    for (auto const& row : rows) questions.push_back(db.from<counter>().where(col<&counter::name> == row.name).one());
    auto const found = co_await all(std::move(questions));
    EXPECT_TRUE(found);
    for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(found->at(i).name, rows[i].name);
  }(*db_));
}

TEST_P(transactions, a_savepoint_can_fail_alone) {
  in_transaction([](transaction& tx) -> task<> {
    co_await tx.insert(counter{.name = "a"});
    try {
      co_await tx.transaction([](transaction& inner) -> task<> {
        co_await inner.insert(counter{.name = "b"});
        co_await inner.insert(counter{.name = "a"});
      });
      ADD_FAILURE();
    } catch (constraint_error const&) {}
    auto const refused = co_await tx.transaction([](transaction& inner) -> task<result<int>> {
      co_await inner.insert(counter{.name = "c"});
      co_return fault::conflict("no");
    });
    EXPECT_FALSE(refused);
    co_await tx.transaction([](transaction& inner) -> task<> { co_await inner.insert(counter{.name = "d"}); });
  });
  auto const left = run(db_->from<counter>().order_by(asc<&counter::name>).all());
  ASSERT_EQ(left.size(), 2u);
  EXPECT_EQ(left[1].name, "d");
}

TEST_P(transactions, what_lost_is_done_again) {
  unsigned tries = 0;
  in_transaction([&tries](transaction& tx) -> task<> {
    co_await tx.insert(counter{.name = "a"});
    if (++tries < 3) throw conflict_error{"lost"};
  });
  EXPECT_EQ(tries, 3u);
  EXPECT_EQ(rows(), 1);
  tries = 0;
  EXPECT_THROW(in_transaction(
                   [&tries](transaction&) -> task<> {
                     ++tries;
                     throw conflict_error{"lost"};
                     co_return;
                   },
                   {.attempts = 2}),
               conflict_error);
  EXPECT_EQ(tries, 2u);
}

task<> add_one(database& db, unsigned times, one_shot& done, unsigned& running) {
  for (unsigned i = 0; i < times; ++i)
    co_await db.transaction(
        [](transaction& tx) -> task<> {
          auto row = *co_await tx.from<counter>().one();
          co_await tx.update<counter>()
              .set(col<&counter::value>, row.value + 1)
              .where(col<&counter::id> == row.id)
              .run();
        },
        {.level = isolation::serializable, .attempts = 100});
  if (--running == 0) done.fire();
}

TEST_P(transactions, serializable_increments_lose_nothing) {
  run(db_->insert(counter{.name = "a"}));
  run([](database& db) -> task<> {
    one_shot done;
    unsigned running = 4;
    for (int i = 0; i < 4; ++i) start_detached(add_one(db, 10, done, running));
    co_await done;
  }(*db_));
  EXPECT_EQ(run(db_->from<counter>().one())->value, 40);
}

task<cancel_reason> reason_of(task<> work) {
  try {
    co_await std::move(work);
  } catch (cancelled_error const& e) {
    co_return e.why();
  }
  co_return cancel_reason::none;
}

// Runs `work` under a context that is cancelled after a while.
task<cancel_reason> cancelled_after(std::chrono::milliseconds when, task<> work,
                                    cancel_reason why = cancel_reason::client_gone) {
  context operation;
  one_shot done;
  cancel_reason found = cancel_reason::none;
  start_detached(
      [](task<> inner, cancel_reason& out, one_shot& d) -> task<> {
        out = co_await reason_of(std::move(inner));
        d.fire();
      }(std::move(work), found, done),
      &operation);
  co_await sleep_for(when);
  operation.cancel(why);
  co_await done;
  co_return found;
}

char const* slow(db::dialect d) {
  if (d == db::dialect::mysql) return "select sleep(60)";
  return d == db::dialect::postgres ? "select pg_sleep(60)"
                                    : "select count(*) from (with recursive n (i) as (select 1 union all select i + 1 "
                                      "from n) select i from n)";
}

task<> read_slowly(database& db) { co_await db.query(slow(db.dialect())); }
task<> write_slowly(database& db) {
  co_await db.transaction([](transaction& tx) -> task<> {
    co_await tx.insert(counter{.name = "a"});
    co_await tx.query_once(slow(tx.dialect()));
  });
}

TEST_P(transactions, a_cancelled_read_ends_soon) {
  auto const began = std::chrono::steady_clock::now();
  EXPECT_EQ(run(cancelled_after(std::chrono::milliseconds{50}, read_slowly(*db_))), cancel_reason::client_gone);
  EXPECT_EQ(rows(), 0);  // the next statement is answered
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds{5});
}

TEST_P(transactions, a_cancelled_transaction_is_undone_and_its_connection_freed) {
  auto const began = std::chrono::steady_clock::now();
  for (int i = 0; i < 6; ++i)  // more than there are connections
    EXPECT_EQ(run(cancelled_after(std::chrono::milliseconds{20}, write_slowly(*db_))), cancel_reason::client_gone);
  EXPECT_EQ(rows(), 0);
  in_transaction([](transaction& tx) -> task<> { co_await tx.insert(counter{.name = "a"}); });
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds{10});
}

TEST_P(transactions, the_deadline_reaches_the_statement) {
  auto const timed = [](database& db) -> task<cancel_reason> {
    context operation;
    operation.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds{150};
    one_shot done;
    cancel_reason found = cancel_reason::none;
    start_detached(
        [](database& d, cancel_reason& out, one_shot& ready) -> task<> {
          out = co_await reason_of(read_slowly(d));
          ready.fire();
        }(db, found, done),
        &operation);
    co_await done;
    co_return found;
  };
  auto const began = std::chrono::steady_clock::now();
  EXPECT_EQ(run(timed(*db_)), cancel_reason::deadline);
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds{5});
}

TEST_P(transactions, a_transaction_that_cannot_begin_in_time_says_so) {
  settings_.acquire_timeout = std::chrono::milliseconds{200};
  settings_.connections = 1;
  database small{connect(settings_, shards_)};
  run(small.script(GetParam() == db::dialect::sqlite ? schema(GetParam()) : "select 1"));
  run([](database& db) -> task<> {
    co_await db.transaction([&db](transaction&) -> task<> {
      try {
        co_await db.transaction([](transaction&) -> task<> { co_return; });
        ADD_FAILURE() << "two transactions on one connection";
      } catch (unavailable_error const&) {}
    });
  }(small));
}

TEST_P(transactions, scripts_have_many_statements) {
  run(db_->script(
      "insert into counters (name, value) values ('a', 1); insert into counters (name, value) values ('b', 2);"));
  EXPECT_EQ(rows(), 2);
  EXPECT_THROW(in_transaction([](transaction& tx) -> task<> {
                 co_await tx.script("insert into counters (name, value) values ('c', 1); nonsense;");
               }),
               error);
  EXPECT_EQ(rows(), 2);
  in_transaction([](transaction& tx) -> task<> {
    co_await tx.script("create table more (x integer); insert into more values (1);");
  });
  EXPECT_EQ(run(db_->query("select x from more")).size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(engines, transactions, all_engines(), engine_name);

}  // namespace
}  // namespace slipway::db::tests
