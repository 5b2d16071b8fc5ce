// Which of several representations a client prefers (RFC 9110, section 12.5).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace slipway::content {

enum class coding : std::uint8_t { identity, gzip, brotli, zstd };
inline constexpr std::size_t coding_count = 4;
std::string_view to_string(coding c) noexcept;                    // "identity", "gzip", "br", "zstd"
std::optional<coding> coding_of(std::string_view name) noexcept;  // "x-gzip" is gzip; other names are empty

// The coding of highest quality among `offered` and identity; equal ones in the order offered, identity last.
// A null view means that the field is absent: identity. Empty: the client refuses everything, identity too.
std::optional<coding> choose_coding(std::string_view accept_encoding, std::span<coding const> offered) noexcept;

// The index in `offered` ("application/json", "text/html;charset=utf-8") of the type of highest quality; equal ones in
// the order offered. A null or empty view takes everything. Empty: nothing is acceptable (406).
std::optional<std::size_t> choose_media_type(std::string_view accept,
                                             std::span<std::string_view const> offered) noexcept;

// "text/html" of "text/html; charset=utf-8", without a check.
std::string_view essence(std::string_view media_type) noexcept;
// True for type/subtype in token characters.
bool is_media_type(std::string_view media_type) noexcept;

}  // namespace slipway::content
