#include <slipway/db/sqlite_connection.hpp>

#include <slipway/core/descriptor.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/db/builder.hpp>
#include <slipway/db/errors.hpp>

#include <sqlite3.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace slipway::db::detail {
namespace {

// The rows of one answer, copied out: SQLite's own live until the next step only.
struct answer {
  std::vector<cell> cells;
  std::string heap;  // of all texts and octets, one after the other
  std::shared_ptr<std::vector<std::string> const> names;
  std::size_t rows = 0, columns = 0;
  std::int64_t affected = 0;
};

constexpr row_operations operations{
    .size = [](void* a) noexcept { return static_cast<answer*>(a)->rows; },
    .columns = [](void* a) noexcept { return static_cast<answer*>(a)->columns; },
    .at =
        [](void* a, std::size_t row, std::size_t column) {
          return static_cast<answer*>(a)->cells[row * static_cast<answer*>(a)->columns + column];
        },
    .name = [](void* a, std::size_t column) noexcept -> std::string_view {
      return (*static_cast<answer*>(a)->names)[column];
    },
    .affected = [](void* a) noexcept { return static_cast<answer*>(a)->affected; },
    .release = [](void* a) noexcept { delete static_cast<answer*>(a); },
};

// Until the heap has its place for good, a text's cell holds its size alone (see place_texts). The value is asked once
// for all: each sqlite3_column_ function looks the column up anew. It is unprotected, but nobody else uses the connection.
void copy_cell(answer& to, sqlite3_stmt* from, int column) {
  auto* const value = sqlite3_column_value(from, column);
  auto& c = to.cells.emplace_back();
  auto copy = [&](void const* data) {
    auto const size = static_cast<std::size_t>(sqlite3_value_bytes(value));
    c.integer = static_cast<std::int64_t>(size);
    if (size > 0) to.heap.append(static_cast<char const*>(data), size);
  };
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
      c.kind = value_kind::integer;
      c.integer = sqlite3_value_int64(value);
      break;
    case SQLITE_FLOAT:
      c.kind = value_kind::number;
      c.number = sqlite3_value_double(value);
      break;
    case SQLITE_TEXT:
      c.kind = value_kind::text;
      copy(sqlite3_value_text(value));
      break;
    case SQLITE_BLOB:
      c.kind = value_kind::bytes;
      copy(sqlite3_value_blob(value));
      break;
    default: break;
  }
}

void place_texts(answer& in) {
  char const* at = in.heap.data();
  for (auto& c : in.cells) {
    if (c.kind != value_kind::text && c.kind != value_kind::bytes) continue;
    c.text = {at, static_cast<std::size_t>(c.integer)};
    at += c.integer;
  }
}

std::string after(std::string_view text, std::string_view mark) {
  auto const at = text.find(mark);
  return at == std::string_view::npos ? std::string{} : std::string{text.substr(at + mark.size())};
}

// "users.email, users.name" as users.email,users.name; "index 'name'" as name.
std::string unique_name(std::string list) {
  if (list.starts_with("index '")) return list.substr(7, list.size() - 8);
  std::string out;
  for (char c : list)
    if (c != ' ') out += c;
  return out;
}

// Why nothing can be made beside the file, or zero. SQLite itself tells why its second attempt failed, to read a file
// that it could not make.
int directory_error(std::string const& path) {
  auto const parent = std::filesystem::path{path}.parent_path();
  return ::faccessat(AT_FDCWD, parent.empty() ? "." : parent.c_str(), W_OK | X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

// Where SQLite makes the file of a link that leads to none.
std::filesystem::path end_of_links(std::filesystem::path at) {
  constexpr int most = 40;  // as the system follows
  std::error_code error;
  for (int links = 0; links < most && std::filesystem::is_symlink(at, error); ++links)
    at = at.parent_path() / std::filesystem::read_symlink(at, error);
  return at;
}

// SQLite makes files as the umask lets it. Why none could be made is found out when SQLite tries it. A file that is there
// is not opened: closing it would let go of the locks of other connections to it.
void make_private_file(std::string const& path) {
  descriptor const made{::open(end_of_links(path).c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR)};
}

[[noreturn]] void fail_constraint(int code, std::string const& message) {
  auto const number = std::to_string(code);
  switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
      throw constraint_error{constraint_kind::unique, "unique(" + unique_name(after(message, "failed: ")) + ")",
                             message, number};
    case SQLITE_CONSTRAINT_NOTNULL:
      throw constraint_error{constraint_kind::not_null, "not_null(" + after(message, "failed: ") + ")", message,
                             number};
    case SQLITE_CONSTRAINT_FOREIGNKEY:
      throw constraint_error{constraint_kind::foreign_key, "foreign_key", message, number};
    default:
      throw constraint_error{constraint_kind::check, "check(" + after(message, "failed: ") + ")", message, number};
  }
}

}  // namespace

void refuse_sqlite_file(std::string const& path, int code, int system_error, std::string const& message) {
  auto const cause =
      "database.url: cannot open " + path + ": " + (system_error != 0 ? std::strerror(system_error) : message.c_str());
  switch (code & 0xff) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      throw startup_error{
          exit_code::data,
          cause + ". The file is damaged or is no SQLite database: restore it from a backup, or name another file."};
    case SQLITE_FULL:
      throw startup_error{exit_code::cannot_create,
                          cause + ". The disk is full: make room, or put the database elsewhere."};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      throw startup_error{exit_code::unavailable, cause + ". Another process holds the file locked: stop it."};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      throw startup_error{
          exit_code::permission,
          cause + ". The process needs to read and write the file and its directory: correct their owner or mode."};
    default: break;
  }
  if (system_error == EACCES || system_error == EPERM || system_error == EROFS)
    throw startup_error{
        exit_code::permission,
        cause + ". The process needs to read and write the file and its directory: correct their owner or mode."};
  if (system_error == EMFILE || system_error == ENFILE)
    throw startup_error{exit_code::os,
                        cause + ". Raise the limit of open files: ulimit -n, or LimitNOFILE= in systemd."};
  if (system_error == ENOSPC || system_error == EDQUOT)
    throw startup_error{exit_code::cannot_create, cause + ". Make room, or put the database elsewhere."};
  throw startup_error{exit_code::cannot_create, cause + ". Name a file in a directory that this process may write."};
}

sqlite_connection::sqlite_connection(std::string const& path, access a) {
  try {
    open(path, a);
  } catch (...) {
    sqlite3_close(handle_);
    throw;
  }
}

void sqlite_connection::open(std::string const& path, access a) {
  bool const writes = a != access::reads;
  if (a == access::makes) make_private_file(path);
  errno = 0;
  auto const flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                     (a == access::makes ? SQLITE_OPEN_CREATE : 0);
  auto refuse = [&](int code) {
    auto error = handle_ != nullptr ? sqlite3_system_errno(handle_) : ENOMEM;
    if (auto const beside = directory_error(path); writes && beside != 0 && (error == 0 || error == ENOENT))
      error = beside;
    refuse_sqlite_file(path, code, error, handle_ != nullptr ? sqlite3_errmsg(handle_) : "");
  };
  if (auto const code = sqlite3_open_v2(path.c_str(), &handle_, flags, nullptr); code != SQLITE_OK) refuse(code);
  sqlite3_busy_timeout(handle_, 2'000);
  sqlite3_progress_handler(
      handle_, 1000,
      [](void* self) -> int {
        auto const& rule = static_cast<sqlite_connection*>(self)->stop_;
        if (rule.cancelled != nullptr && rule.cancelled->load(std::memory_order_relaxed)) return 1;
        return rule.deadline != std::chrono::steady_clock::time_point::max() &&
                       std::chrono::steady_clock::now() >= rule.deadline
                   ? 1
                   : 0;
      },
      this);
  for (char const* pragma : {"pragma foreign_keys = on", "pragma synchronous = normal", "pragma temp_store = memory",
                             "pragma trusted_schema = off"})
    if (auto const code = sqlite3_exec(handle_, pragma, nullptr, nullptr, nullptr); code != SQLITE_OK) refuse(code);
  if (!writes) {
    if (auto const code = sqlite3_exec(handle_, "pragma query_only = on", nullptr, nullptr, nullptr); code != SQLITE_OK)
      refuse(code);
    return;
  }
  std::string mode;
  auto const code = sqlite3_exec(
      handle_, "pragma journal_mode = wal",
      [](void* out, int, char** columns, char**) -> int {
        *static_cast<std::string*>(out) = columns[0] != nullptr ? columns[0] : "";
        return 0;
      },
      &mode, nullptr);
  if (code != SQLITE_OK) refuse(code);
  if (mode != "wal")
    throw startup_error{
        exit_code::config,
        "database.url: the file system of " + path +
            " has no write-ahead logging for SQLite (network file systems do not). Put the file on a local disk."};
  // SQLite opens a file that it may not write for reading, and tells so only when it is asked.
  if (sqlite3_db_readonly(handle_, "main") == 1) refuse_sqlite_file(path, SQLITE_READONLY, EACCES, "");
  // So does a directory in which no log can be written beside the file.
  for (char const* sql : {"begin immediate", "pragma user_version", "commit"})
    if (auto const failed = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr); failed != SQLITE_OK) refuse(failed);
}

sqlite_connection::prepared::~prepared() { sqlite3_finalize(handle); }

bool sqlite_connection::in_transaction() const noexcept { return sqlite3_get_autocommit(handle_) == 0; }

void sqlite_connection::require_in_place() const {
  int moved = 0;
  if (sqlite3_file_control(handle_, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK || moved == 0) return;
  throw unavailable_error{std::string{"SQLite: "} + sqlite3_db_filename(handle_, "main") +
                              " was moved or removed while in use; put it back or restart",
                          std::chrono::seconds{10}};
}

sqlite_connection::~sqlite_connection() {
  statements_.clear();
  passing_.reset();
  sqlite3_close(handle_);
}

void sqlite_connection::wait_for_locks(std::chrono::milliseconds longest) noexcept {
  sqlite3_busy_timeout(handle_, static_cast<int>(longest.count()));
}

void sqlite_connection::fail(int code) {
  std::string message = sqlite3_errmsg(handle_);
  auto const number = std::to_string(code);
  switch (code & 0xff) {
    case SQLITE_INTERRUPT: throw sqlite_stopped{};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      if (code == SQLITE_BUSY_SNAPSHOT) throw conflict_error{message, number};
      throw sqlite_busy{};
    case SQLITE_CONSTRAINT: fail_constraint(code, message);
    case SQLITE_TOOBIG: throw input_error{message, number};
    case SQLITE_RANGE:
    case SQLITE_MISMATCH: throw value_error{message, number};
    case SQLITE_NOMEM: throw std::bad_alloc{};
    case SQLITE_FULL:
      throw storage_full_error{std::string{"SQLite: there is no room left for "} +
                                   sqlite3_db_filename(handle_, "main") + ": " + message +
                                   ". Make room on its file system; nothing was lost.",
                               std::chrono::seconds{30}};
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: {
      auto const system = sqlite3_system_errno(handle_);
      throw unavailable_error{
          "SQLite: " + message + " (" + number + (system != 0 ? std::string{", "} + std::strerror(system) : "") + ")",
          std::chrono::seconds{10}};
    }
    default: throw error{"SQLite: " + message, number};
  }
}

std::unique_ptr<sqlite_connection::prepared> sqlite_connection::compile(std::string const& sql) {
  auto made = std::make_unique<prepared>();
  char const* rest = nullptr;
  auto const code = sqlite3_prepare_v3(handle_, sql.c_str(), static_cast<int>(sql.size() + 1),
                                       SQLITE_PREPARE_PERSISTENT, &made->handle, &rest);
  if (code != SQLITE_OK) fail(code);
  if (made->handle == nullptr) throw error{"SQLite: the statement is empty"};
  while (*rest == ' ' || *rest == ';' || *rest == '\n' || *rest == '\t' || *rest == '\r') ++rest;
  if (*rest != '\0') throw error{"SQLite: more than one statement in a text: use script()"};
  auto const count = sqlite3_bind_parameter_count(made->handle);
  for (int i = 1; i <= count; ++i) {
    // SQLite numbers $2 by its place; here it is the second value, as on PostgreSQL.
    auto const* name = sqlite3_bind_parameter_name(made->handle, i);
    auto const number = name != nullptr ? std::atoi(name + 1) : i;
    if (number <= 0) throw error{std::string{"SQLite: the placeholder "} + name + " is not of the form $1"};
    made->parameters.push_back(number - 1);
  }
  made->reads = sqlite3_stmt_readonly(made->handle) != 0;
  return made;
}

sqlite_connection::prepared& sqlite_connection::prepare(statement const& what, unsigned shard) {
  if (what.id == 0) return *(passing_ = compile(what.sql));
  if (statements_.size() <= shard) statements_.resize(shard + 1);
  auto& list = statements_[shard];
  if (list.size() <= what.id) list.resize(what.id + 16);
  auto& slot = list[what.id];
  if (!slot) slot = compile(what.sql);
  return *slot;
}

void sqlite_connection::bind(prepared& p, values const& parameters) {
  for (std::size_t i = 0; i < p.parameters.size(); ++i) {
    auto const index = static_cast<std::size_t>(p.parameters[i]);
    if (index >= parameters.size())
      throw error{"SQLite: the statement has the placeholder $" + std::to_string(index + 1) + " and gets " +
                  std::to_string(parameters.size()) + " values"};
    auto const& v = parameters[index];
    auto const at = static_cast<int>(i + 1);
    auto const size = static_cast<sqlite3_uint64>(v.text().size());
    int code = SQLITE_OK;
    if (v.is_null()) {
      code = sqlite3_bind_null(p.handle, at);
    } else {
      switch (v.kind()) {
        case value_kind::none: code = sqlite3_bind_null(p.handle, at); break;
        case value_kind::boolean:
        case value_kind::integer:
        case value_kind::decimal:
        case value_kind::time: code = sqlite3_bind_int64(p.handle, at, v.integer()); break;
        case value_kind::number:
          if (std::isnan(v.number())) throw input_error{"NaN cannot be stored"};
          code = sqlite3_bind_double(p.handle, at, v.number());
          break;
        case value_kind::date:
        case value_kind::text:
        case value_kind::json:
          if (!is_storable_text(v.text())) throw input_error{"text with NUL, or that is not UTF-8, cannot be stored"};
          code = sqlite3_bind_text64(p.handle, at, v.text().data(), size, SQLITE_STATIC, SQLITE_UTF8);
          break;
        case value_kind::bytes: code = sqlite3_bind_blob64(p.handle, at, v.text().data(), size, SQLITE_STATIC); break;
        case value_kind::uuid: code = sqlite3_bind_blob(p.handle, at, v.id().bytes.data(), 16, SQLITE_STATIC); break;
      }
    }
    if (code != SQLITE_OK) fail(code);
  }
}

// After the first step: for a changed schema, SQLite prepares the statement anew there.
void sqlite_connection::describe(prepared& p) {
  auto const times = sqlite3_stmt_status(p.handle, SQLITE_STMTSTATUS_REPREPARE, 0);
  if (p.names != nullptr && p.prepared_again == times) return;
  std::vector<std::string> names;
  auto const columns = sqlite3_column_count(p.handle);
  for (int c = 0; c < columns; ++c) names.emplace_back(sqlite3_column_name(p.handle, c));
  p.names = std::make_shared<std::vector<std::string> const>(std::move(names));
  p.prepared_again = times;
}

rows sqlite_connection::step_all(prepared& p, stop_rule const& stop) {
  constexpr std::size_t most_expected = 1000;  // a statement that gave many rows once holds no memory for them again
  auto out = std::make_unique<answer>();
  auto const before = p.reads ? 0 : sqlite3_total_changes64(handle_);
  stop_.deadline = stop.deadline;
  stop_.cancelled = stop.cancelled;
  int code = sqlite3_step(p.handle);
  describe(p);
  out->names = p.names;
  out->columns = p.names->size();
  if (code == SQLITE_ROW) {
    out->cells.reserve(std::max<std::size_t>(1, p.expected_rows) * out->columns);
    out->heap.reserve(p.expected_heap);
  }
  for (; code == SQLITE_ROW; code = sqlite3_step(p.handle)) {
    for (std::size_t c = 0; c < out->columns; ++c) copy_cell(*out, p.handle, static_cast<int>(c));
    ++out->rows;
  }
  stop_ = {};
  if (code != SQLITE_DONE) fail(code);
  p.expected_rows = std::min(out->rows, most_expected);
  p.expected_heap = out->rows <= most_expected ? std::min<std::size_t>(out->heap.size(), 65'536) : 0;
  place_texts(*out);
  // `changes` leaves out what triggers and cascades did, but keeps its last value over statements that change nothing.
  if (!p.reads && sqlite3_total_changes64(handle_) != before) out->affected = sqlite3_changes64(handle_);
  return rows{out.release(), operations};
}

rows sqlite_connection::execute(prepared& p, values const& parameters, stop_rule const& stop) {
  struct reset_at_end {
    sqlite_connection& c;
    prepared& p;
    ~reset_at_end() {
      c.stop_ = {};
      sqlite3_reset(p.handle);
      sqlite3_clear_bindings(p.handle);  // they point at the caller's values
    }
  } guard{*this, p};
  bind(p, parameters);
  return step_all(p, stop);
}

void sqlite_connection::script(std::string const& text, stop_rule const& stop) {
  stop_.deadline = stop.deadline;
  stop_.cancelled = stop.cancelled;
  auto const code = sqlite3_exec(handle_, text.c_str(), nullptr, nullptr, nullptr);
  stop_ = {};
  if (code != SQLITE_OK) fail(code);
}

void sqlite_connection::simple(char const* sql, stop_rule const& stop) { script(sql, stop); }

}  // namespace slipway::db::detail
