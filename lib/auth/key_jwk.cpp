#include <slipway/auth/key_state.hpp>
#include <slipway/auth/members.hpp>

#include <slipway/core/encoding.hpp>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <array>

namespace slipway::auth {
namespace {

using param_builder_ptr = std::unique_ptr<OSSL_PARAM_BLD, freed_by<OSSL_PARAM_BLD_free>>;
using params_ptr = std::unique_ptr<OSSL_PARAM, freed_by<OSSL_PARAM_free>>;

constexpr int min_rsa_bits = 2048;
constexpr int max_rsa_bits = 8192;
constexpr std::size_t min_secret_bytes = 32;
constexpr std::size_t p256_bytes = 32;
constexpr std::size_t ed25519_bytes = 32;

bignum_ptr number(EVP_PKEY const* pkey, char const* parameter) {
  BIGNUM* out = nullptr;
  if (::EVP_PKEY_get_bn_param(pkey, parameter, &out) != 1) return nullptr;
  return bignum_ptr{out};
}

std::string encoded(BIGNUM const* n, std::size_t bytes) {
  std::string out(bytes, '\0');
  ::BN_bn2binpad(n, reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(bytes));
  return base64url(as_byte_span(out));
}
std::string encoded(BIGNUM const* n) { return encoded(n, static_cast<std::size_t>(BN_num_bytes(n))); }

// Keys of a broken generator (ROCA, CVE-2017-15361) are products of primes that are powers of 65537 modulo many small
// primes; so is their product. A sound key has this property once in a hundred million.
bool has_roca_fingerprint(BIGNUM const* modulus) {
  for (unsigned prime :
       {3u,  5u,  7u,  11u, 13u, 17u,  19u,  23u,  29u,  31u,  37u,  41u,  43u,  47u,  53u,  59u,  61u,  67u,  71u,
        73u, 79u, 83u, 89u, 97u, 101u, 103u, 107u, 109u, 113u, 127u, 131u, 137u, 139u, 149u, 151u, 157u, 163u, 167u}) {
    auto const rest = static_cast<unsigned>(::BN_mod_word(modulus, prime));
    unsigned power = 1;
    bool found = false;
    for (unsigned i = 0; i < prime && !found; ++i) {
      found = power == rest;
      power = power * (65537u % prime) % prime;
    }
    if (!found) return false;
  }
  return true;
}

// The members that a thumbprint is made of (RFC 7638, section 3.2), in their order, or a fault.
result<std::string> describe_rsa(key_access::state& s) {
  auto const n = number(s.pkey.get(), OSSL_PKEY_PARAM_RSA_N), e = number(s.pkey.get(), OSSL_PKEY_PARAM_RSA_E);
  if (!n || !e) return std::unexpected{unusable_key("an RSA key without a modulus: " + openssl_error())};
  auto const bits = BN_num_bits(n.get());
  if (bits < min_rsa_bits || bits > max_rsa_bits)
    return std::unexpected{unusable_key("an RSA key of " + std::to_string(bits) + " bits; 2048 to 8192 are taken")};
  if (!BN_is_odd(e.get()) || BN_is_one(e.get()) || BN_num_bits(e.get()) > 64)
    return std::unexpected{unusable_key("an RSA key with an unsafe exponent")};
  if (!BN_is_odd(n.get()) || has_roca_fingerprint(n.get()))
    return std::unexpected{unusable_key("an RSA key of a broken generator (ROCA)")};
  s.alg = algorithm::rs256;
  return R"("e":")" + encoded(e.get()) + R"(","kty":"RSA","n":")" + encoded(n.get()) + '"';
}

result<std::string> describe_ec(key_access::state& s) {
  std::array<char, 64> group{};
  std::size_t size = 0;
  if (::EVP_PKEY_get_group_name(s.pkey.get(), group.data(), group.size(), &size) != 1 ||
      std::string_view{group.data(), size} != "prime256v1")
    return std::unexpected{unusable_key("an elliptic curve other than P-256")};
  auto const x = number(s.pkey.get(), OSSL_PKEY_PARAM_EC_PUB_X), y = number(s.pkey.get(), OSSL_PKEY_PARAM_EC_PUB_Y);
  if (!x || !y) return std::unexpected{unusable_key("a P-256 key without its point: " + openssl_error())};
  s.alg = algorithm::es256;
  return R"("crv":"P-256","kty":"EC","x":")" + encoded(x.get(), p256_bytes) + R"(","y":")" +
         encoded(y.get(), p256_bytes) + '"';
}

result<std::string> describe_ed25519(key_access::state& s) {
  std::string x(ed25519_bytes, '\0');
  auto size = x.size();
  if (::EVP_PKEY_get_raw_public_key(s.pkey.get(), reinterpret_cast<unsigned char*>(x.data()), &size) != 1 ||
      size != x.size())
    return std::unexpected{unusable_key("an Ed25519 key without its public half: " + openssl_error())};
  s.alg = algorithm::eddsa;
  return R"("crv":"Ed25519","kty":"OKP","x":")" + base64url(as_byte_span(x)) + '"';
}

pkey_ptr from_parameters(char const* type, OSSL_PARAM_BLD* builder) {
  params_ptr const parameters{::OSSL_PARAM_BLD_to_param(builder)};
  pkey_context_ptr const context{::EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr)};
  EVP_PKEY* made = nullptr;
  if (!parameters || !context || ::EVP_PKEY_fromdata_init(context.get()) != 1 ||
      ::EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
    return nullptr;
  return pkey_ptr{made};
}

// The bytes of a member in base64url.
std::optional<std::string> bytes_of(json_members const& jwk, std::string_view name) {
  auto const* text = jwk.text(name);
  return text != nullptr ? from_base64url(*text) : std::nullopt;
}

pkey_ptr rsa_from(json_members const& jwk) {
  auto const n = bytes_of(jwk, "n"), e = bytes_of(jwk, "e");
  if (!n || !e || n->empty() || e->empty() || n->size() > max_rsa_bits / 8 || e->size() > 8) return nullptr;
  auto const to_number = [](std::string const& bytes) {
    return bignum_ptr{
        ::BN_bin2bn(reinterpret_cast<unsigned char const*>(bytes.data()), static_cast<int>(bytes.size()), nullptr)};
  };
  auto const modulus = to_number(*n), exponent = to_number(*e);
  param_builder_ptr const builder{::OSSL_PARAM_BLD_new()};
  if (!builder || !modulus || !exponent ||
      ::OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      ::OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1)
    return nullptr;
  return from_parameters("RSA", builder.get());
}

pkey_ptr ec_from(json_members const& jwk) {
  auto const x = bytes_of(jwk, "x"), y = bytes_of(jwk, "y");
  if (!x || !y || x->size() != p256_bytes || y->size() != p256_bytes) return nullptr;
  auto const point = "\x04" + *x + *y;
  param_builder_ptr const builder{::OSSL_PARAM_BLD_new()};
  if (!builder || ::OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1 ||
      ::OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1)
    return nullptr;
  return from_parameters("EC", builder.get());
}

pkey_ptr ed25519_from(json_members const& jwk) {
  auto const x = bytes_of(jwk, "x");
  if (!x || x->size() != ed25519_bytes) return nullptr;
  return pkey_ptr{::EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr,
                                                reinterpret_cast<unsigned char const*>(x->data()), x->size())};
}

// RFC 7517, sections 4.2 and 4.3: a key for something else must not verify.
bool is_for_verifying(json_members const& jwk) {
  if (auto const* use = jwk.find("use"); use != nullptr && (use->what != json_kind::text || use->text != "sig"))
    return false;
  auto const* operations = jwk.find("key_ops");
  if (operations == nullptr) return true;
  return operations->what == json_kind::list && std::ranges::any_of(operations->children, [](json_value const& o) {
           return o.what == json_kind::text && o.text == "verify";
         });
}

}  // namespace

result<key> adopt(pkey_ptr pkey, bool can_sign, std::string kid) {
  auto s = std::make_shared<key_access::state>();
  s->pkey = std::move(pkey);
  s->can_sign = can_sign;
  auto const* raw = s->pkey.get();
  auto members = ::EVP_PKEY_is_a(raw, "ED25519") == 1 ? describe_ed25519(*s)
                 : ::EVP_PKEY_is_a(raw, "EC") == 1    ? describe_ec(*s)
                 : ::EVP_PKEY_is_a(raw, "RSA") == 1
                     ? describe_rsa(*s)
                     : result<std::string>{std::unexpected{unusable_key("neither Ed25519, P-256 nor RSA")}};
  if (!members) return std::unexpected{std::move(members.error())};
  s->kid = kid.empty() ? sha256_base64url('{' + *members + '}') : std::move(kid);
  s->public_jwk = '{' + *members + R"(,"kid":)";
  append_quoted(s->public_jwk, s->kid);
  s->public_jwk += R"(,"alg":")";
  s->public_jwk += to_string(s->alg);
  s->public_jwk += R"(","use":"sig"})";
  return key_access::make(std::move(s));
}

result<key> adopt_secret(secret<std::string> bytes, std::string kid) {
  if (bytes.reveal().size() < min_secret_bytes)
    return std::unexpected{unusable_key("a secret for HS256 needs 32 bytes or more")};
  if (bytes.reveal().size() > 1024) return std::unexpected{unusable_key("a secret for HS256 of more than 1024 bytes")};
  auto s = std::make_shared<key_access::state>();
  s->alg = algorithm::hs256;
  s->can_sign = true;
  s->kid = kid.empty() ? sha256_base64url(R"({"k":")" + base64url(as_byte_span(bytes.reveal())) + R"(","kty":"oct"})")
                       : std::move(kid);
  s->hmac = std::move(bytes);
  return key_access::make(std::move(s));
}

result<key> key::from_jwk(std::string_view json) {
  auto const jwk = read_members(json);
  if (!jwk) return std::unexpected{unusable_key("not one JSON object without repeated members")};
  auto const *type = jwk->text("kty"), *curve = jwk->text("crv"), *alg = jwk->text("alg"), *kid = jwk->text("kid");
  if (type == nullptr) return std::unexpected{unusable_key("no kty")};
  if (!is_for_verifying(*jwk)) return std::unexpected{unusable_key("its use or key_ops is not to verify")};
  if (jwk->find("kid") != nullptr && (kid == nullptr || kid->empty() || kid->size() > 256))
    return std::unexpected{unusable_key("its kid is not a text of 1 to 256 bytes")};
  auto made = [&]() -> result<key> {
    auto const name = kid != nullptr ? *kid : std::string{};
    if (*type == "oct") {
      auto k = bytes_of(*jwk, "k");
      if (!k) return std::unexpected{unusable_key("k is not base64url")};
      return adopt_secret(secret<std::string>{*std::move(k)}, name);
    }
    pkey_ptr pkey;
    if (*type == "RSA")
      pkey = rsa_from(*jwk);
    else if (*type == "EC" && curve != nullptr && *curve == "P-256")
      pkey = ec_from(*jwk);
    else if (*type == "OKP" && curve != nullptr && *curve == "Ed25519")
      pkey = ed25519_from(*jwk);
    else
      return std::unexpected{unusable_key("a kty or crv that is not taken")};
    if (!pkey) {
      ::ERR_clear_error();
      return std::unexpected{unusable_key("its numbers are no public key")};
    }
    return adopt(std::move(pkey), false, name);
  }();
  if (made && jwk->find("alg") != nullptr && (alg == nullptr || *alg != to_string(made->alg())))
    return std::unexpected{unusable_key("its alg does not fit its kind")};
  return made;
}

}  // namespace slipway::auth
