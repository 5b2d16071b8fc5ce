// A key that signs or verifies tokens (RFC 7517, 7518, 8037). A key is bound to one algorithm, so a token can never
// choose how it is checked.
#pragma once

#include <slipway/core/fault.hpp>
#include <slipway/core/random.hpp>
#include <slipway/core/secret.hpp>

#include <boost/describe.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::auth {

enum class algorithm : std::uint8_t {
  eddsa,  // Ed25519: small, fast, and without a random number that could go wrong
  es256,  // ECDSA on P-256
  rs256,  // RSA of 2048 bits or more, PKCS #1 1.5
  hs256,  // HMAC: whoever can verify can sign, so it never leaves one service
};
BOOST_DESCRIBE_ENUM(algorithm, eddsa, es256, rs256, hs256)

std::string_view to_string(algorithm a) noexcept;  // "EdDSA", as in `alg`
std::optional<algorithm> algorithm_from(std::string_view alg) noexcept;

// Immutable and cheap to copy. Any thread may use it.
class key {
 public:
  // A new key; RSA has 3072 bits. `random` is used for HS256 only; the others draw from OpenSSL.
  static key generate(algorithm a, random_source& random = system_random());
  // PKCS #8 private or SubjectPublicKeyInfo public key, unencrypted. The fault's internal text says what was wrong.
  static result<key> from_pem(std::string_view pem);
  // A public key or an HS256 secret as a JWK. Refuses keys that are not meant for verifying (`use`, `key_ops`), whose
  // `alg` does not fit, RSA keys that are weak (below 2048 bits, above 8192, e below 3, the ROCA fingerprint),
  // points that are not on the curve, and repeated members. Private members are not read.
  static result<key> from_jwk(std::string_view json);
  // At least 32 bytes (RFC 7518, section 3.2).
  static result<key> from_secret(secret<std::string> bytes);

  algorithm alg() const noexcept;
  // RFC 7638 thumbprint (SHA-256, base64url), or the `kid` that the JWK brought.
  std::string const& kid() const noexcept;
  bool can_sign() const noexcept;
  // The public half as one JWK, with kid, alg and use. Empty for HS256.
  std::string const& public_jwk() const noexcept;
  // PKCS #8 PEM, or for HS256 the secret as base64url. Empty without a private half.
  secret<std::string> private_text() const;

  // The signature in the form of RFC 7518: r and s concatenated for ES256. The key must be able to sign.
  std::string sign(std::string_view input) const;
  bool verify(std::string_view input, std::string_view signature) const;

 private:
  friend struct key_access;
  struct state;
  explicit key(std::shared_ptr<state const> s) noexcept : state_{std::move(s)} {}
  std::shared_ptr<state const> state_;
};

// Keys found by their id. Refuses two with the same id, and secrets mixed with public keys: such a set comes from
// a mistake, and would let a token be checked with the wrong kind.
class key_set {
 public:
  key_set() = default;
  static result<key_set> of(std::vector<key> keys);
  // RFC 7517, section 5. Unlike there, a key that we cannot use refuses the whole set.
  static result<key_set> from_jwks(std::string_view json);

  key const* find(std::string_view kid) const noexcept;
  std::vector<key> const& keys() const noexcept { return keys_; }
  // {"keys":[...]} of the public halves.
  std::string jwks() const;

 private:
  std::vector<key> keys_;
};

}  // namespace slipway::auth
