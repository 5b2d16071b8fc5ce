// What a key holds. Private to this library: the only header here that knows OpenSSL.
#pragma once

#include <slipway/auth/key.hpp>

#include <openssl/bn.h>
#include <openssl/evp.h>

#include <memory>
#include <string>

namespace slipway::auth {

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* p) const noexcept {
    Free(p);
  }
};
using pkey_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using pkey_context_ptr = std::unique_ptr<EVP_PKEY_CTX, freed_by<EVP_PKEY_CTX_free>>;
using digest_context_ptr = std::unique_ptr<EVP_MD_CTX, freed_by<EVP_MD_CTX_free>>;
using bignum_ptr = std::unique_ptr<BIGNUM, freed_by<BN_free>>;

struct key::state {
  algorithm alg{};
  std::string kid;
  std::string public_jwk;  // empty for HS256
  pkey_ptr pkey;           // null for HS256
  secret<std::string> hmac;
  bool can_sign = false;
};

struct key_access {
  using state = key::state;
  static key make(std::shared_ptr<key::state const> s) { return key{std::move(s)}; }
  static key::state const& of(key const& k) noexcept { return *k.state_; }
};

// The oldest error in OpenSSL's queue as text; empties the queue.
std::string openssl_error();

// A key around an EVP_PKEY, or a fault when it is of no kind that we use. An empty `kid` means the thumbprint.
result<key> adopt(pkey_ptr pkey, bool can_sign, std::string kid = {});
result<key> adopt_secret(secret<std::string> bytes, std::string kid = {});

// SHA-256 in base64url.
std::string sha256_base64url(std::string_view text);

inline fault unusable_key(std::string why, std::source_location at = std::source_location::current()) {
  return fault::malformed("unusable_key", at).internal(std::move(why));
}
inline fault invalid_token(std::string why, std::source_location at = std::source_location::current()) {
  return fault::unauthenticated("invalid_token", at).internal(std::move(why));
}

}  // namespace slipway::auth
