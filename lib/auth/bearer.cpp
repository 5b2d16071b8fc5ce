#include <slipway/auth/bearer.hpp>

namespace slipway::auth {
namespace {

constexpr bool is_token_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~' || c == '+' || c == '/';
}

// b64token of RFC 6750, section 2.1.
constexpr bool is_b64token(std::string_view text) noexcept {
  while (text.ends_with('=')) text.remove_suffix(1);
  if (text.empty()) return false;
  for (char c : text)
    if (!is_token_char(c)) return false;
  return true;
}

constexpr bool is_bearer(std::string_view scheme) noexcept {
  constexpr std::string_view name = "bearer";
  if (scheme.size() != name.size()) return false;
  for (std::size_t i = 0; i < name.size(); ++i)
    if ((scheme[i] | 0x20) != name[i]) return false;
  return true;
}

void append_parameter(std::string& out, std::string_view name, std::string_view value) {
  out += out.ends_with("Bearer") ? " " : ", ";
  out += name;
  out += "=\"";
  for (char c : value) out += c >= 0x20 && c < 0x7f && c != '"' && c != '\\' ? c : '\'';
  out += '"';
}

}  // namespace

std::string_view to_string(bearer_error e) noexcept {
  switch (e) {
    case bearer_error::none: return "";
    case bearer_error::invalid_request: return "invalid_request";
    case bearer_error::invalid_token: return "invalid_token";
    case bearer_error::insufficient_scope: return "insufficient_scope";
  }
  return "";
}

int status_of(bearer_error e) noexcept {
  switch (e) {
    case bearer_error::none: return 401;
    case bearer_error::invalid_request: return 400;
    case bearer_error::invalid_token: return 401;
    case bearer_error::insufficient_scope: return 403;
  }
  return 401;
}

std::expected<std::string_view, bearer_error> parse_bearer(std::string_view authorization) noexcept {
  auto const space = authorization.find(' ');
  if (!is_bearer(authorization.substr(0, space))) return std::unexpected{bearer_error::none};
  if (space == std::string_view::npos) return std::unexpected{bearer_error::invalid_request};
  authorization.remove_prefix(space);
  while (authorization.starts_with(' ')) authorization.remove_prefix(1);
  if (!is_b64token(authorization)) return std::unexpected{bearer_error::invalid_request};
  return authorization;
}

std::string bearer_challenge(std::string_view realm, bearer_error error, std::string_view description,
                             std::string_view scope) {
  std::string out = "Bearer";
  if (!realm.empty()) append_parameter(out, "realm", realm);
  if (error != bearer_error::none) append_parameter(out, "error", to_string(error));
  if (error != bearer_error::none && !description.empty()) append_parameter(out, "error_description", description);
  if (!scope.empty()) append_parameter(out, "scope", scope);
  return out;
}

}  // namespace slipway::auth
