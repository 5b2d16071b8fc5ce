#include <slipway/db/postgres_cancel.hpp>

#include <libpq-fe.h>

#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

namespace slipway::db::detail {

namespace {

constexpr std::size_t most_waiting = 1'024;
constexpr int most_threads = 4;

struct free_cancel {
  void operator()(PGcancel* what) const noexcept { PQfreeCancel(what); }
};
using cancel_handle = std::unique_ptr<PGcancel, free_cancel>;

}  // namespace

struct pg_canceller::questions {
  std::mutex mutex;
  std::deque<cancel_handle> waiting;
  int threads = 0;

  // Null: this thread is of no more use.
  cancel_handle next() {
    std::lock_guard const lock{mutex};
    if (waiting.empty()) {
      --threads;
      return {};
    }
    auto first = std::move(waiting.front());
    waiting.pop_front();
    return first;
  }
};

pg_canceller::pg_canceller() : questions_{std::make_shared<questions>()} {}

void pg_canceller::stop(pg_conn* connection) {
  cancel_handle question{PQgetCancel(connection)};
  if (question == nullptr) return;
  {
    std::lock_guard const lock{questions_->mutex};
    if (questions_->waiting.size() >= most_waiting) return;
    questions_->waiting.push_back(std::move(question));
    if (questions_->threads >= most_threads) return;
    ++questions_->threads;
  }
  try {
    std::thread{[all = questions_] {
      char reason[256];  // nobody can do anything about it
      while (auto const one = all->next()) PQcancel(one.get(), reason, sizeof reason);
    }}.detach();
  } catch (std::system_error const&) {  // no thread to be had
    std::lock_guard const lock{questions_->mutex};
    --questions_->threads;
  }
}

}  // namespace slipway::db::detail
