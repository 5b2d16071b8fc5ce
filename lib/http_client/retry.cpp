#include <slipway/http_client/retry.hpp>

#include <slipway/core/time.hpp>

#include <algorithm>
#include <charconv>

namespace slipway::http_client {

bool is_idempotent(std::string_view method) noexcept {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS" ||
         method == "TRACE";
}

bool is_retryable_status(int status) noexcept { return status == 429 || (status >= 502 && status <= 504); }

std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value, time_point now) noexcept {
  std::uint32_t seconds = 0;
  auto const* const last = value.data() + value.size();
  if (auto const parsed = std::from_chars(value.data(), last, seconds); parsed.ptr == last && !value.empty()) {
    if (parsed.ec == std::errc{}) return std::chrono::seconds{seconds};
    return std::chrono::hours{24 * 365};  // digits, and too many of them: later than anybody waits
  }
  auto const date = from_http_date(value);
  if (!date) return std::nullopt;
  return std::max(std::chrono::milliseconds{0}, std::chrono::ceil<std::chrono::milliseconds>(*date - now));
}

std::chrono::milliseconds backoff(retry_settings const& s, unsigned attempt, random_source& random) {
  auto const doubled = s.first_wait * (std::int64_t{1} << std::min(attempt > 0 ? attempt - 1 : 0, 20u));
  auto const most = std::clamp(doubled, std::chrono::milliseconds{0}, s.longest_wait);
  return std::chrono::milliseconds{random.below(static_cast<std::uint64_t>(most.count()) + 1)};
}

}  // namespace slipway::http_client
