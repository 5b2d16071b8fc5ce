#include <slipway/s3/settings.hpp>

#include <algorithm>

namespace slipway::s3 {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_lower(char c) noexcept { return c >= 'a' && c <= 'z'; }
bool is_letter(char c) noexcept { return is_lower(c) || (c >= 'A' && c <= 'Z'); }

bool is_bucket(std::string_view name) noexcept {
  auto const inside = [](char c) { return is_lower(c) || is_digit(c) || c == '-' || c == '.'; };
  auto const edge = [](char c) { return is_lower(c) || is_digit(c); };
  return name.size() >= 3 && name.size() <= 63 && std::ranges::all_of(name, inside) && edge(name.front()) &&
         edge(name.back()) && name.find("..") == std::string_view::npos;
}

// A store would keep "a//b" and "a/../b" as they are, and what is between would take them for something else.
bool is_segment(std::string_view text) noexcept {
  auto const good = [](char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '_' || c == '-'; };
  return !text.empty() && text != "." && text != ".." && std::ranges::all_of(text, good);
}

}  // namespace

std::optional<location> parse_location(std::string_view text) {
  constexpr std::string_view scheme = "s3://";
  if (!text.starts_with(scheme) || text.size() > 512) return std::nullopt;
  text.remove_prefix(scheme.size());
  auto const slash = text.find('/');
  location out{.bucket = std::string{text.substr(0, slash)}, .prefix = {}};
  if (!is_bucket(out.bucket)) return std::nullopt;
  auto rest = slash == std::string_view::npos ? std::string_view{} : text.substr(slash + 1);
  if (rest.ends_with('/')) rest.remove_suffix(1);
  while (!rest.empty()) {
    auto const end = rest.find('/');
    auto const segment = rest.substr(0, end);
    if (!is_segment(segment) || end + 1 == rest.size()) return std::nullopt;
    out.prefix += std::string{segment} + "/";
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  }
  return out;
}

bool is_location(std::string_view text) { return parse_location(text).has_value(); }

bool is_endpoint(std::string_view text) {
  auto rest = text.starts_with("https://")  ? text.substr(8)
              : text.starts_with("http://") ? text.substr(7)
                                            : std::string_view{};
  auto const colon = rest.find(':');
  if (colon != std::string_view::npos) {
    auto const port = rest.substr(colon + 1);
    if (port.empty() || port.size() > 5 || !std::ranges::all_of(port, is_digit)) return false;
    rest = rest.substr(0, colon);
  }
  return !rest.empty() && rest.size() <= 253 && !rest.starts_with('-') && !rest.starts_with('.') &&
         std::ranges::all_of(rest, [](char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '-'; });
}

bool is_region(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         std::ranges::all_of(text, [](char c) { return is_lower(c) || is_digit(c) || c == '-'; });
}

}  // namespace slipway::s3
