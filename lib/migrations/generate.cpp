#include <slipway/migrations/alterations.hpp>
#include <slipway/migrations/generate.hpp>

#include <slipway/core/errors.hpp>

#include <fmt/format.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>

namespace slipway::migrations {
namespace {

constexpr std::array<std::string_view, phase_count> endings{"", "_indexes", "_checked", "_contract"};

std::unique_ptr<alterations> make_alterations(db::models const& models, engine_view const& view, bool destructive) {
  switch (view.dialect) {
    case db::dialect::sqlite: return make_sqlite_alterations(models, view, destructive);
    case db::dialect::postgres: return make_postgres_alterations(models, view, destructive);
    case db::dialect::mysql: break;
  }
  return make_mysql_alterations(models, view, destructive);
}

char const* name_of(db::dialect d) noexcept {
  return d == db::dialect::sqlite ? "SQLite" : d == db::dialect::postgres ? "PostgreSQL" : "MySQL";
}

// A section without a statement is refused: it is mostly a file that somebody forgot to finish.
std::string body(std::vector<std::string> const& statements, db::dialect d) {
  std::string out;
  for (auto const& s : statements) out += s + "\n";
  if (split(out, d).empty()) out += "SELECT 1;  -- nothing to do here\n";
  return out;
}

std::string text_of(section const& s, phase p, engine_view const& view) {
  std::string out;
  if (view.state == nullptr)
    out +=
        fmt::format("-- Made from what a {} database showed; no {} database was looked at (migrations.compare_with).\n",
                    name_of(view.found_on), name_of(view.dialect));
  // Only where there is something that wants it: an empty step is a transaction like any other.
  if (p == phase::indexes && !s.up.empty()) out += "-- no transaction\n";
  if (p == phase::contract) out += "-- after deployment\n";
  if (s.foreign_keys_off) out += "-- foreign keys off\n";
  out += "-- up\n" + body(s.up, view.dialect);
  if (s.irreversible) return out;
  return out + "\n-- down\n" + body({s.down.rbegin(), s.down.rend()}, view.dialect);
}

[[noreturn]] void fail(std::filesystem::path const& path, int error) {
  auto const code = error == EACCES || error == EROFS ? exit_code::permission : exit_code::cannot_create;
  throw startup_error{code, fmt::format("cannot write {}: {}", path.string(), std::strerror(error))};
}

void write_new(std::filesystem::path const& path, std::string_view text) {
  auto const file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file < 0) fail(path, errno);
  int error = 0;
  while (!text.empty() && error == 0) {
    auto const n = ::write(file, text.data(), text.size());
    if (n >= 0)
      text.remove_prefix(static_cast<std::size_t>(n));
    else if (errno != EINTR)
      error = errno;
  }
  if (::close(file) != 0 && error == 0) error = errno;
  if (error == 0) return;
  ::unlink(path.c_str());
  fail(path, error);
}

}  // namespace

std::vector<file> migration_files(std::string const& name, std::int64_t first, db::models const& models,
                                  std::span<engine_view const> engines, bool destructive) {
  std::vector<plan> plans;
  for (auto const& view : engines) plans.push_back(make_alterations(models, view, destructive)->write());
  std::vector<file> out;
  for (std::size_t p = 0; p < phase_count; ++p) {
    if (std::ranges::all_of(plans, [p](plan const& each) { return each.sections[p].up.empty(); })) continue;
    for (std::size_t i = 0; i < engines.size(); ++i)
      out.push_back({.name = fmt::format("{:04}_{}{}{}.sql", first, name, endings[p], suffix_of(engines[i].dialect)),
                     .text = text_of(plans[i].sections[p], static_cast<phase>(p), engines[i])});
    ++first;
  }
  return out;
}

std::int64_t next_number(std::vector<file> const& files, db::dialect any) {
  auto const known = catalog_of(files, any);
  return known.empty() ? 1 : known.back().version + 1;
}

std::vector<std::filesystem::path> write_files(std::filesystem::path const& directory, std::vector<file> const& files) {
  std::vector<std::filesystem::path> written;
  try {
    for (auto const& f : files) {
      write_new(directory / f.name, f.text);
      written.push_back(directory / f.name);
    }
  } catch (startup_error const&) {
    for (auto const& path : written) ::unlink(path.c_str());
    throw;
  }
  return written;
}

bool is_migration_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= 60 &&
         std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

}  // namespace slipway::migrations
