// PostgreSQL's LISTEN and NOTIFY: short messages between the processes that share a database, to whoever listens at
// the moment. Whatever must not be lost belongs into a table; a notification says that it is worth a look.
//
//   auto listening = co_await db.listen({"orders"});
//   for (;;) {
//     auto const heard = co_await listening->next();
//     if (heard.what == notification::kind::gap) co_await read_all_again();
//     else co_await read(heard.payload);
//   }
//   co_await tx.notify("orders", id.text());        // heard when the transaction is committed
#pragma once

#include <slipway/core/task.hpp>

#include <cstdint>
#include <string>

namespace slipway::db {

struct notification {
  // gap: the connection was lost and is there again, or more came than the queue holds. What was said meanwhile was
  // not heard.
  enum class kind : std::uint8_t { message, gap };
  kind what = kind::message;
  std::string channel, payload;
};

// One connection that does nothing else, kept alive and opened anew when it is lost.
class listener {
 public:
  // From the shard that made it.
  virtual ~listener() = default;
  // One consumer at a time. Waits; throws cancelled_error with its operation, and unavailable_error when the
  // database is being closed.
  virtual task<notification> next() = 0;
};

}  // namespace slipway::db
