// Parameters of a statement, by type. There is no other way to bring a value into SQL.
#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/core/frame_pool.hpp>
#include <slipway/core/id.hpp>
#include <slipway/core/secret.hpp>
#include <slipway/meta/description.hpp>

#include <chrono>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace slipway::db {

// How types meet columns:
//                       PostgreSQL            SQLite
//   bool                boolean               INTEGER 0 or 1
//   integers, durations bigint or smaller     INTEGER (durations in milliseconds)
//   double, float       double precision      REAL
//   std::string, enums  text                  TEXT (enums by name)
//   uuid, id_of<T>      uuid                  BLOB of 16 bytes: half the index of the text form
//   time_point          timestamptz           INTEGER, microseconds since 1970
//   lists, structs, json::value   jsonb       TEXT
//   bytes               bytea                 BLOB
//   decimal<S>          numeric(p, S)         INTEGER, the smallest units     MySQL: decimal(p, S)
//   year_month_day      date                  TEXT, 2026-01-31                MySQL: date
enum class value_kind : std::uint8_t { none, boolean, integer, number, text, bytes, uuid, time, json, decimal, date };

// Octets as they are; std::string alone is text. In JSON: base64.
struct bytes {
  std::string data;
  friend bool operator==(bytes const&, bytes const&) = default;
};
// A document as text, for statements written by hand.
struct json_text {
  std::string text;
};

class value {
 public:
  value() noexcept = default;
  value(std::nullptr_t) noexcept {}
  value(std::nullopt_t) noexcept {}
  // A null that says the type of its column; what the query builder passes.
  static value null(value_kind kind) noexcept {
    value v;
    v.kind_ = kind;
    return v;
  }

  template <std::same_as<bool> B>
  value(B b) noexcept : kind_{value_kind::boolean}, null_{false}, integer_{b} {}
  // Throws value_error for an unsigned number above the largest signed one: no engine here can hold it.
  template <std::integral I>
    requires(!std::same_as<I, bool>)
  value(I i) : kind_{value_kind::integer}, null_{false}, integer_{static_cast<std::int64_t>(i)} {
    if constexpr (std::is_unsigned_v<I> && sizeof(I) == 8)
      if (integer_ < 0) refuse_unsigned();
  }
  value(double d) noexcept : kind_{value_kind::number}, null_{false} { number_ = d; }
  value(std::string text) noexcept : kind_{value_kind::text}, null_{false}, text_{std::move(text)} {}
  value(std::string_view text) : kind_{value_kind::text}, null_{false}, text_{text} {}
  value(char const* text) : value{std::string_view{text}} {}
  value(secret<std::string> const& text) : value{text.reveal()} {}
  value(bytes b) noexcept : kind_{value_kind::bytes}, null_{false}, text_{std::move(b.data)} {}
  value(json_text j) noexcept : kind_{value_kind::json}, null_{false}, text_{std::move(j.text)} {}
  value(slipway::uuid const& id) noexcept : kind_{value_kind::uuid}, null_{false} { uuid_ = id; }
  template <class T>
  value(id_of<T> const& id) noexcept : value{id.value} {}
  value(time_point t) noexcept : kind_{value_kind::time}, null_{false}, integer_{t.time_since_epoch().count()} {}
  value(std::chrono::milliseconds d) noexcept : kind_{value_kind::integer}, null_{false}, integer_{d.count()} {}
  // Anything else that is described: enumerations by name, lists and structs as JSON.
  template <class T>
    requires(meta::described<T> && (std::is_enum_v<T> || !std::is_convertible_v<T, std::string_view>) &&
             !std::is_arithmetic_v<T> && !std::same_as<T, std::string> && !std::same_as<T, secret<std::string>> &&
             !std::same_as<T, uuid> && !std::same_as<T, time_point> && !std::same_as<T, std::chrono::milliseconds> &&
             !std::same_as<T, bytes>)
  value(T const& described) : value{of(meta::describe<T>, &described)} {}

  // Octets as one engine's driver wants them, for a parameter whose type the statement says by a cast. Not for
  // applications.
  static value raw(std::string octets) noexcept {
    value v;
    v.null_ = false;
    v.text_ = std::move(octets);
    return v;
  }

  // The member of a row that has this description. Throws value_error when it cannot be stored.
  static value of(meta::type const& type, void const* at);
  // As a column of this type holds it: a document's value of a page's cursor, for example.
  static value of_number(meta::type const& type, std::int64_t number);

  value_kind kind() const noexcept { return kind_; }
  bool is_null() const noexcept { return null_; }
  bool boolean() const noexcept { return integer_ != 0; }
  // Also of times: microseconds since 1970; of dates: days since 1970; of decimals: the smallest units.
  std::int64_t integer() const noexcept { return integer_; }
  double number() const noexcept { return number_; }
  slipway::uuid const& id() const noexcept { return uuid_; }
  std::string const& text() const noexcept { return text_; }  // also bytes, json, raw, dates and decimals in digits

 private:
  [[noreturn]] static void refuse_unsigned();

  value_kind kind_ = value_kind::none;
  bool null_ = true;
  union {
    std::int64_t integer_ = 0;
    double number_;
    slipway::uuid uuid_;
  };
  std::string text_;
};

// The kind of column that holds a member of this type.
constexpr value_kind kind_of(meta::type const& type) noexcept {
  switch (type.what) {
    case meta::kind::boolean: return value_kind::boolean;
    case meta::kind::integer:
    case meta::kind::duration: return value_kind::integer;
    case meta::kind::number: return value_kind::number;
    case meta::kind::text:
    case meta::kind::secret_text:
    case meta::kind::enumeration: return value_kind::text;
    case meta::kind::uuid: return value_kind::uuid;
    case meta::kind::time: return value_kind::time;
    case meta::kind::scalar:
      switch (type.as_scalar->column) {
        case meta::scalar_column::text: return value_kind::text;
        case meta::scalar_column::date: return value_kind::date;
        case meta::scalar_column::decimal: return value_kind::decimal;
        case meta::scalar_column::bytes: return value_kind::bytes;
      }
      return value_kind::text;
    case meta::kind::optional:
    case meta::kind::change: return kind_of(*type.element);
    case meta::kind::dynamic:
    case meta::kind::list:
    case meta::kind::map:
    case meta::kind::variant:
    case meta::kind::object: return value_kind::json;
  }
  return value_kind::none;
}

namespace detail {

// Lists of one statement come and go with it: their memory is recycled like coroutine frames.
template <class T>
struct pooled_allocator {
  using value_type = T;
  pooled_allocator() noexcept = default;
  template <class U>
  pooled_allocator(pooled_allocator<U> const&) noexcept {}
  T* allocate(std::size_t n) { return static_cast<T*>(slipway::detail::frame_pool::allocate(n * sizeof(T))); }
  void deallocate(T* at, std::size_t n) noexcept { slipway::detail::frame_pool::release(at, n * sizeof(T)); }
  friend bool operator==(pooled_allocator, pooled_allocator) noexcept { return true; }
};

}  // namespace detail

namespace detail {

// Base64 (RFC 4648, section 4).
bool read_bytes(void* value, std::string_view text);
void write_bytes(void const* value, std::string& out);

}  // namespace detail

// In the order of their placeholders: the first is $1.
class values : public std::vector<value, detail::pooled_allocator<value>> {
 public:
  using std::vector<value, detail::pooled_allocator<value>>::vector;
  values(std::initializer_list<value> list) : vector(list) {}
};

}  // namespace slipway::db

template <>
struct slipway::meta::detail::table<slipway::db::bytes> {
  static constexpr scalar_operations operations{
      .name = "byte",
      .expects = "base64",
      .read = slipway::db::detail::read_bytes,
      .write = slipway::db::detail::write_bytes,
      .column = scalar_column::bytes,
      .octets = [](void* at) noexcept -> std::string& { return static_cast<slipway::db::bytes*>(at)->data; },
  };
  static constexpr type value{
      .what = kind::scalar, .size = sizeof(slipway::db::bytes), .name = "bytes", .as_scalar = &operations};
};
