// One SQLite connection: prepared statements by shard and number, values in, rows out, errors by name. It is used by
// one thread at a time.
#pragma once

#include <slipway/core/context.hpp>
#include <slipway/db/driver.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace slipway::db::detail {

// When a running statement has to stop. Asked about every thousand steps of SQLite's machine, some 20 µs.
struct stop_rule {
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
  std::atomic<bool> const* cancelled = nullptr;
};

// A statement that was stopped by its rule.
struct sqlite_stopped {};
// The file is locked by another process, or by a checkpoint.
struct sqlite_busy {};

class sqlite_connection {
 public:
  // What makes the file makes it readable by its owner alone; the log and index beside it take that over.
  enum class access : std::uint8_t { reads, writes, makes };
  // Throws startup_error.
  sqlite_connection(std::string const& path, access a);
  sqlite_connection(sqlite_connection const&) = delete;
  sqlite_connection& operator=(sqlite_connection const&) = delete;
  ~sqlite_connection();

  // How the statements of one shard are told from those of another, which have the same numbers.
  struct prepared {
    sqlite3_stmt* handle = nullptr;
    std::vector<int> parameters;  // which value stands behind each of SQLite's parameters
    bool reads = false;
    bool slow = false;                                      // took too long on a shard the last time
    std::shared_ptr<std::vector<std::string> const> names;  // of its columns; shared with the answers
    int prepared_again = 0;                                 // how often, when the names were taken
    std::size_t expected_rows = 0, expected_heap = 0;       // what it gave the last time: answers grow in one piece
    ~prepared();
  };
  // Of a statement without a number: kept until the next such call.
  prepared& prepare(statement const& what, unsigned shard);
  // Throws db errors, sqlite_stopped, sqlite_busy.
  rows execute(prepared& p, values const& parameters, stop_rule const& stop);
  // One text with several statements.
  void script(std::string const& text, stop_rule const& stop);
  void simple(char const* sql, stop_rule const& stop = {});

  bool in_transaction() const noexcept;
  // Throws unavailable_error when the file is no longer where it was opened: nobody will find what is written to it.
  // One stat().
  void require_in_place() const;
  void wait_for_locks(std::chrono::milliseconds longest) noexcept;

 private:
  void open(std::string const& path, access a);
  std::unique_ptr<prepared> compile(std::string const& sql);
  void bind(prepared& p, values const& parameters);
  void describe(prepared& p);
  rows step_all(prepared& p, stop_rule const& stop);
  [[noreturn]] void fail(int code);

  sqlite3* handle_ = nullptr;
  stop_rule stop_;
  std::vector<std::vector<std::unique_ptr<prepared>>> statements_;
  std::unique_ptr<prepared> passing_;
};

// What a failed start says: path, cause, remedy.
[[noreturn]] void refuse_sqlite_file(std::string const& path, int code, int system_error, std::string const& message);

}  // namespace slipway::db::detail
