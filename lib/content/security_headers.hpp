// Fields that tell browsers what not to do with an answer. Built once: they cost a pointer for each request. Those that
// mean something for documents alone stay away from all other answers (OWASP REST Security Cheat Sheet), whose heads
// are half as long for it.
#pragma once

#include <slipway/http/router.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace slipway::content {

struct security_settings {
  // For an API, whose answers are not pages. A page sets its own Content-Security-Policy, which then stands.
  std::string content_security_policy =
      "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
  std::string frame_options = "DENY";
  std::string resource_policy = "same-origin";  // "cross-origin" where other sites may embed what is served
  // Of documents (HTML, SVG, XML).
  std::string referrer_policy = "no-referrer";
  std::string permissions_policy =
      "accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()";
  std::string opener_policy = "same-origin";
  std::chrono::seconds hsts_max_age{31'536'000};  // sent over https alone; zero: never
  bool hsts_subdomains = true;
  bool hsts_preload = false;
};

// An empty text leaves that field out. Throws startup_error for a text with control characters.
std::unique_ptr<http::middleware> make_security_headers(security_settings const& settings = {});

}  // namespace slipway::content
