#include <slipway/core/id.hpp>
#include <slipway/core/secret.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/documents/encoding.hpp>
#include <slipway/json/scalar.hpp>
#include <slipway/json/value.hpp>

#include <chrono>
#include <cmath>

namespace slipway::documents {
namespace {

constexpr int max_depth = 32;

[[noreturn]] void refuse(std::string const& what) { throw db::input_error{"a document cannot hold " + what}; }

node text_node(std::string_view text) {
  if (!json::is_utf8(text) || text.find('\0') != std::string_view::npos) refuse("text that is not UTF-8 or has a NUL");
  return node::of(text);
}

node number_node(double value) {
  if (!std::isfinite(value)) refuse("NaN or infinity");
  return node::of(value);
}

std::string key_of(std::string_view key) {
  if (key.empty() || key.front() == '$' || key.find('.') != std::string_view::npos)
    refuse("the key '" + std::string{key.substr(0, 64)} + "': it must not be empty, begin with $ or have a dot");
  return text_node(key).text;
}

node dynamic(json::value const& value, int depth) {
  if (depth > max_depth) refuse("more than 32 levels");
  switch (value.kind()) {
    case boost::json::kind::null: return {};
    case boost::json::kind::bool_: return node::of(value.get_bool());
    case boost::json::kind::int64: return node::of(std::int64_t{value.get_int64()});
    case boost::json::kind::uint64:
      if (value.get_uint64() > static_cast<std::uint64_t>(INT64_MAX)) refuse("an integer beyond 64 bits with a sign");
      return node::of(static_cast<std::int64_t>(value.get_uint64()));
    case boost::json::kind::double_: return number_node(value.get_double());
    case boost::json::kind::string: return text_node(value.get_string());
    case boost::json::kind::array: {
      auto out = node::list();
      for (auto const& each : value.get_array()) out.items.push_back(dynamic(each, depth + 1));
      return out;
    }
    case boost::json::kind::object: {
      auto out = node::object();
      for (auto const& each : value.get_object()) out.add(key_of(each.key()), dynamic(each.value(), depth + 1));
      return out;
    }
  }
  return {};
}

node scalar(meta::scalar_operations const& is, void const* value) {
  switch (is.column) {
    case meta::scalar_column::decimal: return node::of(is.get(value));
    case meta::scalar_column::bytes: {
      node out{.kind = node_kind::bytes};
      out.text = is.octets(const_cast<void*>(value));
      return out;
    }
    case meta::scalar_column::date:
      if (is.get(value) == INT64_MIN) refuse("a day that is not in the calendar");
      break;
    case meta::scalar_column::text: break;
  }
  std::string text;
  is.write(value, text);
  return text_node(text);
}

node put(meta::type const& t, void const* value, int depth);

node members_of(meta::type const& t, void const* value, int depth) {
  auto out = node::object();
  for (auto const& m : t.members) {
    auto const* at = m.at_const(value);
    auto const may_be_empty = m.of->what == meta::kind::optional || m.of->what == meta::kind::change;
    if (may_be_empty && m.of->as_optional->get(const_cast<void*>(at)) == nullptr) continue;
    out.add(std::string{m.name}, put(*m.of, at, depth + 1));
  }
  return out;
}

node put(meta::type const& t, void const* value, int depth) {
  if (depth > max_depth) refuse("more than 32 levels");
  auto* const at = const_cast<void*>(value);  // the table's accessors serve both directions
  switch (t.what) {
    case meta::kind::boolean: return node::of(*static_cast<bool const*>(value));
    case meta::kind::integer: {
      auto const number = meta::read_integer(t, value);
      if (!t.is_signed && t.size == 8 && number < 0) refuse("an integer beyond 64 bits with a sign");
      return node::of(number);
    }
    case meta::kind::number:
      return number_node(t.size == sizeof(float) ? static_cast<double>(*static_cast<float const*>(value))
                                                 : *static_cast<double const*>(value));
    case meta::kind::text: return text_node(*static_cast<std::string const*>(value));
    case meta::kind::secret_text: return text_node(static_cast<secret<std::string> const*>(value)->reveal());
    case meta::kind::enumeration: {
      auto const name = meta::enumerator_name(t, value);
      if (name.empty()) refuse("a value of " + std::string{t.name} + " that has no name");
      return node::of(name);
    }
    case meta::kind::uuid: return node::of(static_cast<uuid const*>(value)->bytes);
    case meta::kind::time:
      return node::of(std::int64_t{static_cast<time_point const*>(value)->time_since_epoch().count()});
    case meta::kind::duration:
      return node::of(std::int64_t{static_cast<std::chrono::milliseconds const*>(value)->count()});
    case meta::kind::scalar: return scalar(*t.as_scalar, value);
    case meta::kind::dynamic: return dynamic(*static_cast<json::value const*>(value), depth);
    case meta::kind::optional:
    case meta::kind::change: {
      auto const* inner = t.as_optional->get(at);
      return inner != nullptr ? put(*t.element, inner, depth) : node{};
    }
    case meta::kind::list: {
      auto out = node::list();
      for (std::size_t i = 0, n = t.as_list->size(value); i < n; ++i)
        out.items.push_back(put(*t.element, t.as_list->at(at, i), depth + 1));
      return out;
    }
    case meta::kind::map: {
      struct state {
        node out = node::object();
        meta::type const* of;
        int depth;
      } s{.of = t.element, .depth = depth};
      t.as_map->each(value, &s, [](void* to, std::string_view key, void const* each) {
        auto& into = *static_cast<state*>(to);
        into.out.add(key_of(key), put(*into.of, each, into.depth + 1));
      });
      return std::move(s.out);
    }
    case meta::kind::variant: {
      auto const& held = *t.as_variant->alternatives[t.as_variant->index(value)];
      auto out = node::object();
      out.add(std::string{t.as_variant->discriminator}, node::of(held.name));
      auto inside = members_of(held, t.as_variant->get(at), depth);
      for (auto& each : inside.members) out.members.push_back(std::move(each));
      return out;
    }
    case meta::kind::object: return members_of(t, value, depth);
  }
  return {};
}

}  // namespace

node encode(meta::type const& type, void const* value) { return put(type, value, 0); }

}  // namespace slipway::documents
