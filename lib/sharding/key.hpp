// Keys of rows, the hash that deals them into slots, and ids that carry their slot.
#pragma once

#include <slipway/core/id.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::sharding {

// What keys are, where somebody writes one down.
enum class key_kind : std::uint8_t { text, number, id };

// What decides where a row lies: a customer's id, say. Rows with equal keys lie together. Keys order by their octets,
// as text does, and numbers as numbers.
class key {
 public:
  key(std::string_view text) : octets_{text} {}
  key(std::string const& text) : octets_{text} {}
  key(char const* text) : octets_{text} {}
  key(uuid const& id) : octets_{reinterpret_cast<char const*>(id.bytes.data()), id.bytes.size()} {}
  template <class T>
  key(id_of<T> const& id) : key{id.value} {}
  template <std::integral I>
    requires(!std::same_as<I, bool>)
  key(I number) : octets_{in_order(static_cast<std::int64_t>(number))} {}

  std::string const& octets() const noexcept { return octets_; }
  // For messages and tables: text as it is, anything else in hexadecimal after "0x".
  std::string text() const;
  // A key as somebody writes it: text, a number or an id; of each kind also its octets in hexadecimal after "0x", as
  // `text()` gives them. Nothing when it is none.
  static std::optional<key> of_text(std::string_view text, key_kind as = key_kind::text);

  friend bool operator==(key const&, key const&) = default;

 private:
  // Eight octets that order as the numbers do.
  static std::string in_order(std::int64_t number);

  std::string octets_;
};

// FNV-1a of 64 bits over the octets, its bits then mixed as in MurmurHash3's last step, so that neighbours fall far
// apart. It must never change: rows lie where it said.
std::uint64_t hash_of(key const& k) noexcept;

// `slots` is at least 1.
inline std::uint32_t slot_by_hash(key const& k, std::uint32_t slots) noexcept {
  return static_cast<std::uint32_t>(hash_of(k) % slots);
}

// Ids of UUID version 7 are different on all nodes without any agreement: 74 random bits within each millisecond. Where
// a row must be found by its id alone, without its key, the id can carry the slot in its last 16 bits, which leaves 58.
uuid with_slot(uuid id, std::uint32_t slot) noexcept;
std::uint32_t slot_in(uuid const& id) noexcept;

}  // namespace slipway::sharding
