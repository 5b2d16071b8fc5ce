// A described type as one constexpr table: its kind, its members with their names, accessors, rules and flags.
// JSON in and out, validation, OpenAPI, SQL mapping, configuration and forms are ordinary functions that walk the
// table; nothing else is instantiated for a type.
//
//   struct sign_up { std::string email; secret<std::string> password; };
//   BOOST_DESCRIBE_STRUCT(sign_up, (), (email, password))
//   template <> inline constexpr auto slipway::rules_of<sign_up> =
//       rules(field(&sign_up::email).email().max_length(254), field(&sign_up::password).min_length(12));
//
//   meta::type const& table = meta::describe<sign_up>;
#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/core/id.hpp>
#include <slipway/core/page.hpp>
#include <slipway/core/secret.hpp>
#include <slipway/meta/change.hpp>
#include <slipway/meta/rules.hpp>

#include <boost/describe.hpp>
#include <boost/mp11.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace slipway::meta {

enum class kind : std::uint8_t {
  boolean,
  integer,      // size 1, 2, 4 or 8; is_signed
  number,       // double or float, by size
  text,         // std::string: UTF-8
  secret_text,  // secret<std::string>: read, never written
  enumeration,  // by name; enumerators
  uuid,         // uuid or id_of<T>: both are 16 bytes
  time,         // time_point: RFC 3339
  duration,     // std::chrono::milliseconds: "250ms"
  scalar,       // a type of its own that is one text: dates, decimals (scalars.hpp)
  dynamic,      // json::value (lib/json)
  optional,     // std::optional<element>: null when empty
  change,       // change<element>: absent when empty
  list,         // std::vector<element>
  map,          // std::map<std::string, element>
  variant,      // std::variant of described structs, told apart by a discriminator
  object,       // a described struct
};

struct type;

// A member's name as it stands in JSON before its value: quotes around it and a colon. Zeros follow up to a multiple
// of `step`, so that it can be compared and copied in steps.
struct label {
  static constexpr std::size_t step = 16;

  char const* text;
  std::size_t size;  // without the zeros
};

struct member {
  std::string_view name;
  type const* of;
  void* (*at)(void* object) noexcept;
  attributes const* about;  // never null
  meta::label label;

  void const* at_const(void const* object) const noexcept { return at(const_cast<void*>(object)); }
};

struct enumerator {
  std::string_view name;
  std::int64_t value;
};

struct optional_operations {
  void* (*get)(void* optional) noexcept;  // null when empty
  void* (*emplace)(void* optional);       // a default value, in place
  void (*reset)(void* optional) noexcept;
};

struct list_operations {
  std::size_t (*size)(void const* list) noexcept;
  void* (*at)(void* list, std::size_t index) noexcept;
  void* (*append)(void* list);
  void (*clear)(void* list) noexcept;
  void (*reserve)(void* list, std::size_t size);
};

struct map_operations {
  std::size_t (*size)(void const* map) noexcept;
  void* (*insert)(void* map, std::string_view key);  // the value at the key, made if absent
  void (*each)(void const* map, void* state, void (*visit)(void* state, std::string_view key, void const* value));
  void (*clear)(void* map) noexcept;
};

struct variant_operations {
  std::string_view discriminator;             // the member that says which
  std::span<type const* const> alternatives;  // named by type::name
  std::size_t (*index)(void const* variant) noexcept;
  void* (*get)(void* variant) noexcept;
  void* (*emplace)(void* variant, std::size_t index);
};

// What a database column of a scalar holds.
enum class scalar_column : std::uint8_t {
  text,     // the text
  date,     // days since 1970
  decimal,  // an exact number of `scale` digits after the point; counted in its smallest units
  bytes,    // octets
};

struct scalar_operations {
  std::string_view name{};                                       // of the format, in documents: "date"
  std::string_view expects{};                                    // "a date such as 2026-01-31", for messages
  std::string_view pattern{};                                    // ECMA-262, for documents; may be empty
  bool (*read)(void* value, std::string_view text) = nullptr;    // false: it is no such text, and `value` is as it was
  void (*write)(void const* value, std::string& out) = nullptr;  // appends the text
  scalar_column column = scalar_column::text;
  std::uint8_t scale = 0;
  std::int64_t (*get)(void const* value) noexcept = nullptr;  // of dates and decimals
  void (*set)(void* value, std::int64_t number) noexcept = nullptr;
  std::string& (*octets)(void* value) noexcept = nullptr;  // of bytes
};

struct type {
  kind what;
  std::uint32_t size;
  bool is_signed = false;
  std::string_view name{};  // of structs and enums: without namespaces and template arguments
  std::span<member const> members{};
  std::span<enumerator const> enumerators{};
  type const* element = nullptr;
  optional_operations const* as_optional = nullptr;
  list_operations const* as_list = nullptr;
  map_operations const* as_map = nullptr;
  variant_operations const* as_variant = nullptr;
  scalar_operations const* as_scalar = nullptr;

  member const* find(std::string_view member_name) const noexcept {
    for (auto const& m : members)
      if (m.name == member_name) return &m;
    return nullptr;
  }
};

// Integers and enumerations of any size, as 64 bits.
std::int64_t read_integer(type const& t, void const* at) noexcept;
// The caller has checked the range (`fits`).
inline void write_integer(type const& t, void* at, std::int64_t value) noexcept {
  switch (t.size) {  // little-endian, as every system that this builds on
    case 1: std::memcpy(at, &value, 1); break;
    case 2: std::memcpy(at, &value, 2); break;
    case 4: std::memcpy(at, &value, 4); break;
    default: std::memcpy(at, &value, 8); break;
  }
}
inline bool fits(type const& t, std::int64_t value) noexcept {
  if (t.size == 8) return t.is_signed || value >= 0;
  auto const above = std::int64_t{1} << (t.is_signed ? t.size * 8 - 1 : t.size * 8);
  return value >= (t.is_signed ? -above : 0) && value < above;
}
// The enumerator's name; empty for a value that has none.
std::string_view enumerator_name(type const& t, void const* at) noexcept;

// The member of a std::variant that says which alternative it holds.
template <class Variant>
inline constexpr std::string_view discriminator_of = "type";

template <class T>
consteval std::string_view name_of() {
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find("T = ") + 4);
  text.remove_suffix(text.size() - text.find_first_of(";]"));
  if (auto const open = text.find('<'); open != std::string_view::npos) text = text.substr(0, open);
  if (auto const colon = text.rfind(':'); colon != std::string_view::npos) text.remove_prefix(colon + 1);
  return text;
}

namespace detail {

template <std::size_t NameSize>
consteval auto make_label(std::string_view name) {
  std::array<char, (NameSize + 3 + label::step - 1) / label::step * label::step> text{};
  auto* at = text.data();
  *at++ = '"';
  at = std::copy(name.begin(), name.end(), at);
  *at++ = '"';
  *at = ':';
  return text;
}
template <class Named>  // has a constexpr `name`
inline constexpr auto label_text = make_label<std::string_view{Named::name}.size()>(Named::name);
template <class Named>
inline constexpr label label_of{label_text<Named>.data(), std::string_view{Named::name}.size() + 3};

template <class T>
struct table;  // specialised below for everything that can be described

template <>
struct table<bool> {
  static constexpr type value{.what = kind::boolean, .size = 1};
};
template <std::integral T>
  requires(!std::same_as<T, bool>)
struct table<T> {
  static constexpr type value{.what = kind::integer, .size = sizeof(T), .is_signed = std::is_signed_v<T>};
};
template <std::floating_point T>
struct table<T> {
  static constexpr type value{.what = kind::number, .size = sizeof(T)};
};
template <>
struct table<std::string> {
  static constexpr type value{.what = kind::text, .size = sizeof(std::string)};
};
template <>
struct table<secret<std::string>> {
  static constexpr type value{.what = kind::secret_text, .size = sizeof(secret<std::string>)};
};
template <>
struct table<uuid> {
  static constexpr type value{.what = kind::uuid, .size = sizeof(uuid)};
};
template <class T>
struct table<id_of<T>> {
  static constexpr type value{.what = kind::uuid, .size = sizeof(uuid)};
};
template <>
struct table<time_point> {
  static constexpr type value{.what = kind::time, .size = sizeof(time_point)};
};
template <>
struct table<std::chrono::milliseconds> {
  static constexpr type value{.what = kind::duration, .size = sizeof(std::chrono::milliseconds)};
};

template <class Optional>
inline constexpr optional_operations optional_table{
    .get = [](void* o) noexcept -> void* {
      auto& opt = *static_cast<Optional*>(o);
      return opt.has_value() ? static_cast<void*>(&*opt) : nullptr;
    },
    .emplace = [](void* o) -> void* { return &static_cast<Optional*>(o)->emplace(); },
    .reset = [](void* o) noexcept { static_cast<Optional*>(o)->reset(); },
};
template <class T>
struct table<std::optional<T>> {
  static constexpr type value{.what = kind::optional,
                              .size = sizeof(std::optional<T>),
                              .element = &table<T>::value,
                              .as_optional = &optional_table<std::optional<T>>};
};
template <class T>
struct table<change<T>> {
  static constexpr type value{.what = kind::change,
                              .size = sizeof(change<T>),
                              .element = &table<T>::value,
                              .as_optional = &optional_table<change<T>>};
};

template <class T>
struct table<std::vector<T>> {
  using list = std::vector<T>;
  static constexpr list_operations operations{
      .size = [](void const* l) noexcept { return static_cast<list const*>(l)->size(); },
      .at = [](void* l, std::size_t i) noexcept -> void* { return &(*static_cast<list*>(l))[i]; },
      .append = [](void* l) -> void* { return &static_cast<list*>(l)->emplace_back(); },
      .clear = [](void* l) noexcept { static_cast<list*>(l)->clear(); },
      .reserve = [](void* l, std::size_t n) { static_cast<list*>(l)->reserve(n); },
  };
  static constexpr type value{
      .what = kind::list, .size = sizeof(list), .element = &table<T>::value, .as_list = &operations};
};

template <class T>
struct table<std::map<std::string, T, std::less<>>> {
  using map = std::map<std::string, T, std::less<>>;
  static constexpr map_operations operations{
      .size = [](void const* m) noexcept { return static_cast<map const*>(m)->size(); },
      .insert = [](void* m, std::string_view key) -> void* { return &(*static_cast<map*>(m))[std::string{key}]; },
      .each =
          [](void const* m, void* state, void (*visit)(void*, std::string_view, void const*)) {
            for (auto const& [key, element] : *static_cast<map const*>(m)) visit(state, key, &element);
          },
      .clear = [](void* m) noexcept { static_cast<map*>(m)->clear(); },
  };
  static constexpr type value{
      .what = kind::map, .size = sizeof(map), .element = &table<T>::value, .as_map = &operations};
};

template <class E>
  requires(std::is_enum_v<E> && boost::describe::has_describe_enumerators<E>::value)
struct table<E> {
  template <template <class...> class List, class... D>
  static constexpr std::array<enumerator, sizeof...(D)> make(List<D...>) {
    return {{enumerator{D::name, static_cast<std::int64_t>(D::value)}...}};
  }
  static constexpr auto enumerators = make(boost::describe::describe_enumerators<E>{});
  static constexpr type value{.what = kind::enumeration,
                              .size = sizeof(E),
                              .is_signed = std::is_signed_v<std::underlying_type_t<E>>,
                              .name = name_of<E>(),
                              .enumerators = enumerators};
};

template <class... A>
struct table<std::variant<A...>> {
  using variant = std::variant<A...>;
  static constexpr std::array<type const*, sizeof...(A)> alternatives{&table<A>::value...};
  static constexpr variant_operations operations{
      .discriminator = discriminator_of<variant>,
      .alternatives = alternatives,
      .index = [](void const* v) noexcept { return static_cast<variant const*>(v)->index(); },
      .get = [](void* v) noexcept -> void* {
        return std::visit([](auto& held) -> void* { return &held; }, *static_cast<variant*>(v));
      },
      .emplace = [](void* v, std::size_t index) -> void* {
        return boost::mp11::mp_with_index<sizeof...(A)>(
            index, [v](auto i) -> void* { return &static_cast<variant*>(v)->template emplace<i()>(); });
      },
  };
  static constexpr type value{.what = kind::variant, .size = sizeof(variant), .as_variant = &operations};
};

template <class T>
  requires(boost::describe::has_describe_members<T>::value && !std::is_union_v<T>)
struct table<T> {
  template <class D>
  static constexpr attributes about = attributes_of<T>(D::pointer);
  template <class D>
  static constexpr member make_member() {
    using M = std::remove_cvref_t<decltype(std::declval<T&>().*D::pointer)>;
    return {.name = D::name,
            .of = &table<M>::value,
            .at = [](void* object) noexcept -> void* { return &(static_cast<T*>(object)->*D::pointer); },
            .about = &about<D>,
            .label = label_of<D>};
  }
  template <template <class...> class List, class... D>
  static constexpr std::array<member, sizeof...(D)> make(List<D...>) {
    return {{make_member<D>()...}};
  }
  static constexpr auto members =
      make(boost::describe::describe_members < T, boost::describe::mod_public | boost::describe::mod_inherited > {});
  static constexpr type value{.what = kind::object, .size = sizeof(T), .name = name_of<T>(), .members = members};
};

// On the wire, a page is its items and the cursor of the next one; a page of notes is called "note_page".
template <class T>
struct table<page<T>> {
  static constexpr std::string_view item = table<T>::value.name;
  static constexpr std::string_view suffix = item.empty() ? "page" : "_page";
  static constexpr auto name = [] {
    std::array<char, item.size() + suffix.size()> text{};
    std::copy(suffix.begin(), suffix.end(), std::copy(item.begin(), item.end(), text.begin()));
    return text;
  }();
  struct items {
    static constexpr std::string_view name = "items";
  };
  struct next {
    static constexpr std::string_view name = "next";
  };
  static constexpr attributes plain{};
  static constexpr std::array<member, 2> members{{
      {.name = items::name,
       .of = &table<std::vector<T>>::value,
       .at = [](void* p) noexcept -> void* { return &static_cast<page<T>*>(p)->items; },
       .about = &plain,
       .label = label_of<items>},
      {.name = next::name,
       .of = &table<std::string>::value,
       .at = [](void* p) noexcept -> void* { return &static_cast<page<T>*>(p)->next; },
       .about = &plain,
       .label = label_of<next>},
  }};
  static constexpr type value{.what = kind::object,
                              .size = sizeof(page<T>),
                              .name = std::string_view{name.data(), name.size()},
                              .members = members};
};

}  // namespace detail

template <class T>
concept described = requires { detail::table<T>::value; };

template <class T>
inline constexpr type const& describe = detail::table<T>::value;

// Whether a secret can be reached from the type: then it must not be written.
constexpr bool holds_secret(type const& t) {
  if (t.what == kind::secret_text) return true;
  if (t.element != nullptr && holds_secret(*t.element)) return true;
  for (auto const& m : t.members)
    if (holds_secret(*m.of)) return true;
  if (t.as_variant != nullptr)
    for (auto const* a : t.as_variant->alternatives)
      if (holds_secret(*a)) return true;
  return false;
}

}  // namespace slipway::meta
