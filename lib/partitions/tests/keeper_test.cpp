// Partitions of real servers.
#include "../../db/tests/fixture.hpp"

#include <slipway/core/errors.hpp>
#include <slipway/core/one_shot.hpp>
#include <slipway/core/time.hpp>
#include <slipway/db/unique_key.hpp>
#include <slipway/partitions/keeper.hpp>

#include <fmt/format.h>

#include <chrono>
#include <semaphore>
#include <thread>

namespace slipway::partitions::tests {

// By a time: the primary key has it as well.
struct event {
  id_of<event> id;
  std::string what;
  time_point at;
};
BOOST_DESCRIBE_STRUCT(event, (), (id, what, at))

// By its id alone, which begins with its time.
struct visit {
  id_of<visit> id;
  std::int64_t pages = 0;
};
BOOST_DESCRIBE_STRUCT(visit, (), (id, pages))

struct order {
  id_of<order> id;
  std::string region;
};
BOOST_DESCRIBE_STRUCT(order, (), (id, region))

struct mark {
  std::int64_t id = 0;
};
BOOST_DESCRIBE_STRUCT(mark, (), (id))

}  // namespace slipway::partitions::tests

template <>
inline constexpr auto slipway::db::table_of<slipway::partitions::tests::event> =
    table<slipway::partitions::tests::event>("events").partition_by_range(
        &slipway::partitions::tests::event::at, std::chrono::months{1}, {.ahead = 2, .keep = 2});
template <>
inline constexpr auto slipway::db::table_of<slipway::partitions::tests::visit> =
    table<slipway::partitions::tests::visit>("visits").partition_by_range(
        &slipway::partitions::tests::visit::id, std::chrono::weeks{1}, {.ahead = 1, .keep = 1});
template <>
inline constexpr auto slipway::db::table_of<slipway::partitions::tests::order> =
    table<slipway::partitions::tests::order>("orders").partition_by_list(&slipway::partitions::tests::order::region,
                                                                         "eu", "us");
template <>
inline constexpr auto slipway::db::table_of<slipway::partitions::tests::mark> =
    table<slipway::partitions::tests::mark>("marks").partition_by_hash(&slipway::partitions::tests::mark::id, 4);

namespace slipway::partitions::tests {
namespace {

using std::chrono::days;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

time_point at(char const* text) { return from_rfc3339(text).value(); }

char const* schema_of(db::dialect d) noexcept {
  return d == db::dialect::mysql
             ? "create table events (id binary(16) not null, what varchar(100) not null, at datetime(6) not null, "
               "primary key (id, at)) partition by range columns (at) (partition events_p2026_08 values less than "
               "('2026-09-01'));"
               "create table visits (id binary(16) primary key, pages bigint not null) partition by range columns (id) "
               "(partition rest values less than (maxvalue));"
               "create table plain (id bigint primary key, created_at datetime(6) not null);"
             : "create table events (id uuid not null, what text not null, at timestamptz not null, primary key (id, "
               "at)) partition by range (at);"
               "create index events_what on events (what);"
               "create table visits (id uuid primary key, pages bigint not null) partition by range (id);"
               "create table plain (id bigint primary key, created_at timestamptz not null);";
}

// A transaction of somebody else that has done one statement and stays open.
class open_transaction {
 public:
  open_transaction(db::settings const& where, std::string statement)
      : database_{db::connect(where, own_)}, statement_{std::move(statement)} {
    thread_ = std::jthread{[this] {
      own_.run(database_.transaction([this](db::transaction& tx) -> task<> {
        co_await tx.script(statement_);
        holds_.release();
        co_await may_end_;
      }));
    }};
    holds_.acquire();
  }
  void end() {
    own_[0].post([this] { may_end_.fire(); });
    thread_.join();
  }

 private:
  shards own_{1};
  db::database database_;
  std::string statement_;
  std::binary_semaphore holds_{0};
  one_shot may_end_;
  std::jthread thread_;
};

class keepers : public testing::TestWithParam<db::dialect> {
 protected:
  void SetUp() override {
    std::string why_not;
    connect_.url = db::tests::database_for(GetParam(), why_not);
    if (connect_.url.empty()) GTEST_SKIP() << "SKIPPED LOUDLY: " << why_not;
    connect_.statement_timeout = std::chrono::milliseconds{1'500};
    db_.reset(new db::database{db::connect(connect_, on_)});
    run(db_->script(schema_of(GetParam())));
    settings_.lock_timeout = std::chrono::milliseconds{1'000};
    settings_.attempts = 2;
  }
  template <class T>
  T run(task<T> work) {
    return on_.run(std::move(work));
  }
  keeper make(tables all) { return {*db_, std::move(all), settings_, clock_}; }
  std::vector<std::string> names_of(keeper& k) {
    std::vector<std::string> out;
    auto const all = run(k.status());
    for (auto const& p : all.at(0).there) out.push_back(p.name);
    return out;
  }
  void expect_done(outcome const& o) {
    EXPECT_TRUE(o.is_leader);
    EXPECT_THAT(o.problems, IsEmpty());
    for (auto const& c : o.changes) EXPECT_EQ(c.error, "") << c.what.partition;
  }
  std::string explain(std::string const& query, db::values with) {
    auto const found = run(db_->query_once(
        (GetParam() == db::dialect::mysql ? "explain partitions " : "explain (costs off) ") + query, std::move(with)));
    std::string out;
    for (std::size_t r = 0; r < found.size(); ++r)
      for (std::size_t c = 0; c < found.columns(); ++c)
        if (auto const cell = found.at(r, c); cell.kind == db::value_kind::text) out += std::string{cell.text} + "\n";
    return out;
  }

  shards on_{2};
  db::settings connect_;
  settings settings_;
  manual_clock clock_{at("2026-08-13T10:00:00Z")};
  std::unique_ptr<db::database> db_;
};
INSTANTIATE_TEST_SUITE_P(on, keepers, testing::Values(db::dialect::postgres, db::dialect::mysql),
                         db::tests::engine_name);

TEST_P(keepers, PartitionsAreMadeAheadAndDroppedWhenTheyAreOld) {
  auto k = make(tables_of<event>());
  expect_done(run(k.keep()));
  EXPECT_THAT(names_of(k), ElementsAre("events_p2026_08", "events_p2026_09", "events_p2026_10"));
  EXPECT_THAT(run(k.keep()).changes, IsEmpty()) << "nothing is done twice";
  auto const old = run(db_->insert(event{.what = "old", .at = at("2026-08-31T23:59:59Z")}));
  run(db_->insert(event{.what = "new", .at = at("2026-10-02T00:00:00Z")}));
  EXPECT_ANY_THROW(run(db_->insert(event{.what = "beyond", .at = at("2027-10-02T00:00:00Z")})));

  clock_.advance(days{31 + 30});  // October
  expect_done(run(k.keep()));
  EXPECT_THAT(names_of(k), ElementsAre("events_p2026_08", "events_p2026_09", "events_p2026_10", "events_p2026_11",
                                       "events_p2026_12"));
  clock_.advance(days{31});  // November: two months before it are kept
  expect_done(run(k.keep()));
  EXPECT_EQ(names_of(k).front(), "events_p2026_09");
  EXPECT_FALSE(run(db_->find<event>(old.id)).has_value());
  EXPECT_EQ(run(db_->from<event>().count()), 1);
}

TEST_P(keepers, QueriesForATimeReadItsPartitionAlone) {
  auto k = make(tables_of<event>());
  expect_done(run(k.keep()));
  auto const plan = explain("select * from events where at >= $1 and at < $2",
                            {at("2026-09-03T00:00:00Z"), at("2026-09-04T00:00:00Z")});
  EXPECT_THAT(plan, HasSubstr("events_p2026_09"));
  EXPECT_THAT(plan, Not(HasSubstr("events_p2026_08")));
  EXPECT_THAT(plan, Not(HasSubstr("events_p2026_10")));
}

TEST_P(keepers, AnIdThatBeginsWithItsTimeIsFoundInItsPartition) {
  auto k = make(tables_of<visit>());
  expect_done(run(k.keep()));
  auto const names = names_of(k);
  EXPECT_EQ(names.at(0), "visits_p2026_08_10");
  EXPECT_EQ(names.at(1), "visits_p2026_08_17");
  visit v{.id = id_of<visit>::make(clock_), .pages = 3};
  run(db_->insert(v));
  EXPECT_EQ(run(db_->find<visit>(v.id))->pages, 3) << "the id alone is the key";
  try {
    run(db_->insert(v));
    ADD_FAILURE() << "the same id twice";
  } catch (db::constraint_error const& e) {
    EXPECT_EQ(e.name(), db::unique_key<&visit::id>);
  }
  auto const plan = explain("select * from visits where id = $1", {v.id});
  EXPECT_THAT(plan, HasSubstr("visits_p2026_08_10"));
  EXPECT_THAT(plan, Not(HasSubstr("visits_p2026_08_17")));
  clock_.advance(days{14});
  expect_done(run(k.keep()));
  EXPECT_FALSE(run(db_->find<visit>(v.id)).has_value());
}

TEST_P(keepers, OneOfSeveralProcessesDoesIt) {
  auto const got = GetParam() == db::dialect::mysql ? "select get_lock('slipway_partitions', 0)"
                                                    : "select pg_try_advisory_xact_lock(8317138543489151604)";
  auto k = make(tables_of<event>());
  run(db_->transaction([&](db::transaction& tx) -> task<> {
    co_await tx.query(got);
    auto const done = co_await k.keep();
    EXPECT_FALSE(done.is_leader);
    EXPECT_THAT(done.changes, IsEmpty());
    if (GetParam() == db::dialect::mysql) co_await tx.query("select release_lock('slipway_partitions')");
  }));
  expect_done(run(k.keep()));
}

TEST_P(keepers, ATableThatIsNotPartedIsTold) {
  settings_.tables.push_back({.name = "plain"});
  auto k = make({});
  auto const done = run(k.keep());
  ASSERT_EQ(done.problems.size(), 1u);
  EXPECT_THAT(done.problems[0], HasSubstr("plain is not PARTITION BY RANGE"));
}

TEST_P(keepers, ATableInUseIsLeftForTheNextTimeAndNobodyWaitsLong) {
  auto k = make(tables_of<event>());
  open_transaction other{connect_, GetParam() == db::dialect::mysql ? "select * from events"
                                                                    : "lock table events in access exclusive mode"};
  if (GetParam() == db::dialect::postgres) {
    // Its catalog can be read all the same; the attachment has to wait.
    auto const began = std::chrono::steady_clock::now();
    auto const done = run(k.keep());
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds{12});
    ASSERT_FALSE(done.changes.empty());
    EXPECT_THAT(done.changes[0].error, HasSubstr("55P03"));
  } else {
    auto const done = run(k.keep());
    ASSERT_FALSE(done.changes.empty());
    EXPECT_NE(done.changes[0].error, "");
    auto const began = std::chrono::steady_clock::now();
    EXPECT_EQ(run(db_->from<event>().count()), 0);
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds{2});
  }
  other.end();
  expect_done(run(k.keep()));
}

class mysql_keepers : public keepers {};
INSTANTIATE_TEST_SUITE_P(on, mysql_keepers, testing::Values(db::dialect::mysql), db::tests::engine_name);

TEST_P(mysql_keepers, WhatIsNotToBeDroppedIsNotDroppedWhereNothingCanBeDetached) {
  auto all = tables_of<event>();
  all[0].upkeep.drops = false;
  auto k = make(all);
  expect_done(run(k.keep()));
  run(db_->insert(event{.what = "old", .at = clock_.now()}));
  clock_.advance(days{100});
  auto const done = run(k.keep());
  ASSERT_EQ(done.problems.size(), 1u);
  EXPECT_THAT(done.problems[0], HasSubstr("events has partitions that are too old, and MySQL cannot detach them"));
  EXPECT_EQ(run(db_->from<event>().count()), 1);
  EXPECT_EQ(names_of(k).back(), "events_p2027_01") << "what is ahead is made all the same";
}

// What PostgreSQL alone can.
class postgres_keepers : public keepers {};
INSTANTIATE_TEST_SUITE_P(on, postgres_keepers, testing::Values(db::dialect::postgres), db::tests::engine_name);

TEST_P(postgres_keepers, ADetachmentThatWasCutIsFinishedLaterAndReadersGoOn) {
  auto k = make(tables_of<event>());
  expect_done(run(k.keep()));
  run(db_->insert(event{.what = "old", .at = clock_.now()}));
  clock_.advance(days{100});
  open_transaction reader{connect_, "select * from events"};
  std::string cut;
  for (auto const& c : run(k.keep()).changes) cut += c.error;
  EXPECT_THAT(cut, HasSubstr("57014")) << "the reader is waited for, no longer than a statement may take";
  EXPECT_EQ(run(db_->from<event>().where(db::col<&event::what> == "none").count()), 0) << "others read meanwhile";
  run(db_->insert(event{.what = "new", .at = clock_.now()}));
  reader.end();
  expect_done(run(k.keep()));
  EXPECT_THAT(run(k.status()).at(0).due, IsEmpty());
  EXPECT_EQ(run(db_->from<event>().count()), 1);
}

TEST_P(postgres_keepers, ADetachmentOfSomebodyElseIsNotItsBusiness) {
  auto all = tables_of<event>();
  all[0].upkeep.keep = 0;
  auto k = make(all);
  expect_done(run(k.keep()));
  run(db_->insert(event{.what = "old", .at = clock_.now()}));
  open_transaction reader{connect_, "select * from events"};
  try {
    run(db_->execute("alter table events detach partition events_p2026_08 concurrently"));
    ADD_FAILURE() << "the reader is waited for";
  } catch (unavailable_error const& e) {
    EXPECT_THAT(e.what(), HasSubstr("57014"));
  }
  reader.end();
  EXPECT_THAT(run(k.status()).at(0).due, IsEmpty());
  expect_done(run(k.keep()));
  EXPECT_EQ(run(db_->query("select count(*) from events_p2026_08"))[0].get<std::int64_t>(0), 1);
}

TEST_P(postgres_keepers, DetachedPartitionsCanBeKeptForAnArchive) {
  auto all = tables_of<event>();
  all[0].upkeep.drops = false;
  auto k = make(all);
  expect_done(run(k.keep()));
  run(db_->insert(event{.what = "old", .at = clock_.now()}));
  clock_.advance(days{100});
  expect_done(run(k.keep()));
  EXPECT_EQ(run(db_->from<event>().count()), 0);
  EXPECT_EQ(run(db_->query("select count(*) from events_p2026_08"))[0].get<std::int64_t>(0), 1);
}

TEST_P(postgres_keepers, RowsInTheDefaultPartitionAreInTheWayAndTold) {
  run(db_->script("create table events_rest partition of events default"));
  run(db_->insert(event{.what = "early", .at = at("2026-09-10T00:00:00Z")}));
  auto k = make(tables_of<event>());
  auto const done = run(k.keep());
  ASSERT_EQ(done.changes.size(), 3u);
  EXPECT_EQ(done.changes[0].error, "");
  EXPECT_THAT(done.changes[1].error, HasSubstr("default partition"));
  EXPECT_EQ(done.changes[2].error, "") << "the others go on";
}

TEST_P(postgres_keepers, PartsOfAHashAndOfAListAreMade) {
  run(
      db_->script("create table orders (id uuid not null, region text not null, primary key (id, region)) partition by "
                  "list (region)"));
  auto k = make(tables_of<order>());
  expect_done(run(k.keep()));
  EXPECT_THAT(names_of(k), ElementsAre("orders_p_eu", "orders_p_us"));
  EXPECT_THAT(explain("select * from orders where region = $1", {"eu"}), Not(HasSubstr("orders_p_us")));

  run(db_->script("create table marks (id bigint primary key) partition by hash (id)"));
  auto h = make(tables_of<mark>());
  expect_done(run(h.keep()));
  EXPECT_EQ(names_of(h).size(), 4u);
  EXPECT_THAT(run(h.keep()).changes, IsEmpty());
  run(db_->execute("insert into marks select i from generate_series(1, 1000) i"));
  EXPECT_THAT(explain("select * from marks where id = $1", {7}), Not(HasSubstr("Append")));
}

TEST_P(postgres_keepers, ATableThatNumbersItsRowsGetsItsPartitions) {
  auto const version = run(db_->query("select current_setting('server_version_num')::int"));
  if (version[0].get<int>(0) < 17'00'00)
    GTEST_SKIP() << "SKIPPED LOUDLY: partitioned tables have identity columns from PostgreSQL 17 on";
  run(
      db_->script("create table numbered (number bigint generated always as identity, created_at timestamptz not null) "
                  "partition by range (created_at)"));
  settings_.tables.push_back({.name = "numbered"});
  auto k = make({});
  expect_done(run(k.keep()));
  run(db_->execute("insert into numbered (created_at) values ($1), ($1)", {clock_.now()}));
  EXPECT_EQ(run(db_->query("select max(number) from numbered"))[0].get<std::int64_t>(0), 2);
}

TEST_P(postgres_keepers, StatementsCanBeReadFirst) {
  auto const all = tables_of<event>();
  auto k = make(all);
  auto const due = run(k.status()).at(0).due;
  ASSERT_EQ(due.size(), 3u);
  EXPECT_EQ(
      run(k.sql(all[0], due[0])),
      "CREATE TABLE \"events_p2026_08\" (LIKE \"events\" INCLUDING ALL EXCLUDING IDENTITY);\nALTER TABLE \"events\" "
      "ATTACH PARTITION \"events_p2026_08\" FOR VALUES FROM ('2026-08-01 00:00:00+00') TO ('2026-09-01 "
      "00:00:00+00');\n");
}

TEST(Keepers, SqliteIsRefused) {
  shards on{1};
  auto in_memory = db::connect({.url = "sqlite::memory:"}, on);
  try {
    keeper{in_memory, tables_of<event>(), {}};
    ADD_FAILURE() << "taken";
  } catch (startup_error const& e) {
    EXPECT_EQ(e.code(), exit_code::config);
    EXPECT_THAT(e.what(), HasSubstr("SQLite has no partitions"));
  }
}

}  // namespace
}  // namespace slipway::partitions::tests
