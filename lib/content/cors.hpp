// Cross-origin requests (Fetch, section 3.2): which other sites' scripts may read the answers.
#pragma once

#include <slipway/content/fields.hpp>
#include <slipway/http/router.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace slipway::content {

struct cors_settings {
  // "https://app.example.com", "http://localhost:5173", "https://*.example.com" (any host below it, not itself), or
  // "*" alone: everyone, which excludes credentials. Empty: no other site.
  std::vector<std::string> origins;
  std::vector<std::string> methods{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
  std::vector<std::string> headers{"Authorization", "Content-Type",  "Idempotency-Key", "If-Match",
                                   "If-None-Match", "Last-Event-ID", "X-Request-Id"};
  std::vector<std::string> exposed{
      "Content-Disposition", "Deprecation", "ETag",   "Idempotent-Replayed", "Link", "Location", "RateLimit",
      "RateLimit-Policy",    "Retry-After", "Sunset", "X-Request-Id"};
  bool credentials = false;            // cookies
  std::chrono::seconds max_age{7200};  // how long a browser remembers a preflight
};

// Answers preflights itself: 204, or 403 for an origin that is not listed. Other requests pass; without a listed origin
// they get no permission, so a browser keeps the answer from the script. An origin is repeated only when it is listed.
// Throws startup_error for "*" with credentials, "null", and whatever is not an origin.
std::unique_ptr<http::middleware> make_cors(cors_settings settings, error_page page = {});

}  // namespace slipway::content
