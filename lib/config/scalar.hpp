// Texts to single values and back.
#pragma once

#include <slipway/meta/description.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::config {

// Whether an integer of that member takes "16KB".
bool takes_size(meta::attributes const& about, meta::type const& t) noexcept;
// "16KB", "1MB", "2GB", "1TB" and "KiB" and so on, in powers of 1024; a bare number is bytes. Empty: not a size, or
// above 2^63.
std::optional<std::int64_t> parse_size(std::string_view text) noexcept;

// Writes the value; the answer is empty, or what would have been right: "must be a whole number from 0 to 65535".
// Of everything but objects, lists, maps, variants and optionals.
std::string set_scalar(meta::type const& t, meta::attributes const& about, void* at, std::string_view text);

// The value as YAML (and, but for times, as JSON): "\"text\"", "8080", "true", "\"30s\"". Secrets are not revealed.
std::string to_flow(meta::type const& t, void const* at);

// A text in double quotes, escaped as JSON and YAML both understand.
std::string double_quoted(std::string_view text);

}  // namespace slipway::config
