// What can be wrong with a file, and what SQLite does alone.
#include "fixture.hpp"

#include <slipway/core/errors.hpp>
#include <slipway/db/errors.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>

namespace slipway::db::tests {
namespace {

namespace files = std::filesystem;

class sqlite_files : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (files::temp_directory_path() / "slipway-sqlite-test-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override { files::remove_all(directory_); }

  exit_code refusal(std::string const& file, bool create = true) {
    try {
      database refused{connect({.url = "sqlite:" + file, .create = create}, shards_)};
    } catch (startup_error const& e) {
      message_ = e.what();
      return e.code();
    }
    return exit_code::ok;
  }
  template <class T>
  T run(task<T> work) {
    return shards_.run(std::move(work));
  }

  files::path directory_;
  std::string message_;
  shards shards_{2};
};

TEST_F(sqlite_files, a_missing_directory_is_made) {
  EXPECT_EQ(refusal(directory_ / "var" / "app.db"), exit_code::ok) << message_;
  EXPECT_TRUE(files::exists(directory_ / "var/app.db"));
  EXPECT_EQ(refusal(directory_ / "not_mounted" / "data" / "app.db"), exit_code::cannot_create);
  EXPECT_THAT(message_, testing::HasSubstr("No such file or directory"));
  EXPECT_FALSE(files::exists(directory_ / "not_mounted"));
}

TEST_F(sqlite_files, what_is_made_can_be_read_by_its_owner_alone) {
  auto const before = ::umask(022);
  auto const path = directory_ / "app.db";
  {
    database made{connect({.url = "sqlite:" + path.string()}, shards_)};
    run(made.script("create table t(id integer)"));
    for (char const* suffix : {"", "-wal", "-shm"})
      EXPECT_EQ(files::status(path.string() + suffix).permissions() & files::perms::all,
                files::perms::owner_read | files::perms::owner_write)
          << suffix;
  }
  // As where a link leads to a place that is empty yet, such as another volume.
  for (int links = 0; links < 2; ++links) {
    files::create_directory(directory_ / "volume");
    files::create_symlink("volume/first.db", directory_ / "second.db");
    files::create_symlink(directory_ / "second.db", directory_ / "third.db");
    auto const from = directory_ / (links == 0 ? "second.db" : "third.db");
    EXPECT_EQ(refusal(from), exit_code::ok) << message_;
    EXPECT_EQ(files::status(directory_ / "volume/first.db").permissions() & files::perms::all,
              files::perms::owner_read | files::perms::owner_write);
    for (auto const* name : {"volume", "second.db", "third.db"}) files::remove_all(directory_ / name);
  }
  ::umask(before);
  files::permissions(path, files::perms::group_read, files::perm_options::add);
  EXPECT_EQ(refusal(path), exit_code::ok);
  EXPECT_NE(files::status(path).permissions() & files::perms::group_read, files::perms::none) << "as was wished";
}

TEST_F(sqlite_files, who_only_looks_makes_nothing) {
  EXPECT_EQ(refusal(directory_ / "var" / "app.db", false), exit_code::data);
  EXPECT_THAT(message_, testing::AllOf(testing::HasSubstr("there is no database"), testing::HasSubstr("migrate up")));
  EXPECT_TRUE(files::is_empty(directory_));
  EXPECT_EQ(refusal(directory_ / "app.db"), exit_code::ok);
  EXPECT_EQ(refusal(directory_ / "app.db", false), exit_code::ok);
  EXPECT_EQ(refusal(":memory:", false), exit_code::ok) << message_;
}

TEST_F(sqlite_files, a_file_that_is_moved_away_takes_no_more_changes_until_it_is_back) {
  auto const path = directory_ / "app.db", aside = directory_ / "aside.db";
  database moved{connect({.url = "sqlite:" + path.string()}, shards_)};
  run(moved.script("create table t(id integer)"));
  auto const insert = [&] { run(moved.execute("insert into t values ($1)", {1})); };
  auto const told = [](auto const& work) -> std::string {
    try {
      work();
      return "";
    } catch (unavailable_error const& e) {
      return e.what();
    }
  };
  auto const refused = testing::AllOf(testing::HasSubstr(path.string()), testing::HasSubstr("was moved or removed"));
  insert();
  files::rename(path, aside);
  EXPECT_THAT(told([&] { run(moved.ping()); }), refused);
  EXPECT_THAT(told(insert), refused);
  files::rename(aside, path);
  EXPECT_EQ(told([&] { run(moved.ping()); }), "");
  EXPECT_EQ(told(insert), "");
  EXPECT_THAT(told([&] {
                run(moved.transaction([&](transaction& tx) -> task<> {
                  co_await tx.execute("insert into t values ($1)", {2});
                  files::remove(path);
                }));
              }),
              refused)
      << "at its commit";
  EXPECT_THAT(told(insert), refused);
}

TEST_F(sqlite_files, a_start_that_fails_says_which_file_and_why) {
  EXPECT_EQ(refusal(directory_), exit_code::cannot_create);
  EXPECT_THAT(message_, testing::AllOf(testing::HasSubstr(directory_.string()), testing::HasSubstr("Is a directory")));
  std::ofstream{directory_ / "file"} << "text";
  EXPECT_EQ(refusal(directory_ / "file" / "app.db"), exit_code::cannot_create);
  EXPECT_THAT(message_, testing::HasSubstr("Not a directory"));
  std::ofstream{directory_ / "noise.db"} << std::string(5000, 'x');
  EXPECT_EQ(refusal(directory_ / "noise.db"), exit_code::data);
  EXPECT_THAT(message_, testing::HasSubstr("backup"));
  EXPECT_EQ(refusal(""), exit_code::config);
  EXPECT_EQ(refusal("/proc/nothing.db"), exit_code::cannot_create);
}

TEST_F(sqlite_files, a_file_that_may_not_be_written_is_refused) {
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(directory_.c_str(), 0, 0), 0);
    if (::seteuid(65534) != 0) GTEST_SKIP() << "SKIPPED LOUDLY: cannot become another user";
  }
  EXPECT_EQ(refusal(directory_ / "app.db"), exit_code::permission) << message_;
  EXPECT_THAT(message_, testing::AnyOf(testing::HasSubstr("Permission denied"), testing::HasSubstr("owner or mode")));
  if (::getuid() == 0) ASSERT_EQ(::seteuid(0), 0);
}

TEST_F(sqlite_files, a_full_disk_is_unavailable_and_passes) {
  database db{connect({.url = "sqlite:" + (directory_ / "app.db").string()}, shards_)};
  run(db.script(schema(db::dialect::sqlite)));
  auto const pages = run(db.query_once("pragma page_count"))[0].get<std::int64_t>(0);
  run(db.query_once("pragma max_page_count = " + std::to_string(pages + 4)));
  auto fill = [&] {
    for (int i = 0; i < 100; ++i) run(db.insert(counter{.name = std::to_string(i) + std::string(4000, 'x')}));
  };
  EXPECT_THROW(fill(), unavailable_error);
  EXPECT_GT(run(db.from<counter>().count()), 0);  // reads go on
  run(db.query_once("pragma max_page_count = 1000000"));
  run(db.insert(counter{.name = "room again"}));
}

TEST_F(sqlite_files, data_is_there_after_the_end) {
  auto const url = "sqlite:" + (directory_ / "app.db").string();
  {
    database db{connect({.url = url}, shards_)};
    run(db.script(schema(db::dialect::sqlite)));
    run(db.insert(counter{.name = "kept"}));
  }
  database db{connect({.url = url}, shards_)};
  EXPECT_EQ(run(db.from<counter>().one())->name, "kept");
}

TEST_F(sqlite_files, memory_is_shared_by_the_shards_of_one_object_only) {
  database one{connect({.url = "sqlite::memory:"}, shards_)}, two{connect({.url = "sqlite::memory:"}, shards_)};
  run(one.script(schema(db::dialect::sqlite)));
  run(one.insert(counter{.name = "a"}));
  std::atomic<std::int64_t> seen{-1};
  std::binary_semaphore done{0};
  shards_[1].spawn([](database& db, std::atomic<std::int64_t>& out, std::binary_semaphore& d) -> task<> {
    out = co_await db.from<counter>().count();
    d.release();
  }(one, seen, done));
  done.acquire();
  EXPECT_EQ(seen, 1);
  EXPECT_THROW(run(two.from<counter>().count()), error);
}

TEST_F(sqlite_files, a_long_read_does_not_hold_up_its_shard) {
  database db{connect({.url = "sqlite::memory:"}, shards_)};
  run([](database& d) -> task<> {
    std::string const slow =
        "select count(*) from (with recursive n (i) as (select 1 union all select i + 1 from n limit 2000000) select i "
        "from n)";
    bool other_done = false, slow_done = false;
    context operation;
    start_detached([](database& in, std::string sql, bool& done) -> task<> {
      auto const found = co_await in.query(sql);
      EXPECT_EQ(found[0].get<std::int64_t>(0), 2'000'000);
      done = true;
    }(d, slow, slow_done));
    EXPECT_FALSE(slow_done);
    start_detached([](database& in, bool& done) -> task<> {
      co_await in.query("select 1");
      done = true;
    }(d, other_done));
    EXPECT_TRUE(other_done);
    while (!slow_done) co_await sleep_for(std::chrono::milliseconds{5});
  }(db));
}

TEST_F(sqlite_files, a_full_queue_refuses) {
  database db{connect({.url = "sqlite::memory:", .queue = 2}, shards_)};
  run(db.script(schema(db::dialect::sqlite)));
  run([](database& d) -> task<> {
    unsigned refused = 0, over = 0;
    co_await d.transaction([&d, &refused, &over](transaction&) -> task<> {
      for (int i = 0; i < 5; ++i)
        start_detached([](database& in, int number, unsigned& no, unsigned& all) -> task<> {
          try {
            co_await in.insert(counter{.name = std::to_string(number)});
          } catch (unavailable_error const&) {
            ++no;
          }
          ++all;
        }(d, i, refused, over));
      EXPECT_EQ(refused, 3u);
      EXPECT_EQ(over, 3u);
      co_return;
    });
    while (over != 5) co_await sleep_for(std::chrono::milliseconds{2});
  }(db));
  EXPECT_EQ(db.use().refused, 3u);
}

class events final : public observer {
 public:
  void on_query(query_event const& event) noexcept override {
    ++count;
    last = event.sql;
    if (!event.error.empty()) ++errors;
  }
  int count = 0, errors = 0;
  std::string last;
};

TEST_F(sqlite_files, the_observer_sees_every_statement) {
  events seen;
  database db{connect({.url = "sqlite::memory:", .watch = &seen}, shards_)};
  run(db.script(schema(db::dialect::sqlite)));
  run(db.insert(counter{.name = "secret value"}));
  EXPECT_EQ(seen.count, 1);
  EXPECT_THAT(seen.last, testing::Not(testing::HasSubstr("secret")));
  EXPECT_THROW(run(db.query("select x from y")), error);
  EXPECT_EQ(seen.errors, 1);
}

TEST_F(sqlite_files, a_statement_that_was_kept_sees_how_the_table_was_changed) {
  auto d = connect({.url = "sqlite:" + (directory_ / "app.db").string()}, shards_);
  run(d.script("create table t (a integer); insert into t values (1)"));
  EXPECT_EQ(run(d.query("select * from t")).columns(), 1);
  run(d.script("alter table t add column b integer default 7"));
  auto const wider = run(d.query("select * from t"));
  ASSERT_EQ(wider.columns(), 2);
  EXPECT_EQ(wider.name(1), "b");
  EXPECT_EQ(wider.at(0, 1).integer, 7);
  run(d.script("alter table t rename column b to c"));
  EXPECT_EQ(run(d.query("select * from t")).name(1), "c");
  EXPECT_EQ(wider.name(1), "b");
}

TEST_F(sqlite_files, answers_of_any_size_come_whole) {
  auto d = connect({.url = "sqlite:" + (directory_ / "app.db").string()}, shards_);
  for (int const size : {1, 50, 3, 2'000, 0, 2}) {
    auto const found = run(d.query(
        "select i, 'text ' || i, '', null, zeroblob(i % 5), i / 2.0, printf('%.*c', i % 70, 'x') from "
        "(with recursive n (i) as (select 1 union all select i + 1 from n where i < $1) select i from n) where i <= $1",
        {size}));
    ASSERT_EQ(found.size(), static_cast<std::size_t>(size));
    for (int i = 1; i <= size; ++i) {
      auto const row = static_cast<std::size_t>(i - 1);
      EXPECT_EQ(found.at(row, 0).integer, i);
      EXPECT_EQ(found.at(row, 1).text, "text " + std::to_string(i));
      EXPECT_EQ(found.at(row, 2).kind, value_kind::text);
      EXPECT_EQ(found.at(row, 2).text, "");
      EXPECT_TRUE(found.at(row, 3).is_null());
      EXPECT_EQ(found.at(row, 4).text, std::string(static_cast<std::size_t>(i % 5), '\0'));
      EXPECT_EQ(found.at(row, 5).number, i / 2.0);
      if (i % 70 > 0) {
        EXPECT_EQ(found.at(row, 6).text, std::string(static_cast<std::size_t>(i % 70), 'x'));
      }
    }
  }
}

}  // namespace
}  // namespace slipway::db::tests
