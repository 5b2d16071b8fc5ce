// Where the engines differ, and the page that says so. Each row of the table below is asked of each engine, which has
// to answer with the very words of its column; the page docs/databases.md holds the same table, and a test tells when
// it does not. SLIPWAY_WRITE_DOCS=1 writes the table into the page.
#include "fixture.hpp"

#include <slipway/core/errors.hpp>
#include <slipway/db/errors.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace slipway::db::tests {
namespace {

using namespace std::chrono_literals;

using probe = task<std::string> (*)(database& db);

struct difference {
  char const* topic;
  probe ask;
  char const *sqlite, *postgres, *mysql;

  char const* on(db::dialect d) const {
    return d == db::dialect::sqlite ? sqlite : d == db::dialect::postgres ? postgres : mysql;
  }
};

// "refused" with the kind of exception, or "taken".
task<std::string> verdict(task<> work) {
  try {
    co_await std::move(work);
  } catch (value_error const&) {
    co_return "refused: `value_error`";
  } catch (conflict_error const&) {
    co_return "refused: `conflict_error`";
  } catch (constraint_error const&) {
    co_return "refused: `constraint_error`";
  } catch (error const&) {
    co_return "refused: `error`";
  }
  co_return "taken";
}

task<> put_note(database& db, note n) {
  auto owner = co_await db.from<user>().first();
  if (!owner) owner = co_await db.insert(user{.email = "o"});
  n.owner_id = owner->id;
  co_await db.insert(std::move(n));
}

task<std::string> contains_and_case(database& db) {
  co_await put_note(db, {.title = "\xc3\x84pfel"});
  auto const finds = [&db](char const* what) {
    return db.from<note>().where(col<&note::title>.contains(what)).exists();
  };
  auto const ascii = co_await finds("PFEL"), all = co_await finds("\xc3\xa4pfel"), accents = co_await finds("apfel");
  if (db.dialect() == db::dialect::postgres && ascii)
    co_return "ASCII letters, and others as the database's locale has it";
  if (accents) co_return "all letters, and accents do not count";
  co_return all ? "all letters; accents count" : ascii ? "ASCII letters only" : "counts";
}

task<std::string> like_by_hand(database& db) {
  co_await put_note(db, {.title = "Apple"});
  auto const found = co_await db.query("select title from notes where title like 'app%'");
  co_return found.empty() ? "case counts" : "the case of ASCII letters does not count";
}

task<std::string> nulls_by_hand(database& db) {
  co_await put_note(db, {.title = "none"});
  co_await put_note(db, {.title = "one", .rank = 1});
  auto const found = co_await db.query("select title from notes order by \"rank\"");
  co_return found[0].get<std::string>(0) == "none" ? "first" : "last";
}

task<std::string> division(database& db) {
  auto const found = co_await db.query("select 7 / 2");
  co_return found[0].get<double>(0) == 3 ? "3" : "3.5";
}

task<std::string> infinity(database& db) {
  co_return co_await verdict(put_note(db, {.title = "t", .score = std::numeric_limits<double>::infinity()}));
}

task<std::string> year_10000(database& db) {
  using namespace std::chrono;
  co_return co_await verdict(put_note(db, {.title = "t", .at = time_point{sys_days{year{10'000} / 1 / 1}}}));
}

task<std::string> large_value(database& db) {
  co_await db.insert(user{.email = "o"});
  co_return co_await verdict([](database& in) -> task<> {
    co_await in.update<user>().set(col<&user::nickname>, std::string(std::size_t{17} << 20, 'x')).everywhere().run();
  }(db));
}

task<std::string> text_as_key(database& db) {
  co_return co_await verdict(
      [](database& in) -> task<> { co_await in.script("create table words (word text primary key)"); }(db));
}

task<std::string> update_returning(database& db) {
  co_await db.insert(counter{.name = "a"});
  co_return co_await verdict(
      [](database& in) -> task<> { co_await in.query_once("update counters set value = 1 returning id"); }(db));
}

task<std::string> schema_in_transaction(database& db) {
  co_await db.transaction([](transaction& tx) -> task<result<void>> {
    co_await tx.insert(counter{.name = "before"});
    co_await tx.script("create table made (id int)");
    co_return fault::conflict("no");
  });
  bool there = true;
  try {
    co_await db.query("select id from made");
  } catch (error const&) {
    there = false;
  }
  auto const kept = co_await db.from<counter>().count() == 1;
  co_return there&& kept ? "stays, and has committed what was before it" : "is undone with it";
}

task<std::string> after_a_failure(database& db) {
  auto const done = co_await verdict([](database& in) -> task<> {
    co_await in.transaction([](transaction& tx) -> task<> {
      co_await tx.insert(counter{.name = "a"});
      try {
        co_await tx.insert(counter{.name = "a"});
      } catch (constraint_error const&) {}
      co_await tx.insert(counter{.name = "b"});
    });
  }(db));
  co_return done == "taken" ? "can go on" : "is lost (a savepoint can save it)";
}

task<std::string> others_meanwhile(database& db) {
  std::string out;
  co_await db.transaction([&](transaction& tx) -> task<> {
    co_await tx.from<counter>().count();
    try {
      co_await db.insert(counter{.name = "other"});
    } catch (unavailable_error const&) {
      out = "wait: there is one writer";
      co_return;
    }
    out = co_await tx.from<counter>().count() == 1 ? "write, and it sees what they commit" : "write, unseen";
  });
  co_return out;
}

task<std::string> lost_update(database& db) {
  if (db.dialect() == db::dialect::sqlite) co_return "cannot happen: there is one writer";
  auto const row = co_await db.insert(counter{.name = "a"});
  auto const done = co_await verdict([](database& in, std::int64_t id) -> task<> {
    co_await in.transaction(
        [&in, id](transaction& tx) -> task<> {
          co_await tx.find<counter>(id);
          co_await in.execute("update counters set value = 10 where id = $1", {id});
          co_await tx.update<counter>().set(col<&counter::value>, 1).where(col<&counter::id> == id).run();
        },
        {.level = isolation::repeatable_read, .attempts = 1});
  }(db, row.id));
  co_return done == "taken" ? "the first change is lost" : "noticed, and the transaction is repeated";
}

task<std::string> keys_after_rollback(database& db) {
  co_await db.transaction([](transaction& tx) -> task<result<void>> {
    co_await tx.insert(counter{.name = "a"});
    co_return fault::conflict("no");
  });
  auto const next = co_await db.insert(counter{.name = "b"});
  co_return next.id == 1 ? "is given again" : "leaves a gap";
}

difference const all[] = {
    {"`contains` without regard to case", contains_and_case, "ASCII letters only",
     "ASCII letters, and others as the database's locale has it", "all letters; accents count"},
    {"`LIKE` written by hand", like_by_hand, "the case of ASCII letters does not count", "case counts", "case counts"},
    {"nulls in an `ORDER BY` written by hand (the query builder puts them last)", nulls_by_hand, "first", "last",
     "first"},
    {"`7 / 2` written by hand", division, "3", "3", "3.5"},
    {"infinity as a `double`", infinity, "taken", "taken", "refused: `value_error`"},
    {"a time after the year 9999", year_10000, "taken", "taken", "refused: `value_error`"},
    {"a value of 17 MB (MySQL: `max_allowed_packet`, MariaDB has 16 MB by default)", large_value, "taken", "taken",
     "refused: `value_error`"},
    {"a primary key of `text` without a length (`varchar(n)` works everywhere)", text_as_key, "taken", "taken",
     "refused: `error`"},
    {"`UPDATE .. RETURNING` written by hand (the query builder's `returning` works everywhere)", update_returning,
     "taken", "taken", "refused: `error`"},
    {"a change of the schema in a transaction that is rolled back", schema_in_transaction, "is undone with it",
     "is undone with it", "stays, and has committed what was before it"},
    {"a transaction in which a statement failed", after_a_failure, "can go on", "is lost (a savepoint can save it)",
     "can go on"},
    {"others who write while a transaction is open", others_meanwhile, "wait: there is one writer",
     "write, and it sees what they commit", "write, and it sees what they commit"},
    {"a lost update at `repeatable_read`", lost_update, "cannot happen: there is one writer",
     "noticed, and the transaction is repeated", "noticed, and the transaction is repeated"},
    {"the number of a row that was rolled back", keys_after_rollback, "is given again", "leaves a gap", "leaves a gap"},
};

class differences : public each_engine {
 protected:
  void SetUp() override {
    settings_.acquire_timeout = 300ms;
    each_engine::SetUp();
  }
};

TEST_P(differences, are_as_the_page_says) {
  for (auto const& each : all) {
    std::string why_not;
    settings own = settings_;
    own.url = database_for(GetParam(), why_not);
    database fresh{connect(own, shards_)};
    run(fresh.script(schema(GetParam())));
    EXPECT_EQ(run(each.ask(fresh)), each.on(GetParam())) << each.topic;
  }
}

INSTANTIATE_TEST_SUITE_P(engines, differences, all_engines(), engine_name);

constexpr char const* opening = "<!-- differences: written by db_tests, SLIPWAY_WRITE_DOCS=1 -->\n";
constexpr char const* closing = "<!-- end of differences -->\n";

std::string table() {
  std::string out = "| | SQLite | PostgreSQL | MySQL, MariaDB |\n|---|---|---|---|\n";
  for (auto const& each : all)
    out += std::string{"| "} + each.topic + " | " + each.sqlite + " | " + each.postgres + " | " + each.mysql + " |\n";
  return out;
}

TEST(databases_page, holds_the_table_of_differences) {
  std::string const path = SLIPWAY_SOURCE_DIR "/docs/databases.md";
  std::ifstream in{path, std::ios::binary};
  std::string page{std::istreambuf_iterator<char>{in}, {}};
  auto const begin = page.find(opening), end = page.find(closing);
  ASSERT_TRUE(begin != std::string::npos && end != std::string::npos) << path << " has no place for the table";
  auto const from = begin + std::string{opening}.size();
  auto const current = page.substr(from, end - from);
  if (std::getenv("SLIPWAY_WRITE_DOCS") != nullptr) {
    page.replace(from, end - from, table());
    std::ofstream{path, std::ios::binary} << page;
    return;
  }
  EXPECT_EQ(current, table()) << "write it anew: SLIPWAY_WRITE_DOCS=1 db_tests --gtest_filter=databases_page.*";
}

}  // namespace
}  // namespace slipway::db::tests
