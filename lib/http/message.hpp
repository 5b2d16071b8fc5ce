// One HTTP request and its answer. Everything of a request is a view into the connection's buffer or its arena and
// lives until the answer is written.
#pragma once

#include <slipway/core/arena.hpp>
#include <slipway/core/assert.hpp>
#include <slipway/core/context.hpp>
#include <slipway/core/scope.hpp>
#include <slipway/core/task.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::http {

enum class method : std::uint8_t { get, head, post, put, patch, delete_, options, other };
inline constexpr std::size_t method_count = 8;
std::string_view to_string(method m) noexcept;  // "GET"; "" for other

// RFC 9110, section 15: "Not Found" for 404; "" for a number that has no phrase.
std::string_view reason_phrase(int status) noexcept;

struct field {
  std::string_view name;  // as it came: compare with `equal_names`
  std::string_view value;
};
bool equal_names(std::string_view a, std::string_view b) noexcept;  // ASCII, case-insensitive
std::string_view trim(std::string_view text) noexcept;              // spaces and tabs at both ends

// Bytes that come in pieces. An empty piece is the end.
class body_source {
 public:
  virtual ~body_source() = default;
  // The next piece; valid until the next call. Throws cancelled_error when the peer goes away, and body_error when
  // what comes breaks the framing or a limit.
  virtual task<std::string_view> next() = 0;
};

// The request's body cannot be read on: 400 (broken framing), 408 (too slow) or 413 (too large). `what` is told.
class body_error : public std::runtime_error {
 public:
  body_error(int status, std::string const& what) : std::runtime_error{what}, status_{status} {}
  int status() const noexcept { return status_; }

 private:
  int status_;
};

// Who sent it, after trusted proxies have been believed.
struct peer_info {
  std::string_view address;  // "192.0.2.1", "2001:db8::1"; "unix" for a Unix socket
  std::uint64_t address_hash = 0;
  bool secure = false;  // https, as the client saw it
};

class request {
 public:
  static constexpr std::size_t max_parameters = 8;

  method verb{};
  std::string_view method_text;
  std::string_view target;  // as it came
  std::string_view path;    // of the target, percent-encoded, always with a leading '/'
  std::string_view query;   // after '?', percent-encoded
  std::string_view host;    // Host, or the authority of an absolute-form target
  int minor_version = 1;
  std::span<field const> fields;
  std::string_view body;          // complete, unless the route streams; read after the layers' `before`, so empty there
  body_source* stream = nullptr;  // of a route that streams its body
  peer_info peer;

  // The first field of that name; a null view (data() == nullptr) when absent.
  std::string_view header(std::string_view name) const noexcept;
  // Path parameters in the order of the pattern, percent-decoded once.
  std::span<std::string_view const> parameters() const noexcept { return {parameter_storage.data(), parameter_count}; }

  std::array<std::string_view, max_parameters> parameter_storage;
  std::size_t parameter_count = 0;
};

class response {
 public:
  int status = 200;
  bool close = false;                   // end the connection after this answer
  std::string_view content_type;        // a value such as "application/json"; empty: no Content-Type
  std::string_view body;                // must live until it is written: static, or in the exchange's arena, or `owned`
  std::string owned;                    // keeps a body that was made elsewhere alive; then body = owned
  std::unique_ptr<body_source> stream;  // instead of `body`
  std::optional<std::uint64_t> stream_length;  // of `stream`, when known: else chunked
  // Of a stream that goes on for as long as its reader likes (server-sent events): it is not held to write_rate over
  // all its life. Each piece must still be read within write_timeout.
  bool open_ended = false;

  // Adds a field. The name must be a token and the value free of control characters: others are dropped by `bug`.
  // Both must live as long as the body; use exchange::copy for what does not.
  void add(std::string_view name, std::string_view value);
  // A prebuilt block of whole lines: "Name: value\r\n". Must outlive the exchange.
  void add_block(std::string_view lines) noexcept {
    if (bug(field_count < max_fields, "too many response fields")) [[likely]]
      field_storage[field_count++] = {{}, lines};
  }
  std::string_view header(std::string_view name) const noexcept;

  static constexpr std::size_t max_fields = 24;
  std::array<field, max_fields> field_storage;  // name empty: a block
  std::size_t field_count = 0;

  void reset() noexcept;
};

struct route;

class exchange {
 public:
  http::request request;
  http::response response;
  context operation;
  arena memory;
  http::route const* route = nullptr;  // null: nothing matched
  std::optional<scope> who;            // set by authentication
  std::shared_ptr<void const> chosen;  // what lib/api read of the request for the answer; null: nothing
  std::uint64_t started_ticks = 0;     // when it came, in steady nanoseconds: for its duration
  std::uint64_t bytes_in = 0;
  char const* fault_code = nullptr;  // stable code of the fault that was answered, for logs and metrics
  std::string internal_error;        // for the log, never for the client

  std::string_view copy(std::string_view text) { return memory.copy(text); }
  // Makes it new for the next request of its connection; what the parser writes is left to the parser.
  void reset() noexcept;
  // Answers with this status and body instead of whatever was set.
  void answer(int status, std::string_view type, std::string_view text) noexcept {
    response.status = status;
    response.content_type = type;
    response.body = text;
  }
};

}  // namespace slipway::http
