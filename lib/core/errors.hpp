// What the world causes. These end as 500 or 503 with a correlation id and a log line; their texts never reach a
// client.
#pragma once

#include <slipway/core/context.hpp>

#include <chrono>
#include <stdexcept>
#include <string>

namespace slipway {

// Something that the service needs cannot serve right now: 503 with Retry-After.
class unavailable_error : public std::runtime_error {
 public:
  explicit unavailable_error(std::string const& what, std::chrono::seconds retry_after = std::chrono::seconds{1})
      : std::runtime_error{what}, retry_after_{retry_after} {}
  std::chrono::seconds retry_after() const noexcept { return retry_after_; }

 private:
  std::chrono::seconds retry_after_;
};

// The same, and what was asked for may have been done all the same: the connection ended between the question and its
// answer.
class unknown_outcome_error : public unavailable_error {
 public:
  using unavailable_error::unavailable_error;
};

// What was to be written finds no room. Answers like the above; a command ends with exit_code::cannot_create.
class storage_full_error : public unavailable_error {
 public:
  using unavailable_error::unavailable_error;
};

// Mixed into an exception whose cause came from outside, though only a lower layer could tell: text that no database
// can hold, a number beyond its column. Answered with 422 instead of 500.
class unprocessable {
 public:
  virtual ~unprocessable() = default;
};

// The operation was told to stop: its deadline passed (503), its client left (no answer is possible), or the
// process is going down.
class cancelled_error : public std::runtime_error {
 public:
  explicit cancelled_error(cancel_reason why)
      : std::runtime_error{why == cancel_reason::deadline      ? "the deadline passed"
                           : why == cancel_reason::client_gone ? "the client went away"
                                                               : "the process is stopping"},
        why_{why} {}
  cancel_reason why() const noexcept { return why_; }

 private:
  cancel_reason why_;
};

// The process cannot start or go on: the message says what was wrong and what to do, the code is the exit code
// (documented in docs/operations.md).
enum class exit_code : int {
  ok = 0,
  failure = 1,         // a command did its work and the answer is no
  usage = 64,          // wrong flags or arguments
  data = 65,           // unusable input: a changed migration, an unreadable file format
  unavailable = 69,    // a needed service (database) does not answer
  bug = 70,            // an internal error
  os = 71,             // the system refuses: no descriptors, no entropy, no threads
  cannot_create = 73,  // a file or socket cannot be made: port taken, disk full
  permission = 77,     // the system says no
  config = 78,         // the configuration is wrong
};

class startup_error : public std::runtime_error {
 public:
  startup_error(exit_code code, std::string const& what) : std::runtime_error{what}, code_{code} {}
  exit_code code() const noexcept { return code_; }

 private:
  exit_code code_;
};

}  // namespace slipway
