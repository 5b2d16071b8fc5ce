// Refresh tokens (RFC 6749, section 6; RFC 9700, section 4.14.2): opaque, stored as a hash only, used once. A second
// use of one token means that two parties hold it, so the whole family (one login) is revoked.
//
// Nothing here touches a database: a repository stores records, asks `decide`, and does what it says, in a transaction
// that locks the account (or the family) first. Otherwise two requests with one token both rotate, and a token that is
// stored while its family is revoked lives on.
//
//   auto hash = hash_refresh_token(presented);                        // empty: never one of ours
//   auto record = hash ? co_await rows.find_by_hash(*hash) : none;
//   switch (decide(record, clock.now(), settings).what) {
//     case refresh_verdict::rotate: {
//       // UPDATE ... SET used_at = now WHERE id = ?
//       auto next = successor(*record, clock.now(), settings);        // insert next.record, return next.token
//   ...
#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/core/id.hpp>
#include <slipway/core/random.hpp>
#include <slipway/core/secret.hpp>
#include <slipway/meta/description.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::auth {

struct refresh_settings {
  std::chrono::milliseconds idle{std::chrono::days{14}};
  std::chrono::milliseconds absolute{std::chrono::days{90}};
  std::chrono::milliseconds grace{0};
};
BOOST_DESCRIBE_STRUCT(refresh_settings, (), (idle, absolute, grace))

// One token of a family, as a row. `token_hash` is 43 characters of base64url.
struct refresh_record {
  uuid id;
  uuid family;
  uuid user;
  std::string token_hash;
  time_point created_at{};
  time_point expires_at{};         // of this token: idle time, cut by the family's end
  time_point family_expires_at{};  // of the login: nothing extends it
  std::optional<time_point> used_at;
  std::optional<time_point> revoked_at;
};
BOOST_DESCRIBE_STRUCT(refresh_record, (),
                      (id, family, user, token_hash, created_at, expires_at, family_expires_at, used_at, revoked_at))

enum class refresh_verdict : std::uint8_t {
  rotate,   // good: mark it used, store and hand out a successor
  retry,    // used a moment ago, within the grace: hand out another successor, do not revoke
  reuse,    // used before: revoke the family, and tell the user
  expired,  // too old; the family is left alone, a newer token of it may live
  revoked,  // its family was revoked or logged out
  unknown,  // not one of ours
};

// Strict by default: grace is zero, so every second use is `reuse`. A client that loses the answer to its refresh
// has to log in again then. A grace of a few seconds forgives that (and two tabs that refresh at once), and for as
// long lets a thief who is just as fast go unnoticed. A revoked family is never forgiven.
refresh_verdict decide(std::optional<refresh_record> const& record, time_point now,
                       refresh_settings const& settings) noexcept;

struct new_refresh_token {
  refresh_record record;      // to be stored
  secret<std::string> token;  // to be handed out, once: 256 random bits in base64url
};

// The first token of a login.
new_refresh_token begin_family(uuid user, time_point now, refresh_settings const& settings,
                               clock_source const& clock = system_clock(), random_source& random = system_random());
// The next one of the same login; it ends no later than its family.
new_refresh_token successor(refresh_record const& used, time_point now, refresh_settings const& settings,
                            clock_source const& clock = system_clock(), random_source& random = system_random());

// SHA-256 of a token that has our form; empty for anything else, which need not be looked for. A plain hash is
// enough: what is hashed has 256 bits of entropy.
std::optional<std::string> hash_refresh_token(std::string_view token);

}  // namespace slipway::auth

template <>
inline constexpr auto slipway::rules_of<slipway::auth::refresh_settings> = slipway::rules(
    slipway::field(&slipway::auth::refresh_settings::idle).minimum(60000).help("How long a login may lie unused."),
    slipway::field(&slipway::auth::refresh_settings::absolute)
        .minimum(60000)
        .help("How long a login lasts however much it is used."),
    slipway::field(&slipway::auth::refresh_settings::grace)
        .minimum(0)
        .maximum(60000)
        .help("How long after its use a refresh token may come again without being taken for stolen; 0: never."));
