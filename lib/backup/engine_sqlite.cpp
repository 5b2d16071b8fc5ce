// SQLite by its own online backup: page by page from a snapshot, without stopping who writes.
#include <slipway/backup/engine.hpp>
#include <slipway/backup/system_error.hpp>
#include <slipway/db/sqlite_file.hpp>

#include <sqlite3.h>

#include <cstdlib>

namespace slipway::backup::detail {
namespace {

namespace fs = std::filesystem;

constexpr int patience_ms = 10'000;
constexpr int pages_at_once = 1'000;

struct closer {
  void operator()(sqlite3* db) const noexcept { ::sqlite3_close(db); }
};
using connection = std::unique_ptr<sqlite3, closer>;

connection open(fs::path const& path, int flags) {
  sqlite3* raw = nullptr;
  auto const code = ::sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  connection db{raw};
  if (code != SQLITE_OK)
    throw startup_error{exit_code::data, "cannot open " + path.string() + ": " + ::sqlite3_errstr(code)};
  ::sqlite3_busy_timeout(raw, patience_ms);
  return db;
}

// The first column of the first row.
std::string ask(sqlite3* db, char const* sql) {
  sqlite3_stmt* raw = nullptr;
  if (::sqlite3_prepare_v2(db, sql, -1, &raw, nullptr) != SQLITE_OK) return ::sqlite3_errmsg(db);
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> const statement{raw, ::sqlite3_finalize};
  auto const code = ::sqlite3_step(raw);
  if (code == SQLITE_DONE) return {};
  if (code != SQLITE_ROW) return ::sqlite3_errmsg(db);
  auto const* text = reinterpret_cast<char const*>(::sqlite3_column_text(raw, 0));
  return text != nullptr ? text : "";
}

void check_whole(fs::path const& path) {
  auto const db = open(path, SQLITE_OPEN_READONLY);
  if (auto const found = ask(db.get(), "PRAGMA integrity_check(1)"); found != "ok")
    throw startup_error{exit_code::data, "the database in the backup is damaged: " + found};
  if (auto const found = ask(db.get(), "PRAGMA foreign_key_check"); !found.empty())
    throw startup_error{exit_code::data, "the database in the backup has rows in " + found + " that refer to nothing"};
}

class file_that_goes {
 public:
  explicit file_that_goes(fs::path path) : path_{std::move(path)} { remove(); }
  file_that_goes(file_that_goes const&) = delete;
  file_that_goes& operator=(file_that_goes const&) = delete;
  ~file_that_goes() { remove(); }
  fs::path const& path() const noexcept { return path_; }

 private:
  void remove() noexcept {
    std::error_code ignored;
    for (auto const* suffix : {"", "-wal", "-shm", "-journal"}) fs::remove(path_.string() + suffix, ignored);
  }
  fs::path path_;
};

class sqlite_engine final : public engine {
 public:
  explicit sqlite_engine(fs::path path) : path_{std::move(path)} {}
  std::string name() const override { return "sqlite"; }
  std::string suffix() const override { return "sqlite"; }

  void dump(sink& to) override {
    if (!fs::exists(path_)) throw startup_error{exit_code::data, "there is no database at " + path_.string()};
    file_that_goes const copy_path{path_.string() + ".backup"};
    {
      auto const from = open(path_, SQLITE_OPEN_READWRITE);
      make_file_sink(copy_path.path())->finish();  // SQLite would make it as the umask lets it, for others to read
      auto const into = open(copy_path.path(), SQLITE_OPEN_READWRITE);
      copy_pages(from.get(), into.get());
    }
    auto const in = make_file_source(copy_path.path());
    copy(*in, to);
  }

  void restore(source& from, bool overwrite) override {
    auto const there = fs::exists(path_) && fs::file_size(path_) > 0;
    if (there && !overwrite)
      throw startup_error{exit_code::data,
                          path_.string() + " is there already: say --overwrite to put the backup in its place"};
    file_that_goes const fresh{path_.string() + ".restoring"};
    if (path_.has_parent_path()) need_directory("database.url", path_.parent_path());
    auto const to = make_file_sink(fresh.path());
    copy(from, *to);
    check_whole(fresh.path());
    if (there) refuse_when_in_use();
    std::error_code error;
    for (auto const* suffix : {"-wal", "-shm"}) fs::remove(path_.string() + suffix, error);
    fs::rename(fresh.path(), path_, error);
    if (error) throw_system_error("put the backup in the place of", path_, error.value());
  }

  void verify(source& from, fs::path const& scratch) override {
    need_private_directory("backup.directory", scratch);
    file_that_goes const fresh{scratch / "verify.sqlite"};
    auto const to = make_file_sink(fresh.path());
    copy(from, *to);
    check_whole(fresh.path());
  }

 private:
  static void copy_pages(sqlite3* from, sqlite3* into) {
    auto* const work = ::sqlite3_backup_init(into, "main", from, "main");
    if (work == nullptr) throw startup_error{exit_code::data, std::string{"SQLite: "} + ::sqlite3_errmsg(into)};
    int code = SQLITE_OK;
    for (int busy = 0; code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED;) {
      code = ::sqlite3_backup_step(work, pages_at_once);
      if (code == SQLITE_OK || code == SQLITE_DONE) continue;
      if (++busy > 1'000) break;
      ::sqlite3_sleep(10);
    }
    ::sqlite3_backup_finish(work);
    if (code != SQLITE_DONE)
      throw startup_error{code == SQLITE_FULL ? exit_code::cannot_create : exit_code::unavailable,
                          std::string{"SQLite's backup did not come to its end: "} + ::sqlite3_errstr(code)};
  }

  // A database in WAL mode can only leave it when nobody else has it open.
  void refuse_when_in_use() const {
    auto const db = open(path_, SQLITE_OPEN_READWRITE);
    ::sqlite3_busy_timeout(db.get(), 0);
    if (ask(db.get(), "PRAGMA journal_mode = DELETE") != "delete")
      throw startup_error{exit_code::unavailable, path_.string() + " is in use: stop the service first"};
  }

  fs::path path_;
};

}  // namespace

std::unique_ptr<engine> make_sqlite(std::string const& url) {
  if (auto const file = db::sqlite_file(url)) return std::make_unique<sqlite_engine>(*file);
  throw startup_error{exit_code::config, "a database in memory has no backup: set database.url to a file"};
}

}  // namespace slipway::backup::detail
