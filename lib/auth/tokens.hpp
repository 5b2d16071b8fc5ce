// Access tokens: JWTs (RFC 7519) of the type at+jwt (RFC 9068, without its client_id: there is one first-party client),
// checked as RFC 8725 asks.
//
//   auto issued = issuer.issue({.subject = user.id.value, .session = session.id, .permissions = granted});
//   result<claims_ptr> who = verifier.verify(token);   // fault: token_expired or invalid_token
#pragma once

#include <slipway/auth/key_ring.hpp>
#include <slipway/core/clock.hpp>
#include <slipway/core/fault.hpp>
#include <slipway/core/id.hpp>
#include <slipway/core/scope.hpp>
#include <slipway/meta/description.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::auth {

struct token_settings {
  std::string issuer = "slipway";
  std::string audience = "slipway";
  std::chrono::milliseconds lifetime{std::chrono::minutes{15}};
  std::chrono::milliseconds leeway{std::chrono::seconds{30}};
  std::uint32_t cache = 512;
};
BOOST_DESCRIBE_STRUCT(token_settings, (), (issuer, audience, lifetime, leeway, cache))

struct claims {
  uuid subject;                          // sub: the user
  uuid session;                          // sid: the login, which is the refresh tokens' family
  uuid id;                               // jti
  permission_set permissions;            // perm: the bits in hexadecimal
  std::vector<std::string> roles;        // roles
  std::string scopes;                    // scope: words with spaces between them (RFC 6749, section 3.3)
  std::string issuer;                    // iss
  std::vector<std::string> audience;     // aud: one string or several
  time_point issued_at{};                // iat, whole seconds
  time_point expires_at{};               // exp, whole seconds
  std::optional<time_point> not_before;  // nbf
  std::map<std::string, std::string, std::less<>> extra;  // everything else: name, and its value as JSON text

  slipway::scope who() const noexcept { return {subject, permissions, session, expires_at}; }
};
using claims_ptr = std::shared_ptr<claims const>;

class token_issuer {
 public:
  struct issued {
    std::string token;
    time_point expires_at;
    std::chrono::seconds expires_in;
    uuid id;  // its jti
  };

  // `ring`, `clock` and `random` must outlive the issuer. Any thread may use it.
  token_issuer(token_settings settings, key_ring const& ring, clock_source const& clock = system_clock(),
               random_source& random = system_random());

  // Signs with the key in force. Fills what is left empty: issuer, audience, issued_at, expires_at, id.
  // Throws std::invalid_argument for what cannot be a token: a nil subject, an extra member that is no JSON or has
  // the name of another claim, more than max_token_bytes.
  issued issue(claims c) const;

 private:
  token_settings settings_;
  key_ring const& ring_;
  clock_source const& clock_;
  random_source& random_;
};

// Belongs to one thread: make one for each shard, e.g. in per_shard.
//
// Tokens that were found good are remembered, so the second request with a token costs a look-up instead of a
// signature check. At most `settings.cache` tokens are kept; times are checked at every use, and all are forgotten
// when the keys change. What was refused is never remembered, so nobody can fill the memory with rubbish.
class token_verifier {
 public:
  token_verifier(token_settings const& settings, key_ring& ring, clock_source const& clock = system_clock());
  token_verifier(token_verifier&&) noexcept;
  token_verifier& operator=(token_verifier&&) noexcept;
  ~token_verifier();

  // The claims of a token that this service issued for this audience, whose time has come and not passed. Faults are
  // `unauthenticated`: `token_expired` (the client should refresh) or `invalid_token` (all else; the internal text
  // says why).
  result<claims_ptr> verify(std::string_view token);

  struct usage {
    std::uint64_t hits = 0, misses = 0, refused = 0;
    std::size_t kept = 0;
  };
  usage use() const noexcept;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

// The claims set alone, for tests and tools: no times, no issuer.
result<claims> parse_claims(std::string_view json);
std::string write_claims(claims const& c);

}  // namespace slipway::auth

template <>
inline constexpr auto slipway::rules_of<slipway::auth::token_settings> = slipway::rules(
    slipway::field(&slipway::auth::token_settings::issuer)
        .not_blank()
        .help("Who issues access tokens: `iss`. A name or the service's own URL."),
    slipway::field(&slipway::auth::token_settings::audience).not_blank().help("Whom they are for: `aud`."),
    slipway::field(&slipway::auth::token_settings::lifetime)
        .minimum(10000)
        .maximum(86400000)
        .help("How long an access token is good; it cannot be revoked earlier."),
    slipway::field(&slipway::auth::token_settings::leeway)
        .minimum(0)
        .maximum(300000)
        .help("How far the clocks of two machines may be apart."),
    slipway::field(&slipway::auth::token_settings::cache)
        .maximum(65536)
        .unit("tokens")
        .help("Checked tokens that each shard remembers; 0: none."));
