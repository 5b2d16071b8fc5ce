// Values of response fields that have a grammar of their own.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::content {

// Link (RFC 8288). Throws std::invalid_argument for a target that is not a URI reference in its characters, or for
// texts with control characters.
class links {
 public:
  struct about {
    std::string_view title, type, hreflang;
  };
  links& add(std::string_view target, std::string_view relation) { return add(target, relation, {}); }
  links& add(std::string_view target, std::string_view relation, about what);
  bool empty() const noexcept { return text_.empty(); }
  std::string const& text() const noexcept { return text_; }

 private:
  std::string text_;
};

// Cache-Control of an answer (RFC 9111, section 5.2.2; RFC 5861; RFC 8246).
struct cache_control {
  bool no_store = false, no_cache = false, no_transform = false;
  bool is_public = false, is_private = false;
  bool must_revalidate = false, proxy_revalidate = false, immutable = false;
  std::optional<std::chrono::seconds> max_age, s_maxage, stale_while_revalidate, stale_if_error;

  std::string text() const;
};

// RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-10): structured fields
//   "default";q=100;w=60      and      "default";r=50;t=30
std::string rate_limit_policy(std::string_view name, std::uint64_t quota, std::chrono::seconds window);
std::string rate_limit_state(std::string_view name, std::uint64_t remaining, std::chrono::seconds until_reset);

}  // namespace slipway::content
