// Times as RFC 3339 text.
#pragma once

#include <slipway/core/clock.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace slipway {

// "2026-01-31T12:00:00.000001Z": always UTC, six digits only where there are microseconds. The form ends with the
// years 0 and 9999: times beyond are written as the nearest within.
inline constexpr std::size_t rfc3339_max = 27;
char* write_rfc3339(char* out, time_point t) noexcept;
std::string to_rfc3339(time_point t);
// Any offset, up to nine digits of fraction (cut to microseconds); a leap second counts as the next second.
// Empty for anything else, and for days that the calendar does not have.
std::optional<time_point> from_rfc3339(std::string_view text) noexcept;

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, section 5.6.7): 29 characters.
inline constexpr std::size_t http_date_size = 29;
char* write_http_date(char* out, std::chrono::sys_seconds t) noexcept;
// The three forms that section 5.6.7 asks a recipient to take.
std::optional<std::chrono::sys_seconds> from_http_date(std::string_view text) noexcept;

// "250ms", "30s", "15m", "12h", "7d", up to a hundred years; a bare number is refused, because its unit would be a
// guess.
inline constexpr std::chrono::milliseconds max_duration = std::chrono::days{36'525};
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept;
std::string format_duration(std::chrono::milliseconds d);

}  // namespace slipway
