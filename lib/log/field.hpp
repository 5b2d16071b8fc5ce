// One typed field of a log line. A field only looks at what it is given, so making one allocates nothing; it lives
// as long as the call that logs it.
#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/core/id.hpp>
#include <slipway/core/secret.hpp>
#include <slipway/meta/description.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace slipway::log {

class value {
 public:
  enum class kind : std::uint8_t { null, boolean, integer, natural, number, text, id, time, microseconds, enumeration };

  constexpr value() noexcept = default;
  constexpr value(std::nullptr_t) noexcept {}
  // Only a real bool: a pointer must not turn into one by itself.
  template <std::same_as<bool> B>
  constexpr value(B b) noexcept : kind_{kind::boolean} {
    data_.integer = b ? 1 : 0;
  }
  template <std::signed_integral I>
    requires(!std::same_as<I, char>)
  constexpr value(I i) noexcept : kind_{kind::integer} {
    data_.integer = i;
  }
  template <std::unsigned_integral I>
    requires(!std::same_as<I, bool> && !std::same_as<I, char>)
  constexpr value(I i) noexcept : kind_{kind::natural} {
    data_.natural = i;
  }
  template <std::floating_point F>
  constexpr value(F f) noexcept : kind_{kind::number} {
    data_.number = static_cast<double>(f);
  }
  template <std::convertible_to<std::string_view> S>
    requires(!std::same_as<S, std::nullptr_t>)
  constexpr value(S const& s) noexcept(std::is_nothrow_convertible_v<S const&, std::string_view>) : kind_{kind::text} {
    std::string_view const view = s;
    data_.text = {view.data(), view.size()};
  }
  constexpr value(uuid const& id) noexcept : kind_{kind::id} { data_.id = &id; }
  template <class T>
  constexpr value(id_of<T> const& id) noexcept : value{id.value} {}
  constexpr value(time_point t) noexcept : kind_{kind::time} { data_.integer = t.time_since_epoch().count(); }
  // Written as text with its unit: "1250us".
  template <class Rep, class Period>
  constexpr value(std::chrono::duration<Rep, Period> d) noexcept : kind_{kind::microseconds} {
    data_.integer = std::chrono::duration_cast<std::chrono::microseconds>(d).count();
  }
  // Written by the enumerator's name.
  template <class E>
    requires(std::is_enum_v<E> && meta::described<E>)
  constexpr value(E e) noexcept : kind_{kind::enumeration} {
    data_.enumeration = {&meta::describe<E>, static_cast<std::int64_t>(e)};
  }
  // Null when empty. Only from something that outlives the call, like every field.
  template <class T>
    requires std::constructible_from<value, T const&>
  constexpr value(std::optional<T> const& o) noexcept : value{} {
    if (o) *this = value{*o};
  }

  // A secret does not go into a log: not even by mistake.
  template <class T>
  value(secret<T> const&) = delete;

  constexpr kind what() const noexcept { return kind_; }
  constexpr std::int64_t integer() const noexcept { return data_.integer; }
  constexpr std::uint64_t natural() const noexcept { return data_.natural; }
  constexpr double number() const noexcept { return data_.number; }
  constexpr std::string_view text() const noexcept { return {data_.text.at, data_.text.size}; }
  constexpr uuid const& id() const noexcept { return *data_.id; }
  std::string_view enumerator() const noexcept {
    for (auto const& e : data_.enumeration.of->enumerators)
      if (e.value == data_.enumeration.value) return e.name;
    return {};
  }
  // Of an enumeration without a name for its value.
  constexpr std::int64_t enumeration_value() const noexcept { return data_.enumeration.value; }

 private:
  union data {
    struct {
      char const* at;
      std::size_t size;
    } text;
    struct {
      meta::type const* of;
      std::int64_t value;
    } enumeration;
    std::int64_t integer;
    std::uint64_t natural;
    double number;
    uuid const* id;
  };
  data data_{.integer = 0};
  kind kind_ = kind::null;
};

struct field {
  std::string_view key;  // snake_case; a name that is on the journal's list of secrets has its value masked
  log::value value;
};

}  // namespace slipway::log
