#include <slipway/content/urlencoded.hpp>

#include <slipway/core/encoding.hpp>
#include <slipway/http/percent.hpp>

#include <optional>

namespace slipway::content {
namespace {

bool is_sound(std::optional<std::string_view> const& text) noexcept {
  return text && !text->contains('\0') && is_utf8(*text);
}

// Something to call a broken pair by: its name as far as it is text.
std::string label(std::optional<std::string_view> const& name) {
  if (!is_sound(name)) return {};
  return std::string{name->substr(0, 64)};
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size();) {
    auto const byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    auto const first = byte(i);
    if (first < 0x80) {
      ++i;
      continue;
    }
    auto const length = first >= 0xf0 ? 4u : first >= 0xe0 ? 3u : 2u;
    if (first < 0xc2 || first > 0xf4 || text.size() - i < length) return false;
    for (std::size_t k = 1; k < length; ++k)
      if ((byte(i + k) & 0xc0) != 0x80) return false;
    auto const second = byte(i + 1);
    // Longer forms than needed, surrogates, and beyond U+10FFFF.
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) || (first == 0xf0 && second < 0x90) ||
        (first == 0xf4 && second > 0x8f))
      return false;
    i += length;
  }
  return true;
}

result<std::vector<form_pair>> decode_form(std::string_view text, arena& memory, form_limits limits) {
  std::vector<form_pair> pairs;
  std::vector<field_error> wrong;
  std::size_t count = 0;
  while (!text.empty()) {
    auto const end = text.find('&');
    auto const pair = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (pair.empty()) continue;
    if (++count > limits.pairs)
      return std::unexpected{fault::malformed("too_many_parameters")
                                 .detail("There may be at most " + std::to_string(limits.pairs) + " parameters.")};
    auto const equals = pair.find('=');
    auto const name = http::form_decode(pair.substr(0, equals), memory);
    auto const value = equals == std::string_view::npos ? std::optional{pair.substr(pair.size())}
                                                        : http::form_decode(pair.substr(equals + 1), memory);
    if (is_sound(name) && is_sound(value))
      pairs.push_back({*name, *value});
    else
      wrong.push_back({label(name), "invalid_encoding", "must be UTF-8 in percent-encoding, without NUL"});
  }
  if (!wrong.empty()) {
    auto f = fault::malformed("invalid_encoding");
    f.more().fields = std::move(wrong);
    return std::unexpected{std::move(f)};
  }
  return pairs;
}

std::string encode_form(std::vector<form_pair> const& pairs) {
  std::string out;
  for (auto const& p : pairs) {
    if (!out.empty()) out += '&';
    out += percent_encode(p.name);
    out += '=';
    out += percent_encode(p.value);
  }
  return out;
}

}  // namespace slipway::content
