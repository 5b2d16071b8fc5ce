// Many rows in batches, by a cursor of the server, so that memory holds one batch:
//
//   auto stream = co_await db.stream("select id, body from notes where owner_id = $1", {owner});
//   for (auto rows = co_await stream.next(); !rows.empty(); rows = co_await stream.next())
//     for (auto row : rows) ...
//
// Outside a transaction the stream has one of its own, and so a connection, until its end: all rows are of the same
// moment. SQLite and MySQL have no such cursors here: their first batch has all rows. Where pages by a key will do,
// they hold up nobody.
#pragma once

#include <slipway/core/task.hpp>
#include <slipway/db/rows.hpp>
#include <slipway/db/value.hpp>

#include <cstddef>
#include <memory>
#include <source_location>
#include <string>

namespace slipway::db {

class session;
class transaction_session;

class row_stream {
 public:
  row_stream(row_stream&&) noexcept;
  row_stream& operator=(row_stream&&) noexcept;
  // Left in the middle, a stream gives up its transaction, which costs the connection when it is its own.
  ~row_stream();

  // The next batch; empty at the end. Each lives for itself.
  task<rows> next();
  // No more is wanted.
  task<> close();

 private:
  friend session;
  row_stream() noexcept;
  static task<row_stream> open(session& in, std::string sql, values parameters, std::size_t batch,
                               std::source_location at);
  task<rows> run(std::string sql, values parameters, bool continues = false);

  std::unique_ptr<transaction_session> own_;
  transaction_session* in_ = nullptr;
  std::string query_;  // its beginning, for whoever reads which statements were slow
  std::source_location at_;
  std::string cursor_;  // empty: there is none, or no more
  std::size_t batch_ = 0;
  rows rest_;  // of an engine without cursors
};

}  // namespace slipway::db
