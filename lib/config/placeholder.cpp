#include <slipway/config/rules.hpp>

#include <slipway/core/ascii.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace slipway::config {
namespace {

constexpr std::size_t shortest_secret = 32;

// Words that a secret is never made of, and words that it must not be as a whole.
constexpr std::array<std::string_view, 14> never_within{
    "changeme",    "change-me",  "change_me",   "change this", "replaceme", "replace-me", "replace_me",
    "placeholder", "yoursecret", "your-secret", "your_secret", "insecure",  "do-not-use", "default-secret"};
constexpr std::array<std::string_view, 20> never_whole{
    "secret", "password", "passwd",   "example", "test",        "testing",      "default",
    "admin",  "root",     "postgres", "letmein", "qwerty",      "12345678",     "123456",
    "todo",   "none",     "null",     "dev",     "development", "temp_password"};

// The password of "scheme://user:password@host"; empty when there is none.
std::string_view password_of_url(std::string_view text) noexcept {
  auto const begin = text.find("://");
  if (begin == std::string_view::npos) return {};
  auto const authority = text.substr(begin + 3, text.find_first_of("/?#", begin + 3) - begin - 3);
  auto const user = authority.substr(0, authority.rfind('@'));
  if (user.size() == authority.size()) return {};
  auto const colon = user.find(':');
  return colon == std::string_view::npos ? std::string_view{} : user.substr(colon + 1);
}

bool is_url(std::string_view text) noexcept { return text.find("://") != std::string_view::npos; }

}  // namespace

std::string placeholder_of(std::string_view value, bool is_secret, bool own_minimum) {
  auto const text = ascii_lowered(value);
  for (auto const word : never_within)
    if (text.find(word) != std::string::npos) return fmt::format("is a placeholder (it contains \"{}\")", word);
  auto const whole = is_url(text) ? password_of_url(text) : std::string_view{text};
  if (std::ranges::find(never_whole, whole) != never_whole.end()) return "is a placeholder that everybody knows";
  if (!is_secret || is_url(text)) return {};
  if (text.find("example") != std::string::npos) return "is a placeholder (it contains \"example\")";
  if (!own_minimum && value.size() < shortest_secret)
    return fmt::format("has fewer than {} characters", shortest_secret);
  if (std::set<char> const different{value.begin(), value.end()};
      different.size() < std::min<std::size_t>(8, value.size()))
    return "repeats a few characters over and over";
  return {};
}

}  // namespace slipway::config
