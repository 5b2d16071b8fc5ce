// What an engine has to do to stand behind `database`. Engines are sibling files (sqlite_*.cpp, postgres_*.cpp, mysql_*.cpp);
// services and repositories never see this.
#pragma once

#include <slipway/core/context.hpp>
#include <slipway/core/task.hpp>
#include <slipway/db/copy.hpp>
#include <slipway/db/notifications.hpp>
#include <slipway/db/replicas.hpp>
#include <slipway/db/rows.hpp>
#include <slipway/db/value.hpp>

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::db {

enum class dialect : std::uint8_t { sqlite, postgres, mysql };  // mysql: MariaDB as well

enum class isolation : std::uint8_t { standard, read_committed, repeatable_read, serializable };

struct transaction_options {
  // The engine's own: read committed on PostgreSQL and MySQL, serializable on SQLite.
  isolation level = isolation::standard;
  unsigned attempts = 5;  // in all, when transactions conflict; 1 never repeats
};

// A text that is prepared on first use. It lives in its shard's statement cache, or with its one operation.
struct statement {
  std::string sql;                    // placeholders are $1, $2, ... on every engine
  std::vector<value_kind> signature;  // the kinds of its parameters
  std::uint32_t id = 0;               // dense, from 1, within the shard; 0: not worth preparing
  bool reads = false;                 // changes nothing: may be repeated, and may share a Sync with others
};

// One statement on its way. It lives in the frame of the coroutine that waits for it and is known to its driver
// until `complete` or `fail` has been called.
struct operation : context::hook {
  statement const* what = nullptr;
  db::values const* parameters = nullptr;
  context* of = nullptr;  // may be null
  std::coroutine_handle<> waiting;

  rows answer;
  std::exception_ptr error;

  // For the driver.
  operation* next_operation = nullptr;
  void* owner = nullptr;
  std::uint64_t position = 0;
  std::uint8_t repeats = 0;
  std::uint8_t stage = 0;
  bool joins_next = false;  // shares its Sync with the one after it
};

// Where statements go: the engine itself, where each is its own transaction, or the connection of one transaction.
class link {
 public:
  virtual ~link() = default;
  // Starts the operation on the calling shard. True: the coroutine will be resumed when it is over. False: it is
  // over already. Never throws; what went wrong is in the operation.
  virtual bool start(operation& op) noexcept = 0;
  // Several statements in one text without parameters, as in a migration.
  virtual task<> script(std::string text) = 0;
  // A COPY in the direction that the text must have. Throws error where the engine has none, as here.
  enum class copy_direction : std::uint8_t { in, out };
  virtual task<std::unique_ptr<copy_channel>> copy(std::string text, copy_direction direction);
};

// One transaction on its own connection.
class exclusive : public link {
 public:
  // Throws conflict_error when the transaction lost against another.
  virtual task<> commit() = 0;
  // Waits until all is undone, whatever the state of the context. Throws nothing that is not a lack of memory.
  virtual task<> rollback() = 0;
  // The destructor gives the connection back, and rolls back in the background if neither was called.
};

// Since the start, over all shards. Times in microseconds.
struct usage {
  std::uint64_t queries = 0, errors = 0;
  std::uint64_t waits = 0, wait_time_us = 0;  // for a connection of one's own
  std::uint64_t refused = 0;                  // because a queue was full
  std::uint64_t connects = 0, reconnects = 0;
  std::uint32_t open = 0, in_use = 0;  // connections; in use: by transactions
};

class engine : public link {
 public:
  virtual db::dialect kind() const noexcept = 0;
  virtual task<std::unique_ptr<exclusive>> begin(transaction_options options) = 0;
  // With its version and place, without its password.
  virtual std::string description() const = 0;
  // Asks the server for a sign of life on the calling shard's connection. Throws unavailable_error.
  virtual task<> ping() = 0;
  virtual db::usage use() const noexcept = 0;
  // Of an engine that has replicas.
  virtual replication_status replication() const { return {}; }
  // Throws error where the engine has none, as here.
  virtual task<std::unique_ptr<listener>> listen(std::vector<std::string> channels, std::size_t queue);
};

}  // namespace slipway::db
