#include <slipway/auth/refresh.hpp>

#include <slipway/auth/key_state.hpp>
#include <slipway/core/encoding.hpp>

#include <algorithm>

namespace slipway::auth {
namespace {

constexpr std::size_t token_bytes = 32;

new_refresh_token make(uuid family, uuid user, time_point family_end, time_point now, refresh_settings const& settings,
                       clock_source const& clock, random_source& random) {
  auto token = random.token(token_bytes);
  refresh_record record{.id = make_uuid7(clock, random),
                        .family = family,
                        .user = user,
                        .token_hash = sha256_base64url(token),
                        .created_at = now,
                        .expires_at = std::min<time_point>(now + settings.idle, family_end),
                        .family_expires_at = family_end};
  return {.record = std::move(record), .token = secret<std::string>{std::move(token)}};
}

}  // namespace

refresh_verdict decide(std::optional<refresh_record> const& record, time_point now,
                       refresh_settings const& settings) noexcept {
  if (!record) return refresh_verdict::unknown;
  if (record->revoked_at) return refresh_verdict::revoked;
  if (record->used_at) {
    // Reuse counts also when the token has expired meanwhile: that it comes again is the news. A clock that went back
    // behind the first use does not stretch the grace.
    auto const since = now - *record->used_at;
    auto const forgiven = settings.grace.count() > 0 && since >= time_point::duration::zero() &&
                          since < settings.grace && now < record->expires_at;
    return forgiven ? refresh_verdict::retry : refresh_verdict::reuse;
  }
  if (now >= record->expires_at || now >= record->family_expires_at) return refresh_verdict::expired;
  return refresh_verdict::rotate;
}

new_refresh_token begin_family(uuid user, time_point now, refresh_settings const& settings, clock_source const& clock,
                               random_source& random) {
  return make(make_uuid7(clock, random), user, now + settings.absolute, now, settings, clock, random);
}

new_refresh_token successor(refresh_record const& used, time_point now, refresh_settings const& settings,
                            clock_source const& clock, random_source& random) {
  return make(used.family, used.user, used.family_expires_at, now, settings, clock, random);
}

std::optional<std::string> hash_refresh_token(std::string_view token) {
  constexpr std::size_t encoded_size = (token_bytes * 8 + 5) / 6;
  if (token.size() != encoded_size || !from_base64url(token)) return std::nullopt;
  return sha256_base64url(token);
}

}  // namespace slipway::auth
