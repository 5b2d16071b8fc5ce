#include <slipway/json/text.hpp>
#include <slipway/json/value.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>

namespace slipway::json {

namespace {

std::string_view view_of(boost::json::string_view text) noexcept { return {text.data(), text.size()}; }

char* put(buffer& out, char* at, value const& v) {
  at = out.room(at, detail::scalar_room);
  switch (v.kind()) {
    case boost::json::kind::null: return detail::put_name(at, "null", 4);
    case boost::json::kind::bool_:
      return v.get_bool() ? detail::put_name(at, "true", 4) : detail::put_name(at, "false", 5);
    case boost::json::kind::int64: return detail::put_signed(at, v.get_int64());
    case boost::json::kind::uint64: return detail::put_unsigned(at, v.get_uint64());
    case boost::json::kind::double_: return detail::put_number(at, v.get_double());
    case boost::json::kind::string: return detail::put_text(out, at, view_of(v.get_string()));
    case boost::json::kind::array: {
      *at++ = '[';
      auto first = true;
      for (auto const& item : v.get_array()) {
        if (!first) *at++ = ',';
        first = false;
        at = out.room(put(out, at, item), detail::scalar_room);
      }
      *at++ = ']';
      return at;
    }
    case boost::json::kind::object: {
      *at++ = '{';
      auto first = true;
      for (auto const& member : v.get_object()) {
        if (!first) *at++ = ',';
        first = false;
        at = out.room(detail::put_text(out, at, view_of(member.key())), detail::scalar_room);
        *at++ = ':';
        at = out.room(put(out, at, member.value()), detail::scalar_room);
      }
      *at++ = '}';
      return at;
    }
  }
  throw write_error{"a dynamic value of unknown kind"};
}

}  // namespace

char* detail::put_dynamic(buffer& out, char* at, void const* value_at) {
  return put(out, at, *static_cast<value const*>(value_at));
}

result<value> parse(std::string_view text, read_options const& options) { return read<value>(text, options); }

std::string serialize(value const& v) {
  buffer out;
  out.commit(put(out, out.open(), v));
  return out.text();
}

void merge_patch(value& target, value const& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object()) target.emplace_object();
  auto& object = target.get_object();
  for (auto const& member : patch.get_object()) {
    if (member.value().is_null())
      object.erase(member.key());
    else
      merge_patch(object[member.key()], member.value());
  }
}

}  // namespace slipway::json
