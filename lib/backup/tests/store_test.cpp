#include "refusal.hpp"

#include <slipway/backup/store.hpp>
#include <slipway/backup/wal.hpp>

#include <slipway/core/errors.hpp>

#include "../../core/tests/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace slipway::backup {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class store_test : public testing::Test {
 protected:
  void SetUp() override {
    settings_.directory = folder_ / "backups";
    settings_.key_file = folder_ / "backup.key";
    settings_.files = {folder_ / "keys", folder_ / "absent"};
    settings_.keep = 3;
    fs::create_directory(folder_ / "keys");
    write(folder_ / "keys" / "a.pem", "first");
    make_key(settings_.key_file);
    sql("PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT); INSERT INTO t VALUES (1, 'one')");
  }

  static void write(fs::path const& path, std::string const& text) { std::ofstream{path} << text; }
  static std::string read(fs::path const& path) {
    std::ifstream in{path};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
  std::string sql(std::string const& text) {
    sqlite3* db = nullptr;
    EXPECT_EQ(::sqlite3_open((folder_ / "app.db").c_str(), &db), SQLITE_OK);
    std::string out;
    char* error = nullptr;
    auto const row = [](void* to, int, char** values, char**) {
      *static_cast<std::string*>(to) += values[0] != nullptr ? values[0] : "null";
      return 0;
    };
    ::sqlite3_exec(db, text.c_str(), row, &out, &error);
    if (error != nullptr) out = error;
    ::sqlite3_free(error);
    ::sqlite3_close(db);
    return out;
  }
  std::unique_ptr<engine> database() { return make_engine("sqlite:" + (folder_ / "app.db").string(), {}); }
  store make() {
    return {settings_, clock_, random_, "1.2.3", [](std::string_view) {}};
  }
  manifest create() {
    clock_.advance(1min);
    return make().create(*database());
  }
  std::string refusal(std::function<void()> const& what, exit_code code = exit_code::data) {
    return backup::refusal(code, what);
  }

  slipway::tests::temporary_folder temporary_{"backup"};
  fs::path folder_{temporary_.path()};
  settings settings_;
  manual_clock clock_{time_point{std::chrono::sys_days{std::chrono::January / 31 / 2026}}};
  seeded_random random_{5};
};

TEST_F(store_test, what_was_lost_comes_back) {
  auto const made = create();
  EXPECT_THAT(made.id, testing::StartsWith("20260131T000100Z-"));
  EXPECT_TRUE(made.encrypted);
  EXPECT_EQ(made.program, "1.2.3");
  sql("DELETE FROM t; INSERT INTO t VALUES (2, 'two')");
  fs::remove_all(folder_ / "keys");
  auto s = make();
  EXPECT_THAT(refusal([&] { s.restore(s.find("latest"), *database(), {}); }), HasSubstr("--overwrite"));
  EXPECT_EQ(sql("SELECT x FROM t"), "two");
  s.restore(s.find(made.id), *database(), {.overwrite = true});
  EXPECT_EQ(sql("SELECT x FROM t"), "one");
  EXPECT_EQ(read(folder_ / "keys" / "a.pem"), "first");
  fs::remove(folder_ / "app.db");
  s.restore(s.find("latest"), *database(), {.files = false});
  EXPECT_EQ(sql("SELECT x FROM t"), "one");
}

TEST_F(store_test, nothing_readable_lies_in_a_sealed_backup) {
  sql("INSERT INTO t VALUES (3, 'a very particular sentence that can be found')");
  auto const made = create();
  for (auto const& e : made.entries)
    EXPECT_THAT(read(fs::path{settings_.directory} / made.id / e.file), testing::Not(HasSubstr("particular")));
}

TEST_F(store_test, a_snapshot_is_of_one_moment_while_others_write) {
  sqlite3* db = nullptr;
  ASSERT_EQ(::sqlite3_open((folder_ / "app.db").c_str(), &db), SQLITE_OK);
  ASSERT_EQ(::sqlite3_exec(db, "BEGIN; INSERT INTO t VALUES (4, 'open')", nullptr, nullptr, nullptr), SQLITE_OK);
  auto const made = create();
  EXPECT_THAT(
      refusal([&] { make().restore(made, *database(), {.overwrite = true, .files = false}); }, exit_code::unavailable),
      HasSubstr("in use: stop the service first"));
  ASSERT_EQ(::sqlite3_exec(db, "COMMIT", nullptr, nullptr, nullptr), SQLITE_OK);
  ::sqlite3_close(db);
  EXPECT_EQ(sql("SELECT count(*) FROM t"), "2");
  make().restore(made, *database(), {.overwrite = true, .files = false});
  EXPECT_EQ(sql("SELECT count(*) FROM t"), "1");
}

TEST_F(store_test, damage_is_found_before_anything_is_touched) {
  auto const made = create();
  auto const file = fs::path{settings_.directory} / made.id / made.find("database")->file;
  auto bytes = read(file);
  bytes[bytes.size() / 2] ^= 1;
  write(file, bytes);
  auto s = make();
  EXPECT_THAT(refusal([&] { s.verify(made, *database()); }), HasSubstr("SHA-256"));
  EXPECT_THAT(refusal([&] { s.restore(made, *database(), {.overwrite = true}); }), HasSubstr("SHA-256"));
  EXPECT_EQ(sql("SELECT x FROM t"), "one");
}

TEST_F(store_test, one_backups_part_does_not_pass_for_anothers) {
  auto const first = create();
  sql("INSERT INTO t VALUES (5, 'five')");
  auto second = create();
  auto const place = [&](manifest const& m) { return fs::path{settings_.directory} / m.id / m.find("database")->file; };
  fs::copy_file(place(first), place(second), fs::copy_options::overwrite_existing);
  second.entries[0].sha256 = first.entries[0].sha256;
  EXPECT_THAT(refusal([&] { make().verify(second, *database()); }), HasSubstr("was changed"));
}

TEST_F(store_test, what_is_of_another_engine_is_not_put_into_this_one) {
  auto made = create();
  made.engine = "postgres";
  EXPECT_THAT(refusal([&] { make().restore(made, *database(), {.overwrite = true}); }),
              AllOf(HasSubstr("is of postgres"), HasSubstr("database.url is of sqlite")));
  EXPECT_EQ(sql("SELECT x FROM t"), "one");
  fs::remove_all(folder_ / "keys");
  make().restore(made, *database(), {.database = false});
  EXPECT_EQ(read(folder_ / "keys" / "a.pem"), "first") << "its files are files";
}

TEST_F(store_test, a_manifest_that_was_moved_or_is_no_manifest_of_this_format_is_refused_by_its_path) {
  fs::path const good{create().id}, moved{"20300101T000000Z-0000"};
  auto const in = [this](fs::path const& id) { return fs::path{settings_.directory} / id / manifest_name; };
  auto const text = read(in(good));
  fs::create_directory(in(moved).parent_path());
  for (auto const& [what, why] : {std::pair{text, "is of another format, or was moved"},
                                  {std::string{"{"}, "is no manifest"},
                                  {std::string((1 << 20) + 1, ' '), "is larger than any manifest"}}) {
    write(in(moved), what);
    EXPECT_THAT(refusal([&] { make().list(); }), AllOf(HasSubstr(in(moved).string()), HasSubstr(why)));
  }
  fs::remove_all(in(moved).parent_path());
  auto later = text;
  auto const at = later.find("\"format\":1");
  ASSERT_NE(at, std::string::npos) << text;
  write(in(good), later.replace(at, 10, "\"format\":2"));
  EXPECT_THAT(refusal([&] { make().list(); }), HasSubstr("is of another format"));
}

TEST_F(store_test, a_damaged_database_is_no_backup_to_rely_on) {
  sql("PRAGMA foreign_keys = OFF; CREATE TABLE c (t INTEGER REFERENCES t (id)); INSERT INTO c VALUES (99)");
  auto const made = create();
  EXPECT_THAT(refusal([&] { make().verify(made, *database()); }), HasSubstr("refer to nothing"));
}

TEST_F(store_test, the_oldest_go_and_half_done_ones_do_not_count) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(create().id);
  fs::create_directory(fs::path{settings_.directory} / "20300101T000000Z-0000.partial");
  std::vector<std::string> there;
  for (auto const& m : make().list()) there.push_back(m.id);
  EXPECT_THAT(there, ElementsAre(ids[2], ids[3], ids[4]));
  EXPECT_EQ(make().find("latest").id, ids[4]);
  EXPECT_THAT(refusal([&] { make().find(ids[0]); }), HasSubstr("backup list"));
}

// A base backup as `backup base` makes it, of a server whose log has come that far.
TEST_F(store_test, dumps_and_base_backups_do_not_push_each_other_out) {
  settings_.keep = 2;
  auto const base = [this](std::string const& first_wal) {
    clock_.advance(1min);
    return make().create("postgres", "base", "tar", first_wal, [](sink& to) { to.finish(); });
  };
  auto const there = [this] {
    std::vector<std::string> ids;
    for (auto const& m : make().list()) ids.push_back(m.id);
    return ids;
  };
  auto s = make();
  wal_archive archive{s};
  auto const has = [&](std::string const& name) {
    auto const found = archive.get(name, folder_ / "out");
    fs::remove(folder_ / "out");
    return found;
  };
  write(folder_ / "segment", "log");
  for (auto const* name : {"000000010000000000000004", "000000010000000000000005", "000000010000000000000006"})
    archive.put(folder_ / "segment", name);
  auto const b1 = base("000000010000000000000005");
  std::vector<std::string> dumps;
  for (int i = 0; i < 3; ++i) dumps.push_back(create().id);
  EXPECT_THAT(there(), ElementsAre(b1.id, dumps[1], dumps[2]));
  EXPECT_EQ(make().find("latest", "base").id, b1.id);
  archive.prune();
  EXPECT_FALSE(has("000000010000000000000004"));
  EXPECT_TRUE(has("000000010000000000000005")) << "the base needs it";
  auto const b2 = base("000000010000000000000006"), b3 = base("000000010000000000000007");
  EXPECT_THAT(there(), ElementsAre(dumps[1], dumps[2], b2.id, b3.id));
  archive.prune();
  EXPECT_FALSE(has("000000010000000000000005"));
  EXPECT_TRUE(has("000000010000000000000006"));
}

TEST_F(store_test, a_place_that_is_misspelt_or_not_mounted_is_not_made) {
  settings_.directory = folder_ / "not_mounted/backups";
  EXPECT_THAT(refusal([&] { make(); }, exit_code::cannot_create),
              AllOf(HasSubstr("backup.directory"), HasSubstr("there is no " + (folder_ / "not_mounted").string())));
  EXPECT_THAT(refusal([&] { make_key(folder_ / "not_mounted/keys/backup.key"); }, exit_code::cannot_create),
              HasSubstr("backup.key_file"));
  EXPECT_FALSE(fs::exists(folder_ / "not_mounted"));
  write(folder_ / "file", "text");
  settings_.directory = folder_ / "file";
  EXPECT_THAT(refusal([&] { make(); }, exit_code::cannot_create), HasSubstr("Not a directory"));
}

// After a recovery the server goes on in a timeline of its own, whose segments continue the numbers.
TEST_F(store_test, no_log_goes_that_a_kept_base_backup_needs) {
  settings_.keep = 2;
  auto s = make();
  wal_archive archive{s};
  write(folder_ / "segment", "log");
  auto const first = "000000010000000000000004";
  std::vector<std::string> const needed{"000000010000000000000005", "000000010000000000000005.00000028.backup",
                                        "000000010000000000000006", "000000020000000000000006",
                                        "00000002.history",         "000000020000000000000007"};
  archive.put(folder_ / "segment", first);
  for (auto const& name : needed) archive.put(folder_ / "segment", name);
  auto const base = [&](std::string const& first_wal) {
    clock_.advance(1min);
    s.create("postgres", "base", "tar", first_wal, [](sink& to) { to.finish(); });
    archive.prune();
    return s.kept_in().files("wal").size();
  };
  EXPECT_EQ(base("000000010000000000000005"), needed.size()) << first << " is needed no more";
  EXPECT_EQ(base("000000020000000000000007"), needed.size()) << "the older base needs it, and leads to this one";
  EXPECT_EQ(base(""), needed.size()) << "one that does not say what it needs may need all";
  EXPECT_EQ(base("000000020000000000000007"), needed.size());
  EXPECT_EQ(base("000000020000000000000007"), 2u) << "the history, and what both need";
}

TEST_F(store_test, the_newest_of_one_second_is_the_last_that_was_made) {
  settings_.keep = 2;
  settings_.encrypt = false;
  auto s = make();
  std::string before;
  for (int i = 0; i < 10; ++i) {  // the ends of their names are random
    clock_.advance(1ms);
    auto const made = s.create("postgres", "base", "tar", {}, [](sink& to) { to.finish(); }).id;
    EXPECT_EQ(s.find("latest", "base").id, made);
    if (i > 0) EXPECT_EQ(s.list().front().id, before);
    before = made;
  }
}

TEST_F(store_test, what_is_made_on_the_way_can_be_read_by_its_owner_alone) {
  struct looking final : sink {
    explicit looking(fs::path copy) : copy_{std::move(copy)} {}
    void write(std::span<std::byte const>) override { seen = fs::status(copy_).permissions(); }
    void finish() override {}
    fs::path copy_;
    fs::perms seen = fs::perms::none;
  } to{folder_ / "app.db.backup"};
  auto const before = ::umask(022);
  database()->dump(to);
  ::umask(before);
  EXPECT_EQ(to.seen, fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_FALSE(fs::exists(folder_ / "app.db.backup"));
}

TEST_F(store_test, a_failed_backup_leaves_nothing) {
  fs::remove(folder_ / "app.db");
  EXPECT_THAT(refusal([&] { create(); }), HasSubstr("there is no database"));
  EXPECT_THAT(make().list(), IsEmpty());
  EXPECT_TRUE(fs::is_empty(settings_.directory));
}

TEST_F(store_test, without_the_key_nothing_is_made_and_without_encryption_no_key_is_asked_for) {
  fs::remove(settings_.key_file);
  EXPECT_THAT(refusal([&] { create(); }, exit_code::config), HasSubstr("slipway backup key"));
  settings_.encrypt = false;
  auto const made = create();
  EXPECT_FALSE(made.encrypted);
  EXPECT_THAT(made.entries, SizeIs(2));
  make().verify(made, *database());
  settings_.encrypt = true;  // where all are sealed, one that is not is somebody else's
  EXPECT_THAT(refusal([&] { make().verify(made, *database()); }, exit_code::data), HasSubstr("is not encrypted"));
  EXPECT_THAT(refusal([&] { make().restore(made, *database(), {.overwrite = true}); }, exit_code::data),
              HasSubstr("is not encrypted"));
}

TEST_F(store_test, the_file_is_the_one_that_is_served) {
  auto const served = folder_ / "app.db?.db";
  fs::rename(folder_ / "app.db", served);
  auto const of = make_engine("sqlite:/" + served.string(), {});  // two slashes name the root, as one does
  auto const made = make().create(*of);
  fs::remove(served);
  make().restore(made, *of, {.files = false});
  EXPECT_TRUE(fs::exists(served));
}

TEST_F(store_test, urls_that_have_no_backup) {
  for (auto const* url : {"sqlite::memory:", "sqlite:", "oracle://x"})
    EXPECT_THAT(refusal([&] { make_engine(url, {}); }, exit_code::config), testing::Not("done")) << url;
}

}  // namespace
}  // namespace slipway::backup
