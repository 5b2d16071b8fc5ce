#include <slipway/migrations/catalog.hpp>

#include <slipway/core/encoding.hpp>
#include <slipway/core/errors.hpp>

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>

namespace slipway::migrations {
namespace {

constexpr std::uintmax_t max_file_bytes = std::uintmax_t{16} << 20;

[[noreturn]] void refuse(std::string const& file, unsigned line, std::string const& why) {
  throw startup_error{exit_code::data, line > 0 ? fmt::format("migrations/{}:{}: {}", file, line, why)
                                                : fmt::format("migrations/{}: {}", file, why)};
}

std::string_view trimmed(std::string_view line) noexcept {
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
  while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) line.remove_suffix(1);
  return line;
}

struct file_name {
  std::int64_t version = 0;
  std::string name;
  std::optional<db::dialect> dialect;
};

constexpr std::array suffixes{std::pair{db::dialect::sqlite, std::string_view{".sqlite"}},
                              std::pair{db::dialect::postgres, std::string_view{".postgres"}},
                              std::pair{db::dialect::mysql, std::string_view{".mysql"}}};
constexpr std::string_view repeatable_prefix = "repeatable_";
constexpr char const* form =
    "is not named like a migration: 0001_what_it_does.sql, .sqlite.sql, .postgres.sql or .mysql.sql, or "
    "repeatable_what_it_makes.sql; "
    "lower-case letters, digits and _";

// Takes ".sql", ".sqlite.sql", ".postgres.sql" or ".mysql.sql" away.
std::optional<db::dialect> take_suffix(std::string const& file, std::string_view& rest) {
  if (!rest.ends_with(".sql")) refuse(file, 0, form);
  rest.remove_suffix(4);
  for (auto const& [dialect, suffix] : suffixes)
    if (rest.ends_with(suffix)) {
      rest.remove_suffix(suffix.size());
      return dialect;
    }
  return std::nullopt;
}

bool is_plain_name(std::string_view name) noexcept {
  return !name.empty() &&
         std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

// "0003_notes.sql", "0003_notes.sqlite.sql", "0003_notes.postgres.sql".
file_name parse_name(std::string const& file) {
  file_name out;
  std::string_view rest = file;
  out.dialect = take_suffix(file, rest);
  auto const [at, error] = std::from_chars(rest.data(), rest.data() + rest.size(), out.version);
  auto const digits = static_cast<std::size_t>(at - rest.data());
  if (error != std::errc{} || digits < 4 || digits > 9 || out.version < 1 || rest.substr(digits, 1) != "_")
    refuse(file, 0, form);
  out.name = rest.substr(digits + 1);
  if (!is_plain_name(out.name)) refuse(file, 0, form);
  return out;
}

// Takes a file apart line by line.
migration parse(file const& from, file_name const& name, db::dialect dialect) {
  migration out{.version = name.version, .name = name.name, .file = from.name};
  std::string_view rest = from.text;
  if (rest.starts_with("\xef\xbb\xbf")) rest.remove_prefix(3);
  std::string* section = nullptr;
  for (unsigned number = 1; !rest.empty(); ++number) {
    auto const end = rest.find('\n');
    auto const line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    auto const text = trimmed(line);
    if (text == "-- up") {
      if (section != nullptr) refuse(from.name, number, "a second `-- up`");
      section = &out.up;
      out.up_line = number + 1;
    } else if (text == "-- down") {
      if (section == nullptr) refuse(from.name, number, "`-- down` before `-- up`");
      if (out.down) refuse(from.name, number, "a second `-- down`");
      section = &out.down.emplace();
      out.down_line = number + 1;
    } else if (section != nullptr) {
      if (text == "-- no transaction" || text == "-- after deployment" || text == "-- foreign keys off")
        refuse(from.name, number, fmt::format("`{}` belongs above `-- up`", text));
      *section += line;
      *section += '\n';
    } else if (text == "-- no transaction") {
      out.in_transaction = false;
    } else if (text == "-- after deployment") {
      out.after_deployment = true;
    } else if (text == "-- foreign keys off") {
      out.foreign_keys_off = true;
    } else if (!text.empty() && !text.starts_with("--")) {
      refuse(from.name, number, "SQL before the line `-- up`");
    }
  }
  if (section == nullptr) refuse(from.name, 0, "has no line `-- up`");
  for (auto const& [sql, first] : {std::pair{std::string_view{out.up}, out.up_line},
                                   std::pair{std::string_view{out.down.value_or("SELECT 1")}, out.down_line}}) {
    auto const statements = split(sql, dialect, first);
    if (statements.empty()) refuse(from.name, first, "a section without a statement");
    for (auto const& s : statements)
      if (controls_transaction(s.text))
        refuse(from.name, s.line,
               "a migration begins and commits by itself: remove this statement, or say `-- no transaction` above `-- "
               "up` and leave it out as well");
  }
  out.checksum = checksum_of((out.in_transaction ? "" : "-- no transaction\n") + out.up);
  return out;
}

}  // namespace

std::string checksum_of(std::string_view text) {
  std::string normal;
  normal.reserve(text.size());
  for (;;) {
    auto const end = text.find('\n');
    auto line = text.substr(0, end);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t' || line.back() == '\r')) line.remove_suffix(1);
    normal += line;
    normal += '\n';
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  while (normal.ends_with('\n')) normal.pop_back();
  std::array<std::byte, 32> digest{};
  unsigned int size = 0;
  if (::EVP_Digest(normal.data(), normal.size(), reinterpret_cast<unsigned char*>(digest.data()), &size, EVP_sha256(),
                   nullptr) != 1)
    throw startup_error{exit_code::bug, "SHA-256 is not available in OpenSSL"};
  return hex(digest);
}

std::vector<migration> catalog_of(std::vector<file> const& files, db::dialect dialect) {
  struct slot {
    std::string name, first_file;
    file const* for_all = nullptr;
    file const* for_this = nullptr;
  };
  std::map<std::int64_t, slot> slots;
  for (auto const& f : files) {
    if (f.name.starts_with(repeatable_prefix)) continue;
    auto const name = parse_name(f.name);
    auto& there = slots.try_emplace(name.version, slot{.name = name.name, .first_file = f.name}).first->second;
    if (there.name != name.name)
      refuse(f.name, 0, fmt::format("has the number of {}: give it the next free one", there.first_file));
    if (name.dialect && *name.dialect != dialect) continue;
    auto& place = name.dialect ? there.for_this : there.for_all;
    if (place != nullptr) refuse(f.name, 0, "is there twice");
    place = &f;
  }
  auto const suffix = suffix_of(dialect);
  std::vector<migration> out;
  for (auto const& [version, s] : slots) {
    if (auto const due = static_cast<std::int64_t>(out.size()) + 1; version != due)
      throw startup_error{exit_code::data,
                          fmt::format("migrations: number {:04} is missing before {}; numbers go up by one from 0001",
                                      due, s.first_file)};
    auto const* from = s.for_this != nullptr ? s.for_this : s.for_all;
    if (from == nullptr)
      throw startup_error{
          exit_code::data,
          fmt::format("migrations: {} has no counterpart for this database: add {:04}_{}{}.sql, or one file for all",
                      s.first_file, version, s.name, suffix)};
    out.push_back(parse(*from, {.version = version, .name = s.name}, dialect));
  }
  return out;
}

std::string_view suffix_of(db::dialect d) noexcept {
  return std::ranges::find(suffixes, d, &decltype(suffixes)::value_type::first)->second;
}

std::vector<file> files_for(std::vector<file> files, db::dialect dialect) {
  std::map<std::string, file> found;
  for (auto& f : files) {
    std::string_view name = f.name;
    auto const for_dialect = take_suffix(f.name, name);
    if (for_dialect && *for_dialect != dialect) continue;
    auto& place = found[std::string{name}];
    if (place.name.empty() || for_dialect) place = std::move(f);
  }
  std::vector<file> out;
  out.reserve(found.size());
  for (auto& [name, f] : found) out.push_back(std::move(f));
  return out;
}

std::vector<db::dialect> dialects_of(std::vector<file> const& files) {
  std::vector<db::dialect> all, own;
  for (auto const& [dialect, suffix] : suffixes) {
    all.push_back(dialect);
    auto const ending = std::string{suffix} + ".sql";
    if (std::ranges::any_of(files, [&](file const& f) { return f.name.ends_with(ending); })) own.push_back(dialect);
  }
  return own.empty() ? all : own;
}

std::vector<repeatable> repeatables_of(std::vector<file> const& files, db::dialect dialect) {
  auto const name_of = [](file const& f) {
    std::string_view name = f.name;
    take_suffix(f.name, name);
    name.remove_prefix(repeatable_prefix.size());
    if (!is_plain_name(name)) refuse(f.name, 0, form);
    return std::string{name};
  };
  std::vector<file> all;
  for (auto const& f : files) {
    if (!f.name.starts_with(repeatable_prefix)) continue;
    name_of(f);  // those for other databases are looked at as well
    all.push_back(f);
  }
  std::vector<repeatable> out;
  for (auto& f : files_for(std::move(all), dialect)) {
    auto const statements = split(f.text, dialect);
    if (statements.empty()) refuse(f.name, 1, "holds no statement");
    for (auto const& s : statements)
      if (controls_transaction(s.text)) refuse(f.name, s.line, "begins and commits by itself: remove this statement");
    auto checksum = checksum_of(f.text);
    out.push_back({name_of(f), std::move(f.name), std::move(f.text), std::move(checksum)});
  }
  return out;
}

std::vector<file> files_in(std::filesystem::path const& directory) {
  std::error_code error;
  std::filesystem::directory_iterator entries{directory, error};
  auto const fail = [&](std::filesystem::path const& what, std::string const& why) {
    throw startup_error{exit_code::config, fmt::format("cannot read {}: {}", what.string(), why)};
  };
  if (error) fail(directory, error.message());
  std::vector<file> out;
  for (auto const end = std::filesystem::directory_iterator{}; entries != end; entries.increment(error)) {
    if (error) fail(directory, error.message());
    auto const& path = entries->path();
    if (path.extension() != ".sql" || path.filename().string().starts_with('.')) continue;
    if (auto const size = entries->file_size(error); error || size > max_file_bytes)
      fail(path, error ? error.message() : "more than 16 MiB");
    std::ifstream in{path, std::ios::binary};
    std::string text{std::istreambuf_iterator<char>{in}, {}};
    if (!in.is_open() || in.bad()) fail(path, std::strerror(errno));
    out.push_back({.name = path.filename().string(), .text = std::move(text)});
  }
  std::ranges::sort(out, {}, &file::name);
  return out;
}

std::vector<file> files_of(std::span<embedded_file const> embedded) {
  std::vector<file> out;
  for (auto const& e : embedded) out.push_back({.name = std::string{e.name}, .text = std::string{e.bytes}});
  return out;
}

}  // namespace slipway::migrations
