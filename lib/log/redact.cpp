#include <slipway/log/redact.hpp>

#include <slipway/core/ascii.hpp>

#include <algorithm>
#include <array>

namespace slipway::log {
namespace {

constexpr std::array<std::string_view, 16> usual{
    "password",   "passwd",  "pwd",    "passphrase",  "secret",     "token",       "authorization", "cookie",
    "set_cookie", "api_key", "apikey", "private_key", "credential", "credentials", "jwt",           "otp"};

constexpr bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }

// Lower case, words joined by '_', cut at what no sensible key is longer than.
struct normal_key {
  std::array<char, 128> text{};
  std::size_t size = 0;

  explicit normal_key(std::string_view key) noexcept {
    char before = '_';
    for (auto const c : key) {
      if (size + 2 > text.size()) return;
      if (is_upper(c) && before != '_' && !is_upper(before)) text[size++] = '_';
      text[size++] = c == '-' || c == '.' || c == ' ' ? '_' : ascii_lower(c);
      before = c == '-' || c == '.' || c == ' ' ? '_' : c;
    }
  }
  std::string_view view() const noexcept { return {text.data(), size}; }
};

bool has_word(std::string_view key, std::size_t at, std::string_view name) noexcept {
  auto const rest = key.substr(at);
  return rest.starts_with(name) && (rest.size() == name.size() || rest[name.size()] == '_');
}

bool ends_with_any_case(std::string_view text, std::string_view lower_suffix) noexcept {
  if (text.size() < lower_suffix.size()) return false;
  return equal_in_any_case(text.substr(text.size() - lower_suffix.size()), lower_suffix);
}

std::size_t end_of_word(std::string_view text, std::size_t from, std::string_view stops) noexcept {
  return std::min(text.find_first_of(stops, from), text.size());
}

// The password of "scheme://user:password@host", given where "://" is.
sensitive_part url_password(std::string_view text, std::size_t colon_slashes) noexcept {
  auto const begin = colon_slashes + 3;
  auto const end = end_of_word(text, begin, "/?# \t\r\n\"'");
  auto const authority = text.substr(begin, end - begin);
  auto const at = authority.rfind('@');
  if (at == std::string_view::npos) return {};
  auto const colon = authority.substr(0, at).find(':');
  if (colon == std::string_view::npos) return {};
  return {begin + colon + 1, begin + at};
}

// Every credential comes after one of three characters; most texts have few of them.
sensitive_part sensitive_after(std::string_view text, std::size_t i) noexcept {
  auto const before = text.substr(0, i);
  if (text[i] == ':') return text.substr(i).starts_with("://") ? url_password(text, i) : sensitive_part{};
  if (text[i] == ' ') {
    if (!ends_with_any_case(before, "bearer") && !ends_with_any_case(before, "basic")) return {};
    return {i + 1, end_of_word(text, i + 1, " \t\r\n,;\"'")};
  }
  for (std::string_view const name : {"password", "passwd", "pwd", "secret", "token"}) {
    if (!ends_with_any_case(before, name)) continue;
    auto const begin = i + 1;
    if (begin == text.size() || (text[begin] != '\'' && text[begin] != '"'))
      return {begin, end_of_word(text, begin, " \t\r\n&;,\"'")};
    return {begin + 1, std::min(text.find(text[begin], begin + 1), text.size())};
  }
  return {};
}

}  // namespace

redactor::redactor(std::span<std::string const> more) : names_{usual.begin(), usual.end()} {
  for (auto const& name : more)
    if (normal_key const n{name}; n.size != 0) names_.emplace_back(n.view());
}

bool redactor::masks(std::string_view key) const noexcept {
  normal_key const normal{key};
  auto const view = normal.view();
  for (std::size_t at = 0; at < view.size(); ++at) {
    if (at != 0 && view[at - 1] != '_') continue;
    for (auto const& name : names_)
      if (name[0] == view[at] && has_word(view, at, name)) return true;
  }
  return false;
}

sensitive_part find_sensitive(std::string_view text, std::size_t from) noexcept {
  for (auto i = from; i < text.size(); ++i) {
    if (text[i] != ':' && text[i] != '=' && text[i] != ' ') [[likely]]
      continue;
    if (auto const found = sensitive_after(text, i); found.begin < found.end) return found;
  }
  return {};
}

}  // namespace slipway::log
