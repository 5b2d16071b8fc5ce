#include <slipway/auth/members.hpp>

#include <simdjson.h>

#include <algorithm>

namespace slipway::auth {
namespace {

namespace dom = simdjson::dom;
constexpr std::size_t max_depth = 16;
constexpr std::size_t max_json_bytes = std::size_t{1} << 20;

// False when a name repeats in the object or in any object within the value.
bool names_are_unique(dom::element const& value) {
  if (dom::array list; value.get(list) == simdjson::SUCCESS) {
    for (auto const& each : list)
      if (!names_are_unique(each)) return false;
  } else if (dom::object object; value.get(object) == simdjson::SUCCESS) {
    std::vector<std::string_view> names;
    for (auto const& [name, each] : object) {
      names.push_back(name);
      if (!names_are_unique(each)) return false;
    }
    std::ranges::sort(names);
    return std::ranges::adjacent_find(names) == names.end();
  }
  return true;
}

json_value read(dom::element const& from, std::string_view name) {
  json_value out{.name = std::string{name}, .json = simdjson::minify(from)};
  switch (from.type()) {
    case dom::element_type::NULL_VALUE: out.what = json_kind::null; break;
    case dom::element_type::BOOL: out.what = json_kind::boolean; break;
    case dom::element_type::INT64:
      out.what = json_kind::integer;
      out.integer = from.get_int64().value_unsafe();
      out.number = static_cast<double>(out.integer);
      break;
    case dom::element_type::UINT64:  // beyond 63 bits: nothing that we read is so large
      out.what = json_kind::number;
      out.number = static_cast<double>(from.get_uint64().value_unsafe());
      break;
    case dom::element_type::DOUBLE:
      out.what = json_kind::number;
      out.number = from.get_double().value_unsafe();
      break;
    case dom::element_type::STRING:
      out.what = json_kind::text;
      out.text = from.get_string().value_unsafe();
      break;
    case dom::element_type::ARRAY:
      out.what = json_kind::list;
      for (auto const& each : from.get_array().value_unsafe()) out.children.push_back(read(each, {}));
      break;
    case dom::element_type::OBJECT: out.what = json_kind::object; break;
  }
  return out;
}

// The parser owns the document, so both are made together.
bool parse(dom::parser& parser, std::string_view json, dom::element& out) {
  if (json.empty() || json.size() > max_json_bytes) return false;
  if (parser.allocate(json.size(), max_depth) != simdjson::SUCCESS) return false;
  if (parser.parse(json.data(), json.size(), true).get(out) != simdjson::SUCCESS) return false;
  return names_are_unique(out);
}

}  // namespace

std::optional<json_members> read_members(std::string_view json) {
  dom::parser parser;
  dom::element root;
  dom::object object;
  if (!parse(parser, json, root) || root.get(object) != simdjson::SUCCESS) return std::nullopt;
  std::vector<json_value> all;
  for (auto const& [name, value] : object) all.push_back(read(value, name));
  return json_members{std::move(all)};
}

bool is_json(std::string_view json) {
  dom::parser parser;
  dom::element root;
  return parse(parser, json, root);
}

void append_quoted(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += '"';
  for (char c : text) {
    auto const byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += digits[byte >> 4];
      out += digits[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace slipway::auth
