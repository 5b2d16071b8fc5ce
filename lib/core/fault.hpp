// What a caller's input can cause, as a value. What the world causes is an exception (errors.hpp).
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace slipway {

// The kinds of fault, by what the client has to do about it. lib/api maps each to a status in one `switch`
// without a default, so a new kind does not compile until it has one.
enum class fault_kind : std::uint8_t {
  malformed,               // 400: the request cannot be understood
  unauthenticated,         // 401: log in first
  forbidden,               // 403: logged in, and still not allowed
  not_found,               // 404: no such thing, or none that the caller may know of
  not_acceptable,          // 406: no representation that the caller accepts
  conflict,                // 409: the present state does not allow it
  gone,                    // 410: there was one
  precondition_failed,     // 412: somebody saved first
  too_large,               // 413
  unsupported_media_type,  // 415
  invalid,                 // 422: understood, and breaks a rule
  precondition_required,   // 428: send If-Match
  too_many_requests,       // 429
  unavailable,             // 503: try again later
};

// One wrong member of the input. `pointer` is a JSON pointer (RFC 6901) into the body, or the name of a parameter.
struct field_error {
  std::string pointer;
  std::string code;      // stable, for programs: "too_short"
  std::string message;   // for people: "must have at least 12 characters"
  std::size_t line = 0;  // from 1, of a file that is read line by line; 0: it has none
};

// A fault has a stable code for programs, an optional sentence for the client, and an internal message with its
// place in the source that go to the log and never to the client.
class fault {
 public:
  struct extras {
    std::string detail;                   // shown to the client
    std::string internal;                 // logged, never shown
    std::vector<field_error> fields;      // every wrong field at once
    std::chrono::seconds retry_after{0};  // above zero: sent as Retry-After
    std::source_location where;
  };

  // `code` must outlive the program (a literal): it names the fault in documents and tests.
  fault(fault_kind kind, char const* code, std::source_location where = std::source_location::current())
      : kind_{kind}, code_{code}, extras_{std::make_unique<extras>()} {
    extras_->where = where;
  }

  static fault malformed(char const* code = "malformed_request",
                         std::source_location at = std::source_location::current()) {
    return {fault_kind::malformed, code, at};
  }
  static fault unauthenticated(char const* code = "unauthenticated",
                               std::source_location at = std::source_location::current()) {
    return {fault_kind::unauthenticated, code, at};
  }
  static fault forbidden(char const* code = "forbidden", std::source_location at = std::source_location::current()) {
    return {fault_kind::forbidden, code, at};
  }
  static fault not_found(char const* code = "not_found", std::source_location at = std::source_location::current()) {
    return {fault_kind::not_found, code, at};
  }
  static fault not_acceptable(char const* code = "not_acceptable",
                              std::source_location at = std::source_location::current()) {
    return {fault_kind::not_acceptable, code, at};
  }
  static fault conflict(char const* code, std::source_location at = std::source_location::current()) {
    return {fault_kind::conflict, code, at};
  }
  static fault gone(char const* code = "gone", std::source_location at = std::source_location::current()) {
    return {fault_kind::gone, code, at};
  }
  static fault precondition_failed(char const* code = "precondition_failed",
                                   std::source_location at = std::source_location::current()) {
    return {fault_kind::precondition_failed, code, at};
  }
  static fault precondition_required(char const* code = "precondition_required",
                                     std::source_location at = std::source_location::current()) {
    return {fault_kind::precondition_required, code, at};
  }
  static fault too_large(char const* code = "too_large", std::source_location at = std::source_location::current()) {
    return {fault_kind::too_large, code, at};
  }
  static fault unsupported_media_type(char const* code = "unsupported_media_type",
                                      std::source_location at = std::source_location::current()) {
    return {fault_kind::unsupported_media_type, code, at};
  }
  static fault invalid(std::vector<field_error> fields, char const* code = "invalid",
                       std::source_location at = std::source_location::current()) {
    fault f{fault_kind::invalid, code, at};
    f.extras_->fields = std::move(fields);
    return f;
  }
  static fault too_many_requests(std::chrono::seconds retry_after, char const* code = "too_many_requests",
                                 std::source_location at = std::source_location::current()) {
    return fault{fault_kind::too_many_requests, code, at}.retry_after(retry_after);
  }
  static fault unavailable(std::chrono::seconds retry_after = std::chrono::seconds{1}, char const* code = "unavailable",
                           std::source_location at = std::source_location::current()) {
    return fault{fault_kind::unavailable, code, at}.retry_after(retry_after);
  }

  // A sentence for the client. Must not hold what the client does not know already.
  fault&& detail(std::string text) && {
    extras_->detail = std::move(text);
    return std::move(*this);
  }
  // A sentence for the log.
  fault&& internal(std::string text) && {
    extras_->internal = std::move(text);
    return std::move(*this);
  }
  fault&& retry_after(std::chrono::seconds wait) && {
    extras_->retry_after = wait;
    return std::move(*this);
  }

  fault_kind kind() const noexcept { return kind_; }
  std::string_view code() const noexcept { return code_; }
  extras const& more() const noexcept { return *extras_; }
  extras& more() noexcept { return *extras_; }

 private:
  fault_kind kind_;
  char const* code_;
  std::unique_ptr<extras> extras_;
};

// The value, or what was wrong with the input.
template <class T>
using result = std::expected<T, fault>;

template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<result<T>> = true;

}  // namespace slipway
