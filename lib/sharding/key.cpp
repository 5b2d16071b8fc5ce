#include <slipway/sharding/key.hpp>

#include <slipway/core/encoding.hpp>

#include <algorithm>
#include <charconv>

namespace slipway::sharding {

std::string key::in_order(std::int64_t number) {
  auto const flipped = static_cast<std::uint64_t>(number) ^ (std::uint64_t{1} << 63);
  std::string out(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<char>(flipped >> (56 - 8 * i) & 0xff);
  return out;
}

std::string key::text() const {
  auto const is_plain = std::ranges::all_of(octets_, [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
  return is_plain && !octets_.starts_with("0x") ? octets_ : "0x" + hex(as_byte_span(octets_));
}

std::optional<key> key::of_text(std::string_view text, key_kind as) {
  if (text.starts_with("0x")) {
    auto const octets = from_hex(text.substr(2));
    return octets ? std::optional<key>{*octets} : std::nullopt;
  }
  switch (as) {
    case key_kind::text: return key{text};
    case key_kind::number: {
      std::int64_t number = 0;
      auto const end = text.data() + text.size();
      auto const [last, error] = std::from_chars(text.data(), end, number);
      return error == std::errc{} && last == end ? std::optional<key>{number} : std::nullopt;
    }
    case key_kind::id: {
      auto const id = uuid::parse(text);
      return id ? std::optional<key>{*id} : std::nullopt;
    }
  }
  return std::nullopt;
}

std::uint64_t hash_of(key const& k) noexcept {
  std::uint64_t h = 14'695'981'039'346'656'037u;
  for (unsigned char c : k.octets()) h = (h ^ c) * 1'099'511'628'211u;
  h ^= h >> 33;
  h *= 0xff51afd7ed558ccdu;
  h ^= h >> 33;
  h *= 0xc4ceb9fe1a85ec53u;
  return h ^ h >> 33;
}

uuid with_slot(uuid id, std::uint32_t slot) noexcept {
  id.bytes[14] = static_cast<std::uint8_t>(slot >> 8 & 0xff);
  id.bytes[15] = static_cast<std::uint8_t>(slot & 0xff);
  return id;
}

std::uint32_t slot_in(uuid const& id) noexcept { return static_cast<std::uint32_t>(id.bytes[14] << 8 | id.bytes[15]); }

}  // namespace slipway::sharding
