// How a transaction of PostgreSQL begins: with its first statement, on a connection that may be dead.
#include "fault_gate.hpp"
#include "server_case.hpp"

#include <cmath>

namespace slipway::db::tests {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

class postgres_beginnings : public postgres_case {
 protected:
  // From here on everything goes through the gate. One connection for transactions, which is there and idle.
  void go_through_a_gate() {
    gate_.reset(new fault_gate{server_->port()});
    auto const at = ":" + std::to_string(server_->port()) + "/";
    settings_.url.replace(settings_.url.find(at), at.size(), ":" + std::to_string(gate_->port()) + "/");
    settings_.url += "?sslmode=disable";
    settings_.connections = 1;
    settings_.acquire_timeout = 3s;
    open();
    run(db_->transaction([](transaction& tx) -> task<> { co_await tx.query("select 1"); }));
  }
  std::int64_t count() { return run(db_->from<counter>().count()); }

  std::unique_ptr<fault_gate> gate_;
};

TEST_F(postgres_beginnings, a_connection_that_died_unnoticed_is_replaced_and_nothing_is_done_twice) {
  if (!server_->is_ours()) GTEST_SKIP() << "SKIPPED LOUDLY: this needs a server of our own";
  go_through_a_gate();
  for (int round = 0; round < 3; ++round) {
    auto const connects = db_->use().connects;
    gate_->cut_at_the_next_word();
    auto const name = "n" + std::to_string(round);
    run(db_->transaction([&name](transaction& tx) -> task<> {
      // The server did this on the connection whose answer is lost, and undid it.
      auto const made = co_await tx.insert(counter{.name = name, .value = 1});
      auto const found = co_await tx.from<counter>().where(col<&counter::id> == made.id).all();
      EXPECT_EQ(found.size(), 1u);
    }));
    EXPECT_GT(db_->use().connects, connects);
    EXPECT_EQ(count(), round + 1);
  }
}

TEST_F(postgres_beginnings, nor_is_a_text_without_parameters_or_a_level) {
  if (!server_->is_ours()) GTEST_SKIP() << "SKIPPED LOUDLY: this needs a server of our own";
  go_through_a_gate();
  gate_->cut_at_the_next_word();
  auto const level = run(db_->transaction(
      [](transaction& tx) -> task<std::string> {
        auto const found = co_await tx.query("show transaction_isolation");
        co_return found[0].get<std::string>(0);
      },
      {.level = isolation::serializable}));
  EXPECT_EQ(level, "serializable");
  gate_->cut_at_the_next_word();
  run(db_->transaction(
      [](transaction& tx) -> task<> { co_await tx.script("insert into counters values (7, 's', 1)"); }));
  EXPECT_EQ(count(), 1);
}

TEST_F(postgres_beginnings, a_statement_that_ends_its_own_server_is_not_repeated) {
  if (!server_->is_ours()) GTEST_SKIP() << "SKIPPED LOUDLY: this needs a server of our own";
  run(db_->script("create sequence tries"));
  EXPECT_THROW(run(db_->transaction([](transaction& tx) -> task<> {
                 co_await tx.query_once("select nextval('tries'), pg_terminate_backend(pg_backend_pid())");
               })),
               unavailable_error);
  EXPECT_EQ(run(db_->query("select last_value from tries"))[0].get<std::int64_t>(0), 1);
}

TEST_F(postgres_beginnings, without_a_server_it_fails_and_cannot_be_committed) {
  if (!server_->is_ours()) GTEST_SKIP() << "SKIPPED LOUDLY: this needs a server of our own";
  go_through_a_gate();
  settings_.acquire_timeout = 200ms;
  open();
  ASSERT_TRUE(soon([this] {  // its connection for transactions is there
    try {
      run(db_->transaction([](transaction& tx) -> task<> { co_await tx.query("select 1"); }));
      return true;
    } catch (unavailable_error const&) {
      return false;
    }
  }));
  bool failed = false;
  EXPECT_THROW(run(db_->transaction([&](transaction& tx) -> task<> {
                 gate_->refuse();
                 try {
                   co_await tx.insert(counter{.name = "a", .value = 1});
                 } catch (unavailable_error const&) {
                   failed = true;
                 }
               })),
               unavailable_error);
  EXPECT_TRUE(failed);
  gate_->pass();
  run(until_healthy(*db_));
  EXPECT_EQ(count(), 0);
}

// The server's word that it has begun, turned into an error on the way.
TEST_F(postgres_beginnings, when_the_server_refuses_to_begin_nothing_is_done_outside_a_transaction) {
  if (!server_->is_ours()) GTEST_SKIP() << "SKIPPED LOUDLY: this needs a server of our own";
  go_through_a_gate();
  auto const insert = [](transaction& tx) -> task<> {
    try {
      co_await tx.execute("insert into counters values (1, 'a', 1)");
    } catch (db::error const&) {  // and goes on
    }
    co_await tx.execute("insert into counters values (2, 'b', 2)");
  };
  gate_->forge(
      "C\0\0\0\x0a"
      "BEGIN\0"s,
      "E\0\0\0\x0aSERR\0\0"s);
  EXPECT_ANY_THROW(run(db_->transaction(insert)));
  EXPECT_EQ(count(), 0);
  gate_->forge("", "");
  run(db_->transaction(insert));
  EXPECT_EQ(count(), 2);
}

TEST_F(postgres_beginnings, the_level_and_the_first_statement_whatever_it_is_are_inside) {
  for (auto const& [level, name] : {std::pair{isolation::read_committed, "read committed"},
                                    {isolation::repeatable_read, "repeatable read"},
                                    {isolation::serializable, "serializable"}})
    for (int round = 0; round < 2; ++round) {
      auto const found = run(db_->transaction(
          [](transaction& tx) -> task<std::string> {
            auto const answer = co_await tx.query("show transaction_isolation");
            co_return answer[0].get<std::string>(0);
          },
          {.level = level}));
      EXPECT_EQ(found, name);
    }
  struct undo {};
  for (int kind = 0; kind < 4; ++kind) {
    EXPECT_THROW(run(db_->transaction([kind](transaction& tx) -> task<> {
                   if (kind == 0) co_await tx.execute("insert into counters values (1, 'a', 1)");
                   if (kind == 1) co_await tx.script("insert into counters values (1, 'a', 1)");
                   if (kind == 2)
                     co_await all_at_once(3, [&tx](int i) -> task<> {
                       return [](transaction& t, int n) -> task<> {
                         co_await t.insert(counter{.name = std::to_string(n), .value = n});
                       }(tx, i);
                     });
                   if (kind == 3) {
                     // This one is never sent.
                     EXPECT_THROW(co_await tx.query("select $1::float", {std::nan("")}), input_error);
                     co_await tx.insert(counter{.name = "b", .value = 1});
                   }
                   throw undo{};
                 })),
                 undo)
        << kind;
    EXPECT_EQ(count(), 0) << kind;
  }
}

TEST_F(postgres_beginnings, one_that_asks_for_nothing_asks_nothing) {
  auto const queries = db_->use().queries;
  run(db_->transaction([](transaction&) -> task<> { co_return; }));
  EXPECT_EQ(run(db_->transaction([](transaction&) -> task<result<int>> { co_return fault::not_found(); })).has_value(),
            false);
  EXPECT_EQ(db_->use().queries, queries);
  EXPECT_EQ(db_->use().in_use, 0u);
}

}  // namespace
}  // namespace slipway::db::tests
