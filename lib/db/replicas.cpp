#include <slipway/db/replicas.hpp>

#include <charconv>

namespace slipway::db {

std::string_view to_string(server_part part) noexcept {
  switch (part) {
    case server_part::unreachable: return "unreachable";
    case server_part::primary: return "primary";
    case server_part::replica: return "replica";
    case server_part::behind: return "behind";
    case server_part::stale: return "stale";
    case server_part::foreign: return "foreign";
  }
  return "unreachable";
}

// "1." and the position in hexadecimal: the first part is for what may come after this form.
std::string token_of(std::uint64_t position) {
  if ((position & unknown_write) != 0) return {};
  char text[18] = {'1', '.'};
  auto const end = std::to_chars(text + 2, text + sizeof text, position, 16).ptr;
  return {text, end};
}

std::optional<std::uint64_t> position_of(std::string_view token) noexcept {
  if (!token.starts_with("1.") || token.size() > 18) return {};
  token.remove_prefix(2);
  std::uint64_t position = 0;
  auto const [end, error] = std::from_chars(token.data(), token.data() + token.size(), position, 16);
  if (error != std::errc{} || end != token.data() + token.size() || (position & unknown_write) != 0) return {};
  return position;
}

}  // namespace slipway::db
