// What can be wrong with what comes in, on PostgreSQL: each has a name, and leaves nothing half done.
#include "fault_gate.hpp"
#include "server_case.hpp"

#include <cmath>
#include <limits>

namespace slipway::db::tests {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::ThrowsMessage;

class postgres_input : public postgres_case {
 protected:
  // The statement is refused in a transaction with a change before it, and nothing is left of either.
  template <class E>
  void refuses(std::string const& sql, values const& parameters, std::string const& code = {}) {
    EXPECT_THROW(run(db_->execute(sql, parameters)), E) << sql;
    try {
      run(db_->transaction([&](transaction& tx) -> task<> {
        co_await tx.insert(counter{.name = "before", .value = 1});
        co_await tx.execute(sql, parameters);
      }));
      ADD_FAILURE() << sql << " was taken";
    } catch (E const& refused) {
      if constexpr (std::is_base_of_v<error, E>)
        if (!code.empty()) EXPECT_EQ(refused.code(), code) << refused.what();
    }
    EXPECT_EQ(run(db_->from<counter>().count()), 0) << sql;
    EXPECT_EQ(db_->use().in_use, 0u);
  }
};

TEST_F(postgres_input, text_that_no_column_holds) {
  auto const insert = "insert into counters (name, value) values ($1, 1)";
  refuses<input_error>(insert, {std::string_view{"a\0b", 3}}, "22021");
  refuses<input_error>(insert, {"\xff\xfe"}, "22021");
  refuses<input_error>(insert, {"half of \xc3"}, "22021");
  refuses<input_error>(insert, {"a surrogate \xed\xa0\x80"}, "22021");
}

TEST_F(postgres_input, numbers_out_of_range) {
  run(db_->script("create table narrow (small smallint, plain integer, exact numeric(4, 2), single real)"));
  refuses<input_error>("insert into narrow (small) values ($1)", {70'000}, "22003");
  refuses<input_error>("insert into narrow (plain) values ($1)", {std::int64_t{1} << 40}, "22003");
  refuses<input_error>("insert into narrow (exact) values ($1)", {1234.5}, "22003");
  refuses<input_error>("insert into narrow (single) values ($1)", {1e300}, "22003");
  EXPECT_THROW(value{std::numeric_limits<std::uint64_t>::max()}, input_error);
  refuses<input_error>("insert into narrow (single) values ($1)", {std::nan("")});
  refuses<value_error>("select $1::bigint / 0", {1}, "22012");
}

TEST_F(postgres_input, rows_that_are_too_large) {
  run(db_->script("create table short (word varchar(5))"));
  refuses<input_error>("insert into short values ($1)", {"too long"}, "22001");
  // An index entry has to fit a third of a page. The text must not compress.
  std::string large;
  std::uint64_t state = 1;
  while (large.size() < 20'000) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    large.push_back(static_cast<char>('!' + (state >> 33) % 90));
  }
  refuses<input_error>("insert into counters (name, value) values ($1, 1)", {large}, "54000");
}

TEST_F(postgres_input, times_before_1970_and_at_the_ends) {
  auto const round_trip = [this](time_point t) {
    return run(db_->query("select $1::timestamptz", {t}))[0].get<time_point>(0);
  };
  for (std::int64_t microseconds : {std::int64_t{-1}, std::int64_t{0}, std::int64_t{-2'208'988'800'000'000},
                                    std::int64_t{-28'500'000'000'000'000}, std::int64_t{253'402'300'799'999'999}}) {
    time_point const t{std::chrono::microseconds{microseconds}};
    EXPECT_EQ(round_trip(t), t) << microseconds;
  }
  EXPECT_EQ(run(db_->query("select '1066-10-14 09:00:00+00'::timestamptz"))[0].get<time_point>(0),
            time_point{std::chrono::microseconds{-28'502'722'800'000'000}});
  refuses<input_error>("select $1::timestamptz", {time_point{std::chrono::microseconds{-300'000'000'000'000'000}}},
                       "22008");
}

TEST_F(postgres_input, constraints_have_names) {
  refuses<constraint_error>("insert into counters (name, value) values ($1, null)", {"x"}, "23502");
  run(db_->insert(user{.email = "ann@example.org"}));
  try {
    run(db_->insert(user{.email = "ann@example.org"}));
    ADD_FAILURE();
  } catch (constraint_error const& violated) {
    EXPECT_EQ(violated.name(), "unique(users.email)");
    EXPECT_THAT(violated.what(), Not(HasSubstr("ann@")));  // values stay out of logs
  }
}

TEST_F(postgres_input, a_schema_that_is_not_there) {
  refuses<error>("insert into no_such_table values ($1)", {1}, "42P01");
  refuses<error>("insert into counters (no_such_column) values ($1)", {1}, "42703");
  refuses<error>("insert into no_such_schema.counters values ($1)", {1}, "42P01");
}

TEST_F(postgres_input, a_deadlock_has_one_loser_who_tries_again) {
  run(db_->insert(counter{.id = 1, .name = "a"}));
  run(db_->insert(counter{.id = 2, .name = "b"}));
  run(db_->script("alter database " + settings_.url.substr(settings_.url.rfind('/') + 1) +
                  " set deadlock_timeout = '50ms'"));
  open();
  int tries = 0;
  run([](database& db, int& count) -> task<> {
    co_await all_at_once(2, [&](int i) -> task<> {
      return [](database& d, int first, int& n) -> task<> {
        co_await d.transaction([&n, first](transaction& tx) -> task<> {
          co_await tx.execute("update counters set value = value + 1 where id = $1", {first});
          ++n;
          while (n < 2) co_await sleep_for(1ms);  // until each has what the other wants
          co_await tx.execute("update counters set value = value + 1 where id = $1", {3 - first});
        });
      }(db, i + 1, count);
    });
  }(*db_, tries));
  EXPECT_GT(tries, 2);
  EXPECT_EQ(run(db_->query("select sum(value) from counters"))[0].get<int>(0), 4);
}

TEST_F(postgres_input, a_client_that_leaves_in_mid_transaction) {
  for (auto const* second : {"select pg_sleep(20)", "update counters set value = 2"}) {
    run([](database& db, std::string sql) -> task<> {
      context operation;
      one_shot in_the_middle, over;
      start_detached(
          [](database& d, std::string text, one_shot& half, one_shot& done) -> task<> {
            try {
              co_await d.transaction([&](transaction& tx) -> task<> {
                co_await tx.insert(counter{.name = "half", .value = 1});
                half.fire();
                co_await tx.execute(text);
                co_await sleep_for(10s);
              });
              ADD_FAILURE() << "committed";
            } catch (cancelled_error const&) {}
            done.fire();
          }(db, std::move(sql), in_the_middle, over),
          &operation);
      co_await in_the_middle;
      co_await sleep_for(20ms);
      operation.cancel(cancel_reason::client_gone);
      co_await over;
    }(*db_, second));
    EXPECT_EQ(run(db_->from<counter>().count()), 0);
    EXPECT_EQ(db_->use().in_use, 0u);
  }
}

TEST_F(postgres_input, a_server_that_is_too_old) {
  if (!server_->is_ours()) GTEST_SKIP() << "SKIPPED LOUDLY: this needs a server of our own";
  auto const version = run(db_->query("show server_version_num"))[0].get<std::string>(0);
  fault_gate gate{server_->port()};
  std::string const key{"server_version\0", 15};
  gate.forge(key + version.substr(0, 2) + ".", key + "11.");  // as this server would say if it were one
  auto s = settings_;
  s.url = "postgres://postgres@127.0.0.1:" + std::to_string(gate.port()) + "/postgres?sslmode=disable";
  auto const [code, message] = refusal(s);
  EXPECT_EQ(code, exit_code::config);
  EXPECT_THAT(message, AllOf(HasSubstr("11."), HasSubstr("too old")));
}

TEST_F(postgres_input, too_many_connections) {
  std::string why_not;
  auto const small = postgres_server::own({.max_connections = 6}, why_not);
  if (small == nullptr) GTEST_SKIP() << "SKIPPED LOUDLY: " << why_not;
  settings_.url = small->url() + "postgres";
  open();
  run(db_->script("create role guest login"));
  db_.reset();
  settings_.url = small->url_of("guest", "", "postgres");
  settings_.pipelines = 4;
  settings_.connect_attempts = 2;
  auto const [code, message] = refusal(settings_);
  EXPECT_EQ(code, exit_code::unavailable);
  EXPECT_THAT(message, AllOf(HasSubstr("max_connections"), HasSubstr("database.pipelines")));

  // At run time whoever finds no connection hears it in time.
  settings_.url = small->url() + "postgres";
  settings_.pipelines = 1;
  settings_.connections = 10;
  settings_.acquire_timeout = 500ms;
  open();
  int refused = 0, done = 0;
  run([](database& db, int& no, int& yes) -> task<> {
    co_await all_at_once(10, [&](int) -> task<> {
      return [](database& d, int& n, int& y) -> task<> {
        try {
          co_await d.transaction([](transaction& tx) -> task<> {
            co_await tx.query("select 1");
            co_await sleep_for(1500ms);
          });
          ++y;
        } catch (unavailable_error const& e) {
          EXPECT_THAT(e.what(), HasSubstr("too many"));
          ++n;
        }
      }(db, no, yes);
    });
  }(*db_, refused, done));
  EXPECT_GT(refused, 0);
  EXPECT_GT(done, 0);
  EXPECT_EQ(refused + done, 10);
}

TEST_F(postgres_input, connections_grow_old_and_are_replaced) {
  settings_.connection_lifetime = 1s;
  settings_.idle_check = 100ms;
  open();
  auto const pid = [](database& db) -> task<int> {
    co_return (co_await db.query("select pg_backend_pid()"))[0].get<int>(0);
  };
  auto const before = run(pid(*db_));
  auto const opened = db_->use().connects;
  run([](database& db, int old, auto ask) -> task<> {
    for (int i = 0; i < 500; ++i) {
      co_await db.transaction([](transaction& tx) -> task<> { co_await tx.query("select 1"); });
      if (co_await ask(db) != old) co_return;
      co_await sleep_for(10ms);
    }
    ADD_FAILURE() << "still the same connection";
  }(*db_, before, pid));
  EXPECT_GT(db_->use().connects, opened);
  EXPECT_EQ(db_->use().errors, 0u);
}

TEST_F(postgres_input, a_disk_that_is_full) {
  refuses<unavailable_error>("do $$ begin raise exception 'x' using errcode = 'disk_full'; end $$", {});
}

TEST_F(postgres_input, a_statement_is_prepared_anew_when_the_schema_changes_between) {
  run(db_->insert(counter{.id = 1, .name = "a", .value = 5}));
  for (int round = 0; round < 3; ++round) {
    run(db_->transaction([](transaction& tx) -> task<> {
      EXPECT_EQ((co_await tx.from<counter>().where(col<&counter::id> == 1).one())->value, 5);
    }));
    EXPECT_EQ(run(db_->from<counter>().where(col<&counter::id> == 1).one())->value, 5);
    run(db_->script(round % 2 == 0 ? "alter table counters alter column value type integer"
                                   : "alter table counters alter column value type bigint"));
  }
}

}  // namespace
}  // namespace slipway::db::tests
