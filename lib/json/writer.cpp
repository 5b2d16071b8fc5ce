#include <slipway/core/time.hpp>
#include <slipway/json/text.hpp>
#include <slipway/json/writer.hpp>

#include <cstring>
#include <string>

namespace slipway::json {
namespace {

using meta::kind;
using nodes = std::vector<selection::node>;
using detail::scalar_room;

char* put_value(buffer& out, char* at, meta::type const& t, void const* value, nodes const* only);

template <class T>
T const& as(void const* value) noexcept {
  return *static_cast<T const*>(value);
}

// Needs scalar_room.
char* put_integer(char* at, meta::type const& t, void const* value) noexcept {
  if (t.size < 8) return detail::put_signed(at, meta::read_integer(t, value));
  constexpr auto exact = static_cast<std::uint64_t>(max_exact_integer);
  auto const v = meta::read_integer(t, value);
  auto const quoted =
      t.is_signed ? static_cast<std::uint64_t>(v) + exact > 2 * exact : static_cast<std::uint64_t>(v) > exact;
  if (quoted) *at++ = '"';
  at = t.is_signed ? detail::put_signed(at, v) : detail::put_unsigned(at, static_cast<std::uint64_t>(v));
  if (quoted) *at++ = '"';
  return at;
}

char* put_quoted(char* at, std::string_view plain) noexcept {
  *at++ = '"';
  at = detail::put_name(at, plain.data(), plain.size());
  *at++ = '"';
  return at;
}

char* put_enumerator(buffer& out, char* at, meta::type const& t, void const* value) {
  auto const name = meta::enumerator_name(t, value);
  if (name.empty()) [[unlikely]]
    throw write_error{"a value of the enumeration " + std::string{t.name} + " has no name"};
  return put_quoted(out.room(at, name.size() + scalar_room), name);
}

char* put_list(buffer& out, char* at, meta::type const& t, void const* list, nodes const* only) {
  at = out.room(at, scalar_room);
  auto separator = '[';
  auto const size = t.as_list->size(list);
  for (std::size_t i = 0; i < size; ++i) {
    *at++ = separator;
    separator = ',';
    at = out.room(put_value(out, at, *t.element, t.as_list->at(const_cast<void*>(list), i), only), scalar_room);
  }
  if (size == 0) *at++ = '[';
  *at++ = ']';
  return at;
}

char* put_map(buffer& out, char* at, meta::type const& t, void const* map, nodes const* only) {
  struct state {
    buffer& out;
    char* at;
    meta::type const& of;
    nodes const* only;
    bool first = true;
  } s{out, out.room(at, scalar_room), *t.element, only};
  *s.at++ = '{';
  t.as_map->each(map, &s, [](void* opaque, std::string_view key, void const* value) {
    auto& me = *static_cast<state*>(opaque);
    if (!me.first) *me.at++ = ',';
    me.first = false;
    me.at = me.out.room(detail::put_text(me.out, me.at, key), scalar_room);
    *me.at++ = ':';
    me.at = me.out.room(put_value(me.out, me.at, me.of, value, me.only), scalar_room);
  });
  *s.at++ = '}';
  return s.at;
}

// `separator` is what comes before the next member: the opening bracket, or a comma.
char* put_members(buffer& out, char* at, meta::type const& t, void const* object, nodes const* only, char separator) {
  for (auto const& m : t.members) {
    if (m.about->write_only) continue;
    nodes const* inside = nullptr;
    if (only != nullptr) {
      selection::node const* chosen = nullptr;
      for (auto const& n : *only)
        if (n.of == &m) chosen = &n;
      if (chosen == nullptr) continue;
      if (!chosen->inside.empty()) inside = &chosen->inside;
    }
    void const* value = m.at_const(object);
    auto const* of = m.of;
    if (of->what == kind::change) {
      value = of->as_optional->get(const_cast<void*>(value));
      if (value == nullptr) continue;
      of = of->element;
    }
    at = out.room(at, m.label.size + 1 + scalar_room);
    *at++ = separator;
    separator = ',';
    at = detail::put_label(at, m.label);
    // The everyday kinds, without a call in between.
    at = of->what == kind::text      ? detail::put_text(out, at, as<std::string>(value))
         : of->what == kind::integer ? put_integer(at, *of, value)
                                     : put_value(out, at, *of, value, inside);
  }
  at = out.room(at, scalar_room);
  if (separator == '{') *at++ = '{';
  *at++ = '}';
  return at;
}

char* put_variant(buffer& out, char* at, meta::type const& t, void const* value) {
  auto const& operations = *t.as_variant;
  auto const index = operations.index(value);
  if (index >= operations.alternatives.size()) throw write_error{"a variant holds nothing: its assignment failed"};
  auto const& held = *operations.alternatives[index];
  at = out.room(at, operations.discriminator.size() + held.name.size() + scalar_room);
  *at++ = '{';
  at = put_quoted(at, operations.discriminator);
  *at++ = ':';
  at = put_quoted(at, held.name);
  return put_members(out, at, held, operations.get(const_cast<void*>(value)), nullptr, ',');
}

// Needs scalar_room, and leaves none.
char* put_value(buffer& out, char* at, meta::type const& t, void const* value, nodes const* only) {
  switch (t.what) {
    case kind::boolean:
      if (as<bool>(value)) return static_cast<char*>(std::memcpy(at, "true", 4)) + 4;
      return static_cast<char*>(std::memcpy(at, "false", 5)) + 5;
    case kind::integer: return put_integer(at, t, value);
    case kind::number:
      return t.size == sizeof(float) ? detail::put_number(at, as<float>(value))
                                     : detail::put_number(at, as<double>(value));
    case kind::text: return detail::put_text(out, at, as<std::string>(value));
    case kind::secret_text: throw write_error{"a secret must not be written"};
    case kind::enumeration: return put_enumerator(out, at, t, value);
    case kind::uuid:
      *at++ = '"';
      at = as<uuid>(value).write(at);
      *at++ = '"';
      return at;
    case kind::time:
      *at++ = '"';
      at = write_rfc3339(at, as<time_point>(value));
      *at++ = '"';
      return at;
    case kind::duration: return put_quoted(at, format_duration(as<std::chrono::milliseconds>(value)));
    case kind::scalar: {
      std::string text;
      t.as_scalar->write(value, text);
      return detail::put_text(out, at, text);
    }
    case kind::dynamic: return detail::put_dynamic(out, at, value);
    case kind::optional:
    case kind::change:
      if (auto const* inner = t.as_optional->get(const_cast<void*>(value)))
        return put_value(out, at, *t.element, inner, only);
      return static_cast<char*>(std::memcpy(at, "null", 4)) + 4;
    case kind::list: return put_list(out, at, t, value, only);
    case kind::map: return put_map(out, at, t, value, only);
    case kind::variant: return put_variant(out, at, t, value);
    case kind::object: return put_members(out, at, t, value, only, '{');
  }
  throw write_error{"a type of unknown kind"};
}

// What was written before a throw stays out of the buffer: its end is only moved by the commit.
void write(buffer& out, meta::type const& t, void const* value, nodes const* only) {
  out.commit(put_value(out, out.room(out.open(), scalar_room), t, value, only));
}

}  // namespace

void write_value(buffer& out, meta::type const& t, void const* value) { write(out, t, value, nullptr); }
void write_value(buffer& out, meta::type const& t, void const* value, selection const& only) {
  write(out, t, value, only.all() ? nullptr : &only.nodes());
}

}  // namespace slipway::json
