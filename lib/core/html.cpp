#include <slipway/core/html.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace slipway {
namespace {

constexpr std::array<std::string_view, 6> entities{"", "&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};

// For each octet the number of its entity; nearly all have none.
constexpr auto entity_of = [] {
  std::array<std::uint8_t, 256> out{};
  out['&'] = 1;
  out['<'] = 2;
  out['>'] = 3;
  out['"'] = 4;
  out['\''] = 5;
  return out;
}();

std::uint8_t look(char const* at) noexcept { return entity_of[static_cast<std::uint8_t>(*at)]; }

}  // namespace

void append_html(std::string& out, std::string_view text) {
  auto const* at = text.data();
  auto const* const end = at + text.size();
  auto const* plain = at;  // begin of what needs no change
  auto const take = [&] {
    if (auto const which = look(at); which != 0) {
      out.append(plain, static_cast<std::size_t>(at - plain)).append(entities[which]);
      plain = at + 1;
    }
    ++at;
  };
  while (end - at >= 8) {
    auto const any = look(at) | look(at + 1) | look(at + 2) | look(at + 3) | look(at + 4) | look(at + 5) |
                     look(at + 6) | look(at + 7);
    if (any == 0) [[likely]] {
      at += 8;
      continue;
    }
    for (int i = 0; i < 8; ++i) take();
  }
  while (at != end) take();
  out.append(plain, static_cast<std::size_t>(end - plain));
}

}  // namespace slipway
