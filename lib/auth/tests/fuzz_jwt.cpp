// Everything that reads what a stranger sends as a token. The input is tried as a token, and as header and claims
// of a token that is properly signed, so that the reader behind the signature is reached too.
#include <slipway/auth/bearer.hpp>
#include <slipway/auth/jws.hpp>
#include <slipway/auth/refresh.hpp>
#include <slipway/auth/tokens.hpp>
#include <slipway/core/assert.hpp>
#include <slipway/core/encoding.hpp>

#include <cstddef>
#include <cstdint>

namespace {

using namespace slipway;
using namespace slipway::auth;

struct world {
  manual_clock clock{time_point{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}}};
  key secret_key = *key::from_secret(secret<std::string>{std::string(32, 'k')});
  key_ring ring{{{.key = secret_key, .since = clock.now()}}, std::chrono::hours{1}, clock};
  token_verifier verifier{{}, ring, clock};
};

std::string sign(std::string_view header, std::string_view payload, key const& with) {
  auto const input = base64url(as_byte_span(header)) + '.' + base64url(as_byte_span(payload));
  return input + '.' + base64url(as_byte_span(with.sign(input)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static world w;
  std::string_view const text{reinterpret_cast<char const*>(data), size};
  (void)w.verifier.verify(text);
  if (auto const token = parse_bearer(text))
    must(!token->empty() && token->find(' ') == std::string_view::npos, "one token");
  if (auto const hash = hash_refresh_token(text)) must(hash->size() == 43, "the form of a hash");
  if (auto const k = key::from_jwk(text)) must(!k->verify("a", "b"), "two bytes are no signature");
  (void)key::from_pem(text);
  auto const half = text.find('\n');
  (void)w.verifier.verify(
      sign(text.substr(0, half), half == std::string_view::npos ? text : text.substr(half + 1), w.secret_key));
  // What the claims reader takes, the writer must write so that it reads the same.
  if (auto const c = parse_claims(text)) {
    auto const again = parse_claims(write_claims(*c));
    must(
        again.has_value() && again->subject == c->subject && again->audience == c->audience && again->extra == c->extra,
        "claims survive a round");
  }
  return 0;
}
