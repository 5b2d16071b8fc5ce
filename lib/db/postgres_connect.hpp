// Opening connections to PostgreSQL. This blocks, so it happens on a pool's thread, or at the start.
#pragma once

#include <slipway/db/settings.hpp>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

struct pg_conn;  // libpq's PGconn

namespace slipway::db::detail {

struct finish_connection {
  void operator()(pg_conn* connection) const noexcept;
};
using pg_handle = std::unique_ptr<pg_conn, finish_connection>;

// Why a connection could not be opened. `is_final`: the server is there and says no, so trying again is no use.
class connect_error : public std::runtime_error {
 public:
  connect_error(std::string const& what, bool is_final) : std::runtime_error{what}, is_final_{is_final} {}
  bool is_final() const noexcept { return is_final_; }

 private:
  bool is_final_;
};

// "host:port, database name" for messages. Throws startup_error(config) for a URL that is none.
std::string place_of(settings const& s);
// The same of one server among several, whose URL the setting `name` holds: refused also where it names more than one.
std::string place_of_one(settings s, std::string url, std::string const& name);

// Open, idle and not blocking. Throws connect_error.
pg_handle open_connection(settings const& s);

// Texts without rows. Blocks for `limit` at most. Throws connect_error.
void run_texts(pg_conn* on, std::string const& texts, std::chrono::milliseconds limit);

}  // namespace slipway::db::detail
