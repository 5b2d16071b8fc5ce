#include <slipway/http_client/target.hpp>

#include <slipway/core/ascii.hpp>
#include <slipway/http_client/client.hpp>

#include <curl/curl.h>

#include <memory>
#include <new>

namespace slipway::http_client {
namespace {

struct free_url {
  void operator()(CURLU* u) const noexcept { curl_url_cleanup(u); }
};
using url_handle = std::unique_ptr<CURLU, free_url>;

std::string part(CURLU* u, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(u, which, &text, flags) != CURLUE_OK) return {};
  std::string out{text};
  curl_free(text);
  return out;
}

target from(url_handle const& u) {
  if (!part(u.get(), CURLUPART_USER).empty() || !part(u.get(), CURLUPART_PASSWORD).empty())
    throw request_error{failure::invalid, "a URL with a user name in it is not called: send an Authorization header"};
  target out{.scheme = part(u.get(), CURLUPART_SCHEME),
             .host = part(u.get(), CURLUPART_HOST),
             .port = part(u.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT)};
  out.host = ascii_lowered(out.host);
  if (out.scheme != "http" && out.scheme != "https")
    throw request_error{failure::invalid, "only http and https URLs are called"};
  if (out.host.empty()) throw request_error{failure::invalid, "the URL names no host"};
  curl_url_set(u.get(), CURLUPART_FRAGMENT, nullptr, 0);
  out.url = part(u.get(), CURLUPART_URL);
  return out;
}

url_handle make() {
  url_handle u{curl_url()};
  if (!u) throw std::bad_alloc{};
  return u;
}

}  // namespace

target parse_target(std::string const& url) {
  auto const u = make();
  if (curl_url_set(u.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK || url.find('\0') != std::string::npos)
    throw request_error{failure::invalid, "this is not a URL that can be called"};
  return from(u);
}

target follow(target const& base, std::string const& location) {
  auto const u = make();
  if (curl_url_set(u.get(), CURLUPART_URL, base.url.c_str(), 0) != CURLUE_OK || location.empty() ||
      curl_url_set(u.get(), CURLUPART_URL, location.c_str(), 0) != CURLUE_OK)
    throw request_error{failure::invalid, "the redirect from " + base.host + " leads to no URL"};
  auto out = from(u);
  if (base.scheme == "https" && out.scheme == "http")
    throw request_error{failure::invalid, "the redirect from " + base.host + " leads from https to http"};
  return out;
}

}  // namespace slipway::http_client
