#include <slipway/core/server_url.hpp>

#include <algorithm>

namespace slipway {
namespace {

constexpr std::string_view hidden = "***", after_scheme = "://";

// Where the authority begins; npos: this is no URL.
std::size_t authority_of(std::string_view url) noexcept {
  auto const end = url.find(after_scheme);
  if (end == std::string_view::npos || end == 0) return std::string_view::npos;
  auto const fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '-' ||
           c == '.';
  };
  return std::ranges::all_of(url.substr(0, end), fits) ? end + after_scheme.size() : std::string_view::npos;
}

}  // namespace

std::string without_password(std::string_view url) {
  auto const begin = authority_of(url);
  auto const cut = url.find_first_of("?#", begin == std::string_view::npos ? 0 : begin);
  std::string out;
  if (begin == std::string_view::npos) {
    // The words of a connection string, or a URL without its beginning.
    if (url.substr(0, cut).find_first_of("@=") != std::string_view::npos) return std::string{hidden};
    out.append(url.substr(0, cut));
  } else {
    out.append(url.substr(0, begin));
    auto const at = url.rfind('@');
    auto const has_user = at != std::string_view::npos && at >= begin;
    // A password with a ? in it, or a parameter with an @.
    if (has_user && at > cut) return out.append(hidden);
    if (has_user) {
      auto const user = url.substr(begin, at - begin);
      auto const colon = user.find(':');
      out.append(user.substr(0, colon));
      if (colon != std::string_view::npos) out.append(1, ':').append(hidden);
    }
    auto const rest = has_user ? at : begin;
    out.append(url.substr(rest, cut == std::string_view::npos ? cut : cut - rest));
  }
  if (cut != std::string_view::npos) out.append(1, url[cut]).append(hidden);
  return out;
}

bool has_stray_at(std::string_view url) noexcept {
  auto const begin = authority_of(url);
  if (begin == std::string_view::npos) return false;
  auto const part = url.substr(begin, url.find('?', begin) - begin);
  return std::ranges::count(part, '@') > 1 || part.substr(0, part.find('/')).find('@') != part.find('@');
}

}  // namespace slipway
