// What can go wrong with a command. All of it is the world's doing, so all of it is thrown:
//   error              the server answered with an error that asking again does not mend: code() is its first word
//                      (WRONGTYPE, NOPERM, CROSSSLOT, NOSCRIPT, ERR ...), or UNEXPECTED for an answer of a wrong kind
//   refused_error      the server cannot do it right now: LOADING, READONLY, OOM, CLUSTERDOWN, MASTERDOWN, MISCONF,
//                      NOREPLICAS, BUSY, TRYAGAIN, NOAUTH, WRONGPASS; nothing was done
//   lost_error         the connection was lost; may_have_been_done() tells whether the command had been sent
//   unavailable_error  (the base of the two above) also: the queue is full, no connection, no answer in time
//   cancelled_error    the operation's deadline passed or its client left; the command may have been done
#pragma once

#include <slipway/core/errors.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

namespace slipway::redis {

class error : public std::runtime_error {
 public:
  error(std::string_view code, std::string const& what) : std::runtime_error{what}, code_{code} {}
  std::string const& code() const noexcept { return code_; }

 private:
  std::string code_;
};

class refused_error : public unavailable_error {
 public:
  refused_error(std::string_view code, std::string const& what) : unavailable_error{what}, code_{code} {}
  std::string const& code() const noexcept { return code_; }

 private:
  std::string code_;
};

class lost_error : public unavailable_error {
 public:
  lost_error(std::string const& what, bool may_have_been_done)
      : unavailable_error{what}, may_have_been_done_{may_have_been_done} {}
  bool may_have_been_done() const noexcept { return may_have_been_done_; }

 private:
  bool may_have_been_done_;
};

// "MOVED" of "MOVED 3999 127.0.0.1:6381".
std::string_view code_of(std::string_view error_text) noexcept;
// The server says that it did nothing and that this may be over soon.
bool passes(std::string_view code) noexcept;
// Throws error or refused_error for the text of an error reply; `place` names the server.
[[noreturn]] void throw_error(std::string_view place, std::string_view error_text);

}  // namespace slipway::redis
