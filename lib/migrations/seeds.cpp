#include <slipway/migrations/seeds.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/migrations/migrator_parts.hpp>
#include <slipway/migrations/statements.hpp>

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace slipway::migrations {
namespace {

constexpr char const* table_on_sqlite =
    "CREATE TABLE IF NOT EXISTS schema_seeds (name TEXT PRIMARY KEY, checksum TEXT NOT NULL, applied_at INTEGER NOT "
    "NULL) STRICT";
constexpr char const* table_on_postgres =
    "CREATE TABLE IF NOT EXISTS schema_seeds (name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz "
    "NOT NULL)";
constexpr char const* table_on_mysql =
    "CREATE TABLE IF NOT EXISTS schema_seeds (name varchar(255) PRIMARY KEY, checksum char(64) NOT NULL, applied_at "
    "datetime(6) NOT NULL)";

task<> make_table(db::database& database) {
  // Seeds are run by one person at one machine, so IF NOT EXISTS is enough; the query keeps PostgreSQL's notice away.
  if (co_await has_table(database, "schema_seeds")) co_return;
  auto const d = database.dialect();
  co_await database.script(d == db::dialect::sqlite  ? table_on_sqlite
                           : d == db::dialect::mysql ? table_on_mysql
                                                     : table_on_postgres);
}

task<bool> has_run(db::database& database, std::string name, std::string checksum) {
  auto const found =
      co_await database.query("SELECT name FROM schema_seeds WHERE name = $1 AND checksum = $2", {name, checksum});
  co_return !found.empty();
}

task<> record(db::session& in, std::string name, std::string checksum, time_point now) {
  auto const* const when_there = in.dialect() == db::dialect::mysql
                                     ? "ON DUPLICATE KEY UPDATE checksum = values(checksum), applied_at = "
                                       "values(applied_at)"
                                     : "ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = "
                                       "excluded.applied_at";
  co_await in.execute(
      fmt::format("INSERT INTO schema_seeds (name, checksum, applied_at) VALUES ($1, $2, $3) {}", when_there),
      {name, checksum, now});
}

struct seed_file {
  std::string name;  // what it is recorded as
  std::string path;  // for messages
  std::string checksum;
  std::string_view text;
};

[[noreturn]] void fail(seed_file const& f, unsigned line, std::string_view why) {
  throw startup_error{exit_code::data, fmt::format("{}:{}: {}. Nothing of this file was kept.", f.path, line, why)};
}

task<> run_file(db::database& database, seed_file f, time_point now) {
  auto const statements = split(f.text, database.dialect());
  for (auto const& s : statements)
    if (controls_transaction(s.text)) fail(f, s.line, "begins and commits by itself: remove this statement");
  co_await database.transaction([&](db::transaction& tx) -> task<> {
    for (auto const& s : statements) {
      try {
        co_await tx.script(std::string{s.text});
      } catch (db::error const& e) {
        fail(f, s.line, e.what());
      }
    }
    co_await record(tx, f.name, f.checksum, now);
  });
}

}  // namespace

task<std::vector<std::string>> run_seeds(db::database& database, std::string environment, seed_files from,
                                         std::span<seeder* const> seeders, bool again, clock_source const& clock) {
  co_await make_table(database);
  auto const files = files_for(std::move(from.files), database.dialect());
  std::vector<std::string> ran;
  for (auto const& f : files) {
    auto const name = environment + "/" + f.name;
    auto const checksum = checksum_of(f.text);
    if (!again && co_await has_run(database, name, checksum)) continue;
    co_await run_file(database, {name, from.directory + "/" + f.name, checksum, f.text}, clock.now());
    ran.push_back(name);
  }
  for (auto* s : seeders) {
    if (!s->is_for(environment)) continue;
    auto const name = environment + "/" + std::string{s->name()};
    auto const edition = fmt::format("edition {}", s->edition());
    if (!again && co_await has_run(database, name, edition)) continue;
    co_await s->run(database);
    co_await record(database, name, edition, clock.now());
    ran.push_back(name);
  }
  co_return ran;
}

}  // namespace slipway::migrations
