#include <slipway/json/path.hpp>
#include <slipway/json/text.hpp>

namespace slipway::json {
namespace {

constexpr std::size_t max_name = 64;
constexpr std::size_t max_pointer = 1024;

void append_name(std::string& out, std::string_view name) {
  auto const cut = name.size() > max_name;
  if (cut) {
    name = name.substr(0, max_name);
    while (!name.empty() && (static_cast<unsigned char>(name.back()) & 0xc0) == 0x80) name.remove_suffix(1);
    if (!name.empty() && static_cast<unsigned char>(name.back()) >= 0xc0) name.remove_suffix(1);
  }
  for (auto c : name) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  if (cut) out += "...";
}

void append(std::string& out, place const& where) {
  if (where.parent != nullptr) append(out, *where.parent);
  if (where.index == place::is_prefix) {
    out += where.name;
  } else if (out.size() < max_pointer) {
    out += '/';
    if (where.index == place::no_index)
      append_name(out, where.name);
    else
      out += std::to_string(where.index);
  }
}

}  // namespace

std::string pointer_to(place const& where) {
  std::string out;
  append(out, where);
  return out;
}

}  // namespace slipway::json
