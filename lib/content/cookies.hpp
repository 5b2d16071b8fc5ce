// Cookies (RFC 6265bis).
#pragma once

#include <slipway/http/message.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::content {

// The value of the first cookie of exactly that name in the request, as it came; empty when there is none. At most the
// first 128 cookies are looked at.
std::optional<std::string_view> find_cookie(http::request const& r, std::string_view name) noexcept;

enum class same_site : std::uint8_t { lax, strict, none };

struct cookie {
  std::string_view name;   // "__Host-session" binds it to this very host
  std::string_view value;  // cookie-octets: encode what may hold others (base64url)
  std::string_view path = "/";
  std::string_view domain;                      // empty: this host alone
  std::optional<std::chrono::seconds> max_age;  // empty: until the browser is closed; at most 400 days are sent
  same_site site = same_site::lax;
  bool secure = true;
  bool http_only = true;
  bool partitioned = false;  // one for each top-level site (CHIPS)
};

// The value of Set-Cookie. Throws std::invalid_argument, naming the rule, for whatever a browser would refuse or
// would read as something else: separators or control characters, a prefix whose promises are not kept,
// SameSite=None or Partitioned without Secure, more than 4096 bytes.
std::string to_set_cookie(cookie const& c);
// The same cookie, to be forgotten.
std::string to_expired_cookie(cookie const& c);
void set_cookie(http::exchange& x, cookie const& c);

}  // namespace slipway::content
