// The border between this library and the module that holds the driver of MongoDB, a shared library that is loaded only
// when a URL asks for it: the driver and what it needs are megabytes that nobody else should carry. Everything here
// blocks; nothing here knows the event loop, and nothing but plain data and these functions crosses the border.
#pragma once

#include <slipway/documents/node.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace slipway::documents::mongodb {

// Changed with everything in this file and in node.hpp. A module of another version is refused.
inline constexpr int border_version = 1;

enum class problem : std::uint8_t {
  none,
  config,       // the URL, the certificate's file, the user or the password is wrong
  unavailable,  // no server, or it went away, or it is not the primary just now
  timeout,      // it took longer than `limit`
  conflict,     // lost against another transaction: may be repeated as a whole
  refused,      // the server says no: `code`
};

struct answer {
  problem what = problem::none;
  int code = 0;         // the server's
  std::string message;  // for people; no password
  node reply;           // of a command; or a list of documents
};

struct driver_settings {
  std::string url;
  unsigned connections;  // at most
  std::chrono::milliseconds connect_timeout;
  std::chrono::milliseconds timeout;  // no answer takes longer
  std::string application;
};

struct find_options {
  node filter = node::object(), sort = node::object(), projection = node::object();
  std::int64_t skip = 0, limit = 0;
};

// A transaction that has begun, on a connection of its own. Undone when it goes without `commit`.
class transaction {
 public:
  virtual ~transaction() = default;
  virtual answer commit() = 0;
  virtual void abort() noexcept = 0;
};

// May be used by as many threads as there are connections. `in` is null outside of transactions; a transaction is used
// by one thread at a time.
class driver {
 public:
  using milliseconds = std::chrono::milliseconds;

  virtual ~driver() = default;
  virtual std::string database() const = 0;
  // One command of the database in the URL.
  virtual answer run(node const& command, bool writes, milliseconds limit, transaction* in) = 0;
  // Replies with the list of documents.
  virtual answer find(std::string const& collection, find_options const& options, milliseconds limit,
                      transaction* in) = 0;
  virtual answer aggregate(std::string const& collection, node const& pipeline, milliseconds limit,
                           transaction* in) = 0;
  virtual answer insert(std::string const& collection, std::vector<node> const& documents, milliseconds limit,
                        transaction* in) = 0;
  // What a change stream tells after `token` (an object, or null for now), without waiting for more than a moment:
  // an object with `events` and the `token` to go on with.
  virtual answer watch(std::string const& collection, node const& token, std::size_t most, milliseconds limit) = 0;
  virtual std::unique_ptr<transaction> begin(answer& problem) = 0;
};

// What the module gives under the name `slipway_mongodb_module`.
struct module_entry {
  int version;
  // Connects to nobody yet. Null with the problem.
  driver* (*open)(driver_settings const& settings, answer& problem);
};

}  // namespace slipway::documents::mongodb
