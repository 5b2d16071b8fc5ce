#include <slipway/health/health.hpp>

#include <slipway/core/ascii.hpp>

#include <algorithm>
#include <array>

namespace slipway::health {
namespace {

constexpr std::array<std::string_view, 9> secret_words{"password", "passwd", "pwd",        "secret",       "token",
                                                       "api_key",  "apikey", "access_key", "authorization"};
constexpr std::size_t longest = 200;

bool ends_value(char c) noexcept {
  return c == ' ' || c == '&' || c == ';' || c == ',' || c == '\n' || c == '\t' || c == ')' || c == '}';
}

bool starts_with_word(std::string_view text, std::string_view word) noexcept {
  return equal_in_any_case(text.substr(0, word.size()), word);
}

// Where the value of "password = 'x'" begins behind the word, or npos when the word is only a word.
std::size_t value_after(std::string_view text, std::size_t at) noexcept {
  while (at < text.size() && (text[at] == ' ' || text[at] == '"' || text[at] == '\'')) ++at;
  if (at == text.size() || (text[at] != '=' && text[at] != ':')) return std::string_view::npos;
  ++at;
  while (at < text.size() && text[at] == ' ') ++at;
  return at;
}

// The end of a value: the closing quote, or whatever separates values. "Bearer x" and "Basic x" are one value.
std::size_t end_of_value(std::string_view text, std::size_t at) noexcept {
  if (at < text.size() && (text[at] == '"' || text[at] == '\'')) {
    auto const close = text.find(text[at], at + 1);
    return close == std::string_view::npos ? text.size() : close + 1;
  }
  for (std::string_view const scheme : {"bearer ", "basic "})
    if (starts_with_word(text.substr(at), scheme)) at += scheme.size();
  while (at < text.size() && !ends_value(text[at])) ++at;
  return at;
}

// Masks the user part of "scheme://user:password@host".
void mask_authorities(std::string& text) {
  for (std::size_t at = text.find("://"); at != std::string::npos; at = text.find("://", at + 3)) {
    auto const first = at + 3;
    auto const end = text.find_first_of("/?# \t\n'\"", first);
    auto const sign = text.rfind('@', end == std::string::npos ? text.size() : end);
    if (sign != std::string::npos && sign >= first) text.replace(first, sign - first, "***");
  }
}

}  // namespace

std::string safe_detail(std::string_view text) {
  std::string whole{text};
  mask_authorities(whole);
  std::string out;
  for (std::size_t i = 0; i < whole.size();) {
    auto const rest = std::string_view{whole}.substr(i);
    auto const word = std::ranges::find_if(secret_words, [&](auto w) { return starts_with_word(rest, w); });
    auto const value = word == secret_words.end() ? std::string::npos : value_after(whole, i + word->size());
    if (value != std::string::npos) {
      out.append(whole, i, value - i);
      out += "***";
      i = end_of_value(whole, value);
      continue;
    }
    out += static_cast<unsigned char>(whole[i]) < 0x20 || whole[i] == 0x7f ? ' ' : whole[i];
    ++i;
  }
  if (out.size() > longest) {
    auto cut = longest;
    while (cut > 0 && (static_cast<unsigned char>(out[cut]) & 0xc0) == 0x80) --cut;  // not within a UTF-8 sequence
    out.resize(cut);
    out += "...";
  }
  return out;
}

}  // namespace slipway::health
