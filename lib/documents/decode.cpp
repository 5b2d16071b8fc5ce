#include <slipway/core/encoding.hpp>
#include <slipway/core/id.hpp>
#include <slipway/core/secret.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/documents/encoding.hpp>
#include <slipway/json/value.hpp>

#include <chrono>
#include <cmath>

namespace slipway::documents {
namespace {

// Where the decoder stands, as a chain on the stack: it becomes text when there is something to say.
struct place {
  place const* parent = nullptr;
  std::string_view name;
};

std::string text_of(place const& where) {
  if (where.parent == nullptr) return std::string{where.name};
  auto const before = text_of(*where.parent);
  return before.empty() ? std::string{where.name} : before + "." + std::string{where.name};
}

[[noreturn]] void refuse(place const& where, std::string_view wanted) {
  throw db::value_error{"a stored document has at '" + text_of(where) + "' what is not " + std::string{wanted}};
}

json::value dynamic(node const& from) {
  switch (from.kind) {
    case node_kind::null: return nullptr;
    case node_kind::boolean: return from.integer != 0;
    case node_kind::integer: return from.integer;
    case node_kind::number: return from.number;
    case node_kind::text: return boost::json::string{from.text};
    case node_kind::uuid: return boost::json::string{uuid{from.uuid}.text()};
    case node_kind::bytes: return boost::json::string{base64(as_byte_span(from.text))};
    case node_kind::list: {
      boost::json::array out;
      for (auto const& each : from.items) out.push_back(dynamic(each));
      return out;
    }
    case node_kind::object: {
      boost::json::object out;
      for (auto const& [key, value] : from.members) out.emplace(key, dynamic(value));
      return out;
    }
  }
  return nullptr;
}

std::int64_t integer_of(node const& from, place const& where) {
  if (from.kind == node_kind::integer) return from.integer;
  // A number without a fraction, as a shell of the database writes it.
  if (from.kind == node_kind::number && std::trunc(from.number) == from.number && std::abs(from.number) < 9e18)
    return static_cast<std::int64_t>(from.number);
  refuse(where, "an integer");
}

double number_of(node const& from, place const& where) {
  if (from.kind == node_kind::number) return from.number;
  if (from.kind == node_kind::integer) return static_cast<double>(from.integer);
  refuse(where, "a number");
}

std::string const& text_in(node const& from, place const& where) {
  if (from.kind != node_kind::text) refuse(where, "text");
  return from.text;
}

void take_enumeration(meta::type const& t, void* value, node const& from, place const& where) {
  auto const& name = text_in(from, where);
  for (auto const& each : t.enumerators)
    if (each.name == name) return meta::write_integer(t, value, each.value);
  refuse(where, "a name of " + std::string{t.name});
}

uuid uuid_of(node const& from, place const& where) {
  if (from.kind == node_kind::uuid) return uuid{from.uuid};
  auto const parsed = from.kind == node_kind::text ? uuid::parse(from.text) : std::nullopt;
  if (!parsed) refuse(where, "a UUID");
  return *parsed;
}

void take_scalar(meta::scalar_operations const& is, void* value, node const& from, place const& where) {
  switch (is.column) {
    case meta::scalar_column::decimal: return is.set(value, integer_of(from, where));
    case meta::scalar_column::bytes:
      if (from.kind == node_kind::bytes) {
        is.octets(value) = from.text;
        return;
      }
      break;
    case meta::scalar_column::date:
    case meta::scalar_column::text: break;
  }
  if (!is.read(value, text_in(from, where))) refuse(where, is.expects);
}

void take(meta::type const& t, void* value, node const& from, place const& where) {
  switch (t.what) {
    case meta::kind::boolean:
      if (from.kind != node_kind::boolean) refuse(where, "a boolean");
      *static_cast<bool*>(value) = from.integer != 0;
      return;
    case meta::kind::integer: {
      auto const number = integer_of(from, where);
      if (!meta::fits(t, number)) refuse(where, "an integer of its range");
      return meta::write_integer(t, value, number);
    }
    case meta::kind::number:
      if (t.size == sizeof(float))
        *static_cast<float*>(value) = static_cast<float>(number_of(from, where));
      else
        *static_cast<double*>(value) = number_of(from, where);
      return;
    case meta::kind::text: *static_cast<std::string*>(value) = text_in(from, where); return;
    case meta::kind::secret_text:
      *static_cast<secret<std::string>*>(value) = secret<std::string>{text_in(from, where)};
      return;
    case meta::kind::enumeration: return take_enumeration(t, value, from, where);
    case meta::kind::uuid: *static_cast<uuid*>(value) = uuid_of(from, where); return;
    case meta::kind::time:
      *static_cast<time_point*>(value) = time_point{std::chrono::microseconds{integer_of(from, where)}};
      return;
    case meta::kind::duration:
      *static_cast<std::chrono::milliseconds*>(value) = std::chrono::milliseconds{integer_of(from, where)};
      return;
    case meta::kind::scalar: return take_scalar(*t.as_scalar, value, from, where);
    case meta::kind::dynamic: *static_cast<json::value*>(value) = dynamic(from); return;
    case meta::kind::optional:
    case meta::kind::change:
      if (from.is_null()) return t.as_optional->reset(value);
      return take(*t.element, t.as_optional->emplace(value), from, where);
    case meta::kind::list:
      if (from.kind != node_kind::list) refuse(where, "a list");
      t.as_list->clear(value);
      t.as_list->reserve(value, from.items.size());
      for (auto const& each : from.items) take(*t.element, t.as_list->append(value), each, {&where, "[]"});
      return;
    case meta::kind::map:
      if (from.kind != node_kind::object) refuse(where, "an object");
      t.as_map->clear(value);
      for (auto const& [key, each] : from.members) take(*t.element, t.as_map->insert(value, key), each, {&where, key});
      return;
    case meta::kind::variant: {
      auto const* which = from.find(t.as_variant->discriminator);
      for (std::size_t i = 0; which != nullptr && i < t.as_variant->alternatives.size(); ++i)
        if (t.as_variant->alternatives[i]->name == which->text)
          return take(*t.as_variant->alternatives[i], t.as_variant->emplace(value, i), from, where);
      refuse(where, "one of its alternatives");
    }
    case meta::kind::object:
      if (from.kind != node_kind::object) refuse(where, "an object");
      for (auto const& m : t.members)
        if (auto const* found = from.find(m.name);
            found != nullptr &&
            (!found->is_null() || m.of->as_optional != nullptr || m.of->what == meta::kind::dynamic))
          take(*m.of, m.at(value), *found, {&where, m.name});
      return;
  }
}

}  // namespace

void decode(meta::type const& type, void* value, node const& from) { take(type, value, from, {nullptr, ""}); }

}  // namespace slipway::documents
