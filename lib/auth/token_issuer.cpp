#include <slipway/auth/jws.hpp>
#include <slipway/auth/members.hpp>
#include <slipway/auth/token_rules.hpp>
#include <slipway/auth/tokens.hpp>

#include <stdexcept>

namespace slipway::auth {
namespace {

time_point whole_seconds(time_point t) { return std::chrono::floor<std::chrono::seconds>(t); }

void check_extra(claims const& c) {
  for (auto const& [name, json] : c.extra) {
    if (is_registered_claim(name))
      throw std::invalid_argument{"the extra claim '" + name + "' has the name of a claim that has a place of its own"};
    if (!is_json(json)) throw std::invalid_argument{"the extra claim '" + name + "' is not JSON: quote texts"};
  }
}

}  // namespace

token_issuer::token_issuer(token_settings settings, key_ring const& ring, clock_source const& clock,
                           random_source& random)
    : settings_{std::move(settings)}, ring_{ring}, clock_{clock}, random_{random} {}

token_issuer::issued token_issuer::issue(claims c) const {
  if (c.subject.is_nil()) throw std::invalid_argument{"an access token without a subject"};
  check_extra(c);
  auto const now = whole_seconds(clock_.now());
  if (c.issuer.empty()) c.issuer = settings_.issuer;
  if (c.audience.empty()) c.audience.push_back(settings_.audience);
  if (c.issued_at == time_point{}) c.issued_at = now;
  if (c.expires_at == time_point{}) c.expires_at = whole_seconds(c.issued_at + settings_.lifetime);
  if (c.id.is_nil()) c.id = make_uuid7(clock_, random_);
  auto const payload = write_claims(c);
  // Texts that are not UTF-8 would make a token that nobody, ourselves included, can read.
  if (!parse_claims(payload)) throw std::invalid_argument{"claims that cannot be read back"};
  auto const keys = ring_.current();
  issued out{.token = sign_jws(payload, *keys->signing, access_token_type),
             .expires_at = whole_seconds(c.expires_at),
             .expires_in = std::chrono::duration_cast<std::chrono::seconds>(whole_seconds(c.expires_at) - now),
             .id = c.id};
  if (out.token.size() > max_token_bytes) throw std::invalid_argument{"an access token of more than 8192 bytes"};
  return out;
}

}  // namespace slipway::auth
