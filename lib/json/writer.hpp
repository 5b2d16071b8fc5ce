// Described types as JSON text. Members in the order of their description; write-only members left out, absent
// changes left out, empty optionals null, times as RFC 3339, enumerations by name, 64-bit integers beyond
// 2^53 - 1 as text, because JavaScript would round them.
//
// Text that is not UTF-8 is written with U+FFFD in the place of what is wrong. A number that JSON cannot hold
// (NaN, infinity) and an enumeration's value without a name throw write_error: they are bugs of this service.
#pragma once

#include <slipway/json/buffer.hpp>
#include <slipway/json/selection.hpp>
#include <slipway/meta/description.hpp>

#include <stdexcept>
#include <string>

namespace slipway::json {

class write_error : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

// The largest integer that every JSON reader takes exactly.
inline constexpr std::int64_t max_exact_integer = (std::int64_t{1} << 53) - 1;

// Whoever calls these has made sure that no secret is written: secrets throw write_error.
void write_value(buffer& out, meta::type const& type, void const* value);
void write_value(buffer& out, meta::type const& type, void const* value, selection const& only);
// One JSON string with its quotes.
void write_text(buffer& out, std::string_view text);
void write_number(buffer& out, double value);

namespace detail {

// Whether a secret can be reached without passing a member that is never written.
constexpr bool would_write_secret(meta::type const& t) {
  if (t.what == meta::kind::secret_text) return true;
  if (t.element != nullptr && would_write_secret(*t.element)) return true;
  for (auto const& m : t.members)
    if (!m.about->write_only && would_write_secret(*m.of)) return true;
  if (t.as_variant != nullptr)
    for (auto const* a : t.as_variant->alternatives)
      if (would_write_secret(*a)) return true;
  return false;
}

}  // namespace detail

template <meta::described T>
void write_to(buffer& out, T const& value) {
  static_assert(!detail::would_write_secret(meta::describe<T>),
                "a secret must not be written: make a view without it, or mark the member write_only()");
  write_value(out, meta::describe<T>, &value);
}
template <meta::described T>
void write_to(buffer& out, T const& value, selection const& only) {
  static_assert(!detail::would_write_secret(meta::describe<T>),
                "a secret must not be written: make a view without it, or mark the member write_only()");
  write_value(out, meta::describe<T>, &value, only);
}
template <meta::described T>
std::string write(T const& value) {
  buffer out;
  write_to(out, value);
  return out.text();
}

}  // namespace slipway::json
