// Who called us and under which trace: the W3C headers traceparent and tracestate (Trace Context, level 2).
#pragma once

#include <slipway/core/random.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace slipway {

struct trace_id {
  std::array<std::uint8_t, 16> bytes{};
  friend bool operator==(trace_id const&, trace_id const&) = default;
  bool valid() const noexcept { return *this != trace_id{}; }
  std::string text() const;  // 32 lower-case hexadecimal digits
};

struct span_id {
  std::array<std::uint8_t, 8> bytes{};
  friend bool operator==(span_id const&, span_id const&) = default;
  bool valid() const noexcept { return *this != span_id{}; }
  std::string text() const;  // 16 digits
};

struct trace_parent {
  static constexpr std::uint8_t sampled_flag = 0x01;
  static constexpr std::uint8_t random_flag = 0x02;  // level 2: the trace id's last seven bytes are random
  static constexpr std::size_t text_size = 55;

  trace_id trace;
  span_id span;
  std::uint8_t flags = 0;

  bool sampled() const noexcept { return (flags & sampled_flag) != 0; }
  // "00-<trace>-<span>-<flags>"
  std::array<char, text_size> text() const noexcept;
  // Strict: lower case, no zero ids, version ff refused; a higher version may carry more after a dash (section
  // 3.2.4) and its unknown flags are dropped. Empty: start a new trace.
  static std::optional<trace_parent> parse(std::string_view header) noexcept;
};

// True when the header is a valid list (section 3.3): at most 32 members and 512 characters, keys once each. An
// invalid one must be dropped; a valid one is passed on as it came.
bool valid_tracestate(std::string_view header) noexcept;

trace_id make_trace_id(random_source& random);
span_id make_span_id(random_source& random);

// True for the share `ratio` of all trace ids, and the same for the same id everywhere.
bool in_sample(trace_id const& id, double ratio) noexcept;

}  // namespace slipway
