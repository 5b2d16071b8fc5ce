#include <slipway/content/cookies.hpp>

#include <slipway/content/fields.hpp>

#include <algorithm>
#include <stdexcept>

namespace slipway::content {
namespace {

constexpr std::size_t most_cookies = 128;
constexpr std::size_t longest_pair = 4096;  // RFC 6265bis, section 5.6: browsers drop longer ones silently
constexpr std::size_t longest_attribute = 1024;
constexpr std::chrono::seconds longest_age{400 * 86'400};

void require(bool holds, char const* rule) {
  if (!holds) throw std::invalid_argument{std::string{"cookie refused: "} + rule};
}

bool is_cookie_value(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) {
    auto const byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte < 0x7f && c != '"' && c != ',' && c != ';' && c != '\\';
  });
}

bool is_attribute_value(std::string_view text) noexcept {
  return text.size() <= longest_attribute &&
         std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f && c != ';'; });
}

bool is_domain(std::string_view text) noexcept {
  if (text.starts_with('.')) text.remove_prefix(1);
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

bool has_prefix(std::string_view name, std::string_view prefix) noexcept {
  return name.size() >= prefix.size() && http::equal_names(name.substr(0, prefix.size()), prefix);
}

void check(cookie const& c) {
  require(is_token(c.name), "the name must be a token");
  require(is_cookie_value(c.value), "the value holds a quote, comma, semicolon, backslash, space or control character");
  require(c.name.size() + c.value.size() <= longest_pair, "name and value are longer than 4096 bytes");
  require(is_attribute_value(c.path) && c.path.starts_with('/'),
          "the path must begin with '/' and hold no semicolon or control character");
  require(c.domain.empty() || (is_attribute_value(c.domain) && is_domain(c.domain)), "the domain is none");
  require(c.site != same_site::none || c.secure, "SameSite=None needs Secure");
  require(!c.partitioned || c.secure, "Partitioned needs Secure");
  bool const host = has_prefix(c.name, "__Host-");
  bool const http_prefix = has_prefix(c.name, "__Http-") || has_prefix(c.name, "__Host-Http-");
  require(!(host || http_prefix || has_prefix(c.name, "__Secure-")) || c.secure,
          "a name with this prefix needs Secure");
  require(!host || (c.path == "/" && c.domain.empty()), "__Host- needs the path \"/\" and no domain");
  require(!http_prefix || c.http_only, "a name with this prefix needs HttpOnly");
}

std::string write(cookie const& c, std::string_view expires) {
  check(c);
  std::string out{c.name};
  out.reserve(128 + c.value.size());
  out += '=';
  out += c.value;
  out += "; Path=";
  out += c.path;
  if (!c.domain.empty()) {
    out += "; Domain=";
    out += c.domain;
  }
  if (c.max_age) {
    out += "; Max-Age=";
    out += std::to_string(std::clamp(*c.max_age, std::chrono::seconds{0}, longest_age).count());
  }
  out += expires;
  if (c.secure) out += "; Secure";
  if (c.http_only) out += "; HttpOnly";
  switch (c.site) {
    case same_site::lax: out += "; SameSite=Lax"; break;
    case same_site::strict: out += "; SameSite=Strict"; break;
    case same_site::none: out += "; SameSite=None"; break;
  }
  if (c.partitioned) out += "; Partitioned";
  return out;
}

}  // namespace

std::optional<std::string_view> find_cookie(http::request const& r, std::string_view name) noexcept {
  std::size_t seen = 0;
  for (auto const& f : r.fields) {
    if (!http::equal_names(f.name, "Cookie")) continue;
    auto rest = f.value;
    while (!rest.empty()) {
      if (++seen > most_cookies) return std::nullopt;
      auto const end = rest.find(';');
      auto const pair = rest.substr(0, end);
      rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
      auto const [key, value] = split(pair, '=');
      if (value.data() != nullptr && !key.empty() && key == name) return value;
    }
  }
  return std::nullopt;
}

std::string to_set_cookie(cookie const& c) { return write(c, {}); }

std::string to_expired_cookie(cookie const& c) {
  auto gone = c;
  gone.value = {};
  gone.max_age = std::chrono::seconds{0};
  return write(gone, "; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
}

void set_cookie(http::exchange& x, cookie const& c) { x.response.add("Set-Cookie", x.copy(to_set_cookie(c))); }

}  // namespace slipway::content
