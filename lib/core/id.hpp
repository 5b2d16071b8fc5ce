// Identifiers: UUID version 7 (RFC 9562, section 5.7), typed by what they identify. They sort by the time of
// their making, which keeps database indexes dense, and a note's id cannot be passed where a user's is due.
#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/core/random.hpp>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace slipway {

struct uuid {
  std::array<std::uint8_t, 16> bytes{};

  friend auto operator<=>(uuid const&, uuid const&) = default;
  bool is_nil() const noexcept { return *this == uuid{}; }

  static constexpr std::size_t text_size = 36;
  // Writes the 36 characters of the canonical lower-case form.
  char* write(char* out) const noexcept;
  std::string text() const;
  // The canonical form, upper or lower case; nothing else.
  static std::optional<uuid> parse(std::string_view text) noexcept;
};

// An id made now. Ids made on one thread ascend even within a millisecond and when the wall clock steps back.
uuid make_uuid7(clock_source const& clock = system_clock(), random_source& random = system_random());

template <class T>
struct id_of {
  uuid value;

  id_of() = default;
  explicit id_of(uuid v) noexcept : value{v} {}
  static id_of make(clock_source const& clock = system_clock(), random_source& random = system_random()) {
    return id_of{make_uuid7(clock, random)};
  }
  static std::optional<id_of> parse(std::string_view text) noexcept {
    auto const parsed = uuid::parse(text);
    return parsed ? std::optional{id_of{*parsed}} : std::nullopt;
  }
  std::string text() const { return value.text(); }
  bool is_nil() const noexcept { return value.is_nil(); }
  friend auto operator<=>(id_of const&, id_of const&) = default;
};

}  // namespace slipway

template <>
struct std::hash<slipway::uuid> {
  std::size_t operator()(slipway::uuid const& id) const noexcept {
    std::size_t h = 0;  // the last eight bytes are random: they are a hash already
    for (int i = 8; i < 16; ++i) h = h << 8 | id.bytes[static_cast<std::size_t>(i)];
    return h;
  }
};
template <class T>
struct std::hash<slipway::id_of<T>> {
  std::size_t operator()(slipway::id_of<T> const& id) const noexcept { return std::hash<slipway::uuid>{}(id.value); }
};
