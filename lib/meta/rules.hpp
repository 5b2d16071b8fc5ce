// What a member must fulfil and what is to be said about it: rules for validation and the schema, flags for
// privacy, help for documents and configuration.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>

namespace slipway {

namespace meta {

enum class rule_kind : std::uint8_t {
  min_length,  // of text, in code points
  max_length,
  not_blank,  // text with something besides white space
  minimum,    // of integers, numbers, durations (milliseconds)
  maximum,
  min_items,  // of lists and maps
  max_items,
  unique_items,
  email,   // RFC 5321 mailbox with a dot-atom local part
  url,     // absolute http or https
  format,  // checked by `check`; `text` is the name of the format, `pattern` the regular expression for documents
};

struct rule {
  rule_kind what{};
  double number = 0;
  std::string_view text{};
  std::string_view pattern{};
  bool (*check)(std::string_view) = nullptr;
};

// The rules of one member summed up, so that a value within these limits is known to keep them at a glance. What is
// beyond them has to be asked rule by rule.
struct limits {
  std::size_t shortest = 0;  // of text, in code points
  std::size_t longest = std::numeric_limits<std::size_t>::max();
  std::int64_t least = std::numeric_limits<std::int64_t>::min();  // of integers
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
  bool only_lengths = true;  // for text there are no rules but those on its length

  constexpr void narrow(rule const& r) noexcept {
    switch (r.what) {
      case rule_kind::min_length: shortest = std::max(shortest, static_cast<std::size_t>(r.number)); break;
      case rule_kind::max_length: longest = std::min(longest, static_cast<std::size_t>(r.number)); break;
      case rule_kind::minimum:
      case rule_kind::maximum: narrow(r.number, r.what == rule_kind::minimum); break;
      case rule_kind::not_blank:
      case rule_kind::email:
      case rule_kind::url:
      case rule_kind::format: only_lengths = false; break;
      case rule_kind::min_items:
      case rule_kind::max_items:
      case rule_kind::unique_items: break;
    }
  }

 private:
  constexpr void narrow(double bound, bool from_below) noexcept {
    constexpr double exact = 9007199254740992;  // 2^53: beyond it no integer is known to be within
    auto const whole = bound >= -exact && bound <= exact ? static_cast<std::int64_t>(bound) : 0;
    if (static_cast<double>(whole) != bound)
      least = std::numeric_limits<std::int64_t>::max(), most = std::numeric_limits<std::int64_t>::min();
    else if (from_below)
      least = std::max(least, whole);
    else
      most = std::min(most, whole);
  }
};

struct attributes {
  std::string_view help{};     // one sentence
  std::string_view unit{};     // of numbers: "bytes"
  std::string_view example{};  // as JSON text
  bool optional = false;       // may be absent: the member's initial value stands
  bool personal = false;       // personal data: export and erasure must know it
  bool sensitive = false;      // redacted in logs, masked where configuration is shown
  bool read_only = false;      // in answers only
  bool write_only = false;     // in requests only
  bool deprecated = false;
  bool reloadable = false;  // configuration that may change while the service runs
  std::array<rule, 6> rule_storage{};
  std::uint8_t rule_count = 0;
  limits within{};

  constexpr std::span<rule const> rules() const noexcept { return {rule_storage.data(), rule_count}; }
};

}  // namespace meta

// Collects what is said about one member. Every function returns the field with one more thing said.
template <class T, class M>
class field {
 public:
  constexpr explicit field(M T::* pointer) : pointer_{pointer} {}

  constexpr field min_length(std::size_t n) const {
    return with({meta::rule_kind::min_length, static_cast<double>(n)});
  }
  constexpr field max_length(std::size_t n) const {
    return with({meta::rule_kind::max_length, static_cast<double>(n)});
  }
  constexpr field not_blank() const { return with({meta::rule_kind::not_blank}); }
  constexpr field minimum(double n) const { return with({meta::rule_kind::minimum, n}); }
  constexpr field maximum(double n) const { return with({meta::rule_kind::maximum, n}); }
  constexpr field min_items(std::size_t n) const { return with({meta::rule_kind::min_items, static_cast<double>(n)}); }
  constexpr field max_items(std::size_t n) const { return with({meta::rule_kind::max_items, static_cast<double>(n)}); }
  constexpr field unique_items() const { return with({meta::rule_kind::unique_items}); }
  constexpr field email() const { return with({meta::rule_kind::email}); }
  constexpr field url() const { return with({meta::rule_kind::url}); }
  // A format of the application's own: `name` is the error's code, `pattern` an ECMA-262 regular expression that
  // says the same as `check`, for documents.
  constexpr field format(std::string_view name, std::string_view pattern, bool (*check)(std::string_view)) const {
    return with({meta::rule_kind::format, 0, name, pattern, check});
  }

  constexpr field help(std::string_view text) const { return set(&meta::attributes::help, text); }
  constexpr field unit(std::string_view text) const { return set(&meta::attributes::unit, text); }
  constexpr field example(std::string_view json) const { return set(&meta::attributes::example, json); }
  constexpr field optional() const { return set(&meta::attributes::optional, true); }
  constexpr field personal() const { return set(&meta::attributes::personal, true); }
  constexpr field sensitive() const { return set(&meta::attributes::sensitive, true); }
  constexpr field read_only() const { return set(&meta::attributes::read_only, true); }
  constexpr field write_only() const { return set(&meta::attributes::write_only, true); }
  constexpr field deprecated() const { return set(&meta::attributes::deprecated, true); }
  constexpr field reloadable() const { return set(&meta::attributes::reloadable, true); }

  template <class U, class N>
  constexpr bool is(N U::* pointer) const {
    if constexpr (std::is_same_v<M T::*, N U::*>) return pointer == pointer_;
    return false;
  }
  constexpr meta::attributes const& about() const { return about_; }

 private:
  constexpr field with(meta::rule r) const {
    auto copy = *this;
    copy.about_.rule_storage[copy.about_.rule_count++] = r;  // one too many does not compile: index out of range
    copy.about_.within.narrow(r);
    return copy;
  }
  template <class V>
  constexpr field set(V meta::attributes::* what, V value) const {
    auto copy = *this;
    copy.about_.*what = value;
    return copy;
  }

  M T::* pointer_;
  meta::attributes about_{};
};

template <class... Fields>
constexpr auto rules(Fields... fields) {
  return std::tuple{fields...};
}

// Specialised for a described type: see the head of description.hpp.
template <class T>
inline constexpr auto rules_of = rules();

namespace meta {

template <class T, class U, class M>
constexpr attributes attributes_of(M U::* pointer) {
  attributes found{};
  std::apply([&](auto const&... f) { ((f.is(pointer) ? void(found = f.about()) : void()), ...); }, rules_of<T>);
  return found;
}

}  // namespace meta
}  // namespace slipway
