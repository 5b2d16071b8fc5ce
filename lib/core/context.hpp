// What one operation (a request, a job, a command) carries with it down to the last await: its deadline, its
// cancellation, its correlation id and its trace. A task hands its context to every task that it awaits, so no
// function has to pass it on by hand; `co_await this_context()` reads it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace slipway {

enum class cancel_reason : std::uint8_t { none, client_gone, deadline, shutdown };

class trace_span;  // lib/trace

// What a database with replicas does for an operation: nothing but its primary; note how far the log was after its
// writes; and also let its reads go to replicas. See lib/db/replicas.hpp.
enum class replica_use : std::uint8_t { none, notes_writes, may_read };

// What somebody notes down about an operation while it lasts: see lib/db/repetition.hpp.
struct operation_notes {
  virtual ~operation_notes() = default;
};

class context {
 public:
  using clock = std::chrono::steady_clock;

  // An operation in flight that wants to be told. It is told at most once and is off the list by then; it must
  // take itself off (`drop`) if it ends before. Everything happens on the context's own shard.
  struct hook {
    hook* previous = nullptr;
    hook* next = nullptr;
    void (*fire)(hook&, cancel_reason) = nullptr;
    bool linked() const noexcept { return previous != nullptr; }
  };

  context() noexcept { hooks_.previous = hooks_.next = &hooks_; }
  context(context const&) = delete;
  context& operator=(context const&) = delete;
  ~context() { end_telling(); }

  clock::time_point deadline = clock::time_point::max();
  std::string_view correlation_id;  // printable ASCII; owned by whoever owns the context
  trace_span* span = nullptr;       // null: not traced
  // What was asked of databases so far, counted where statements are observed: for the operation's line in the log.
  std::uint32_t statements = 0;
  replica_use replicas = replica_use::none;
  bool outlives_client = false;  // what the client that left may ask for again is finished all the same, in its time
  std::uint64_t statement_ns = 0;
  std::uint64_t written = 0;               // a place in the primary's log: what its reads must at least see
  std::unique_ptr<operation_notes> notes;  // null: nobody takes any

  cancel_reason cancelled() const noexcept { return reason_; }

  void add(hook& h) noexcept {
    h.previous = hooks_.previous;
    h.next = &hooks_;
    hooks_.previous->next = &h;
    hooks_.previous = &h;
  }
  static void drop(hook& h) noexcept {
    if (!h.linked()) return;
    h.previous->next = h.next;
    h.next->previous = h.previous;
    h.previous = h.next = nullptr;
  }

  // Tells every operation in flight, in the order in which they began. Later calls change nothing. Whoever is told last
  // may reset the context for the next request, or end its life.
  void cancel(cancel_reason why) noexcept {
    if (reason_ != cancel_reason::none || (outlives_client && why == cancel_reason::client_gone)) return;
    reason_ = why;
    bool over = false;
    telling_ = &over;
    while (hooks_.next != &hooks_) {
      auto& h = *hooks_.next;
      drop(h);
      h.fire(h, why);
      if (over) return;
    }
    telling_ = nullptr;
  }

  // Makes the context new again for the next request of a connection. No operation may be in flight.
  void reset() noexcept {
    deadline = clock::time_point::max();
    correlation_id = {};
    span = nullptr;
    statements = 0;
    replicas = replica_use::none;
    outlives_client = false;
    statement_ns = 0;
    written = 0;
    notes.reset();
    reason_ = cancel_reason::none;
    end_telling();
  }

 private:
  void end_telling() noexcept {
    if (telling_ != nullptr) [[unlikely]]
      *std::exchange(telling_, nullptr) = true;
  }

  hook hooks_;
  bool* telling_ =
      nullptr;  // of a `cancel` that is on its way: set when this context is no longer the one it began with
  cancel_reason reason_ = cancel_reason::none;
};

}  // namespace slipway
