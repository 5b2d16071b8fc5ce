// What PostgreSQL does alone: sessions that end, wrong addresses, the names of its constraints.
#include "server_case.hpp"

#include <slipway/db/unique_key.hpp>

namespace slipway::db::tests {

struct spare_part {
  id_of<spare_part> id;
  std::string code;
  std::string maker;
  std::int64_t number = 0;
};
BOOST_DESCRIBE_STRUCT(spare_part, (), (id, code, maker, number))

}  // namespace slipway::db::tests

template <>
inline constexpr auto slipway::db::table_of<slipway::db::tests::spare_part> =
    table<slipway::db::tests::spare_part>("workshop.spare_parts")
        .unique(&slipway::db::tests::spare_part::code)
        .unique(&slipway::db::tests::spare_part::maker, &slipway::db::tests::spare_part::number);

namespace slipway::db::tests {
namespace {

using namespace std::chrono_literals;

class postgres : public postgres_case {};

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

// What an insert violates, alone and in a transaction.
std::string violated_by(database& db, shards& on, std::string sql) {
  std::string alone = "nothing", inside = "nothing";
  try {
    on.run(db.execute(sql));
  } catch (constraint_error const& e) {
    alone = e.name();
  }
  try {
    on.run(db.transaction([&sql](transaction& tx) -> task<> { co_await tx.execute(sql); }));
  } catch (constraint_error const& e) {
    inside = e.name();
  }
  EXPECT_EQ(alone, inside) << sql;
  return alone;
}

TEST_F(postgres, a_violation_in_a_part_of_a_table_is_named_by_the_table) {
  run(db_->script(
      "create table places (id integer primary key);"
      "create table loans (card integer not null, place integer not null references places, book text not null, "
      "at integer, unique (card, at)) partition by range (at);"
      "create unique index loans_place on loans (lower(book), at);"
      "create table loans_near partition of loans for values from (0) to (100) partition by range (at);"
      "create table loans_first partition of loans_near for values from (0) to (10);"
      "alter table loans_first add constraint own unique (book);"
      "insert into places values (1);"
      "insert into loans values (1, 1, 'a', 1)"));
  EXPECT_EQ(violated_by(*db_, shards_, "insert into loans values (1, 1, 'b', 1)"), "unique(loans.card,loans.at)");
  EXPECT_EQ(violated_by(*db_, shards_, "insert into loans values (1, 1, 'b', 1)"), "unique(loans.card,loans.at)")
      << "it is known by now";
  EXPECT_EQ(violated_by(*db_, shards_, "insert into loans_first values (1, 1, 'b', 1)"), "unique(loans.card,loans.at)");
  EXPECT_EQ(violated_by(*db_, shards_, "insert into loans values (2, 1, 'A', 1)"), "unique(loans_place)");
  EXPECT_EQ(violated_by(*db_, shards_, "insert into loans values (2, 1, 'a', 2)"), "unique(loans_first.book)")
      << "a key of this part alone";
  EXPECT_EQ(violated_by(*db_, shards_, "insert into loans values (2, 7, 'b', 2)"), "foreign_key(loans.place)");
  EXPECT_EQ(violated_by(*db_, shards_, "insert into loans (place, book, at) values (1, 'b', 2)"),
            "not_null(loans.card)");
  EXPECT_EQ(violated_by(*db_, shards_, "insert into places values (1)"), "unique(places.id)");
}

TEST_F(postgres, unique_keys_of_a_table_in_a_schema_are_found_by_their_members) {
  run(db_->script(
      "create schema workshop;"
      "create table workshop.spare_parts (id uuid primary key, code text not null unique, maker text not null, number "
      "bigint not null, unique (maker, number))"));
  auto const add = [&](spare_part const& row, char const* key) -> std::string {
    auto const done = run(or_fault(db_->insert(row), key, fault::conflict("taken")));
    return done ? "added" : std::string{done.error().code()};
  };
  spare_part const first{.id = id_of<spare_part>::make(), .code = "a", .maker = "m", .number = 1};
  auto same_code = first, same_number = first;
  same_code.id = same_number.id = id_of<spare_part>::make();
  same_code.number = 2;
  same_number.code = "b";
  EXPECT_EQ(add(first, unique_key<&spare_part::code>), "added");
  EXPECT_EQ(add(same_code, unique_key<&spare_part::code>), "taken");
  EXPECT_EQ(add(same_number, (unique_key<&spare_part::maker, &spare_part::number>)), "taken");
  EXPECT_EQ(add(first, unique_key<&spare_part::id>), "taken");
}

TEST_F(postgres, violations_of_many_requests_at_once_are_named_by_the_table) {
  run(
      db_->script("create table loans (card integer, at integer, unique (card, at)) partition by range (at);"
                  "create table loans_first partition of loans for values from (0) to (10);"
                  "insert into loans values (1, 1)"));
  int named = 0;
  run([](database& db, int& n) -> task<> {
    co_await all_at_once(50, [&](int i) -> task<> {
      return [](database& d, bool inside, int& right) -> task<> {
        try {
          if (inside)
            co_await d.transaction(
                [](transaction& tx) -> task<> { co_await tx.execute("insert into loans values (1, 1)"); });
          else
            co_await d.execute("insert into loans values (1, 1)");
        } catch (constraint_error const& e) {
          if (e.is("unique(loans.card,loans.at)")) ++right;
        }
      }(db, i % 2 == 0, n);
    });
  }(*db_, named));
  EXPECT_EQ(named, 50);
}

TEST_F(postgres, a_violation_is_told_in_time_when_the_name_of_the_table_cannot_be_asked) {
  // What its own transaction has made, nobody else can see.
  std::string name;
  try {
    run(db_->transaction([](transaction& tx) -> task<> {
      co_await tx.script(
          "create table loans (card integer, at integer, unique (card, at)) partition by range (at);"
          "create table loans_first partition of loans for values from (0) to (10)");
      co_await tx.execute("insert into loans values (1, 1)");
      co_await tx.execute("insert into loans values (1, 1)");
    }));
  } catch (constraint_error const& e) {
    name = e.name();
  }
  EXPECT_EQ(name, "unique(loans_first.card,loans_first.at)");
}

}  // namespace
}  // namespace slipway::db::tests
