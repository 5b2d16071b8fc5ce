#include <slipway/db/dialect.hpp>

namespace slipway::db::words {

std::string_view array_type(meta::type const& element) noexcept {
  switch (element.what) {
    case meta::kind::boolean: return "boolean";
    case meta::kind::integer:
    case meta::kind::duration: return "bigint";
    case meta::kind::number: return "double precision";
    case meta::kind::uuid: return "uuid";
    case meta::kind::time: return "timestamptz";
    default: return "text";
  }
}

// Each step of the path is a letter that says what it is, and then a name with its length or the number of an element.
std::string json_place(dialect engine, std::string_view path) {
  auto const in_braces = engine == dialect::postgres;
  std::string out{in_braces ? "'{" : "'$"};
  while (!path.empty()) {
    auto const is_name = path.front() == 'n';
    auto const low = static_cast<std::uint8_t>(path[1]);
    auto const end = is_name ? 2u + low : 3u;
    if (is_name)
      out.append(in_braces ? "\"" : ".\"").append(path.substr(2, low)).append("\"");
    else
      out.append(in_braces ? "" : "[")
          .append(std::to_string(low | static_cast<unsigned>(static_cast<std::uint8_t>(path[2])) << 8))
          .append(in_braces ? "" : "]");
    path.remove_prefix(end);
    if (in_braces && !path.empty()) out += ',';
  }
  return out.append(in_braces ? "}'" : "'");
}

}  // namespace slipway::db::words
