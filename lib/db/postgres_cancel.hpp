// Asking the server to end the statement that a connection waits for.
//
// libpq blocks until the server has closed the connection of the question, which a server that is there and silent
// never does. So questions are asked by threads that nobody waits for: they hold up neither connecting nor the end.
#pragma once

#include <memory>

struct pg_conn;

namespace slipway::db::detail {

class pg_canceller {
 public:
  pg_canceller();
  // At best: of too many none is asked, and the server's own time-out ends the statement. From one thread at a time.
  void stop(pg_conn* connection);

 private:
  struct questions;
  std::shared_ptr<questions> questions_;
};

}  // namespace slipway::db::detail
