// Spans: what one operation did, and when. The context carries the current one (`context::span`); it is null when
// tracing is off, and then everything here costs one comparison.
//
//   scoped_span span{co_await this_context(), span_kind::client, "SELECT notes"};
//   span.set("db.system", "sqlite");
#pragma once

#include <slipway/core/context.hpp>
#include <slipway/trace/trace_context.hpp>

#include <chrono>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <variant>

namespace slipway {

enum class span_kind : std::uint8_t { internal, server, client, producer, consumer };
enum class span_status : std::uint8_t { unset, ok, error };

// Text is copied; it is cut at 256 bytes.
using attribute_value = std::variant<bool, std::int64_t, double, std::string_view>;

// The attributes and events of one span, bounded: what does not fit is counted and dropped.
struct span_attribute {
  std::string_view key;  // a literal
  attribute_value value;
};
struct span_event {
  std::string_view name;
  std::chrono::steady_clock::time_point at;
};

class trace_record;

// One span. It lives in its trace's record until the whole trace has ended, so a pointer to it stays good for as
// long as the request. Only on the shard of its context.
class trace_span {
 public:
  static constexpr std::size_t most_attributes = 16, most_events = 8, most_text = 256;

  span_id id;
  span_id parent;  // all zero: the trace begins here
  span_kind kind = span_kind::internal;
  span_status status = span_status::unset;
  bool ended = false;
  std::uint8_t attribute_count = 0, event_count = 0;
  std::uint16_t dropped = 0;  // attributes and events that did not fit
  std::string_view name, status_text;
  std::chrono::steady_clock::time_point start, end;
  trace_span* outer = nullptr;  // within this process
  trace_record* record = nullptr;

  void rename(std::string_view n);
  // Keys by OpenTelemetry's semantic conventions ("http.route"); a key set again is replaced. The key must be a literal.
  void set(std::string_view key, attribute_value value);
  void event(std::string_view name);
  // Marks the span, and thereby the whole trace, as failed: it is exported even when it was not sampled.
  // `what` must not hold anything secret.
  void fail(std::string_view what);
  // To be sent along with calls to others.
  trace_parent parent_for_others() const noexcept;
  std::string_view tracestate() const noexcept;
  trace_id const& trace() const noexcept;

  span_attribute const* attributes() const noexcept { return attributes_; }
  span_event const* events() const noexcept { return events_; }

 private:
  span_attribute* attributes_ = nullptr;
  span_event* events_ = nullptr;
};

// A child of the context's current span that is current itself while this lives. Does nothing when there is no
// context, no trace, or the trace is full. An exception that passes marks it as failed.
class scoped_span {
 public:
  scoped_span(context* operation, span_kind kind, std::string_view name)
      : operation_{operation},
        span_{operation == nullptr || operation->span == nullptr ? nullptr : begin(*operation, kind, name)} {}
  scoped_span(scoped_span const&) = delete;
  scoped_span& operator=(scoped_span const&) = delete;
  ~scoped_span() {
    if (span_ != nullptr) end();
  }

  explicit operator bool() const noexcept { return span_ != nullptr; }
  trace_span* get() const noexcept { return span_; }
  template <class V>
  void set(std::string_view key, V value) const {
    if (span_ == nullptr) return;
    if constexpr (std::is_same_v<V, bool>)
      span_->set(key, value);
    else if constexpr (std::is_integral_v<V>)
      span_->set(key, static_cast<std::int64_t>(value));
    else if constexpr (std::is_floating_point_v<V>)
      span_->set(key, static_cast<double>(value));
    else
      span_->set(key, std::string_view{value});
  }
  void event(std::string_view name) const {
    if (span_ != nullptr) span_->event(name);
  }
  void fail(std::string_view what) const {
    if (span_ != nullptr) span_->fail(what);
  }

 private:
  trace_span* begin(context& operation, span_kind kind, std::string_view name);
  void end() noexcept;
  context* operation_;
  trace_span* span_;
  int exceptions_ = 0;
};

}  // namespace slipway
