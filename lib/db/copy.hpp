// PostgreSQL's COPY: many rows in or out as a stream of bytes, in the form that the statement says (text, csv,
// binary), in bounded memory.
//
//   auto out = co_await db.copy_out("copy (select id, title from notes order by id) to stdout with (format csv)");
//   for (auto piece = co_await out.next(); !piece.empty(); piece = co_await out.next()) co_await file.write(piece);
//
//   auto in = co_await db.copy_in("copy notes (id, title) from stdin with (format csv)");
//   co_await in.write(lines);                       // as often as there is something
//   auto const rows = co_await in.finish();         // nothing is stored before this
//
// The text is written by hand: no value from outside belongs into it. Outside a transaction a COPY has a connection
// of its own and stores all or nothing. It ends with its operation's deadline; `database.statement_timeout` does not
// count. Errors are those of statements, and come from any of these calls; after one the stream is over.
#pragma once

#include <slipway/core/task.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace slipway::db {

// The driver's side.
class copy_channel {
 public:
  // Given up in the middle, a COPY costs its connection, and in a transaction the transaction.
  virtual ~copy_channel() = default;
  virtual task<std::string> read() = 0;  // empty: the end
  virtual task<> write(std::string_view data) = 0;
  virtual task<std::int64_t> finish() = 0;
};

class copy_reader {
 public:
  explicit copy_reader(std::unique_ptr<copy_channel> channel) noexcept : channel_{std::move(channel)} {}
  // What came meanwhile, at least one row and about 64 KB at most when rows are small; empty at the end. The server
  // waits while nobody asks.
  task<std::string> next() { return channel_->read(); }

 private:
  std::unique_ptr<copy_channel> channel_;
};

class copy_writer {
 public:
  explicit copy_writer(std::unique_ptr<copy_channel> channel) noexcept : channel_{std::move(channel)} {}
  // Any part of the stream; returns when it is on its way, so memory holds one part. The data must stay until then.
  task<> write(std::string_view data) { return channel_->write(data); }
  // The end of the stream: the number of rows that are stored now. Without it, nothing is.
  task<std::int64_t> finish() { return channel_->finish(); }

 private:
  std::unique_ptr<copy_channel> channel_;
};

}  // namespace slipway::db
