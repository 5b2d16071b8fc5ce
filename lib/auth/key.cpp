#include <slipway/auth/key_state.hpp>

#include <slipway/core/encoding.hpp>
#include <slipway/core/errors.hpp>

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <array>
#include <stdexcept>

namespace slipway::auth {
namespace {

using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_free_all>>;
using ecdsa_ptr = std::unique_ptr<ECDSA_SIG, freed_by<ECDSA_SIG_free>>;

constexpr std::size_t p256_bytes = 32;
constexpr int new_rsa_bits = 3072;

unsigned char const* bytes_of(std::string_view text) noexcept {
  return reinterpret_cast<unsigned char const*>(text.data());
}
unsigned char* bytes_of(std::string& text) noexcept { return reinterpret_cast<unsigned char*>(text.data()); }

std::string hmac_sha256(std::string_view secret_bytes, std::string_view input) {
  std::string out(32, '\0');
  unsigned int size = 0;
  if (::HMAC(EVP_sha256(), secret_bytes.data(), static_cast<int>(secret_bytes.size()), bytes_of(input), input.size(),
             bytes_of(out), &size) == nullptr)
    throw std::runtime_error{"HMAC failed: " + openssl_error()};
  return out;
}

// ECDSA signatures are two numbers in DER for OpenSSL, and 64 plain bytes in RFC 7518, section 3.4.
std::string to_plain(std::string_view der) {
  auto const* at = bytes_of(der);
  ecdsa_ptr const parsed{::d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()))};
  std::string out(2 * p256_bytes, '\0');
  if (!parsed || ::BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), bytes_of(out), p256_bytes) < 0 ||
      ::BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), bytes_of(out) + p256_bytes, p256_bytes) < 0)
    throw std::runtime_error{"an ECDSA signature has no plain form: " + openssl_error()};
  return out;
}

std::optional<std::string> to_der(std::string_view plain) {
  if (plain.size() != 2 * p256_bytes) return std::nullopt;
  ecdsa_ptr const parsed{::ECDSA_SIG_new()};
  auto* r = ::BN_bin2bn(bytes_of(plain), p256_bytes, nullptr);
  auto* s = ::BN_bin2bn(bytes_of(plain) + p256_bytes, p256_bytes, nullptr);
  if (!parsed || r == nullptr || s == nullptr || ::ECDSA_SIG_set0(parsed.get(), r, s) != 1) {  // owns both from here
    ::BN_free(r);
    ::BN_free(s);
    throw std::bad_alloc{};
  }
  unsigned char* der = nullptr;
  auto const size = ::i2d_ECDSA_SIG(parsed.get(), &der);
  if (size < 0) throw std::bad_alloc{};
  std::string out{reinterpret_cast<char*>(der), static_cast<std::size_t>(size)};
  ::OPENSSL_free(der);
  return out;
}

// Ed25519 hashes by itself and takes no digest.
EVP_MD const* digest_for(algorithm a) noexcept { return a == algorithm::eddsa ? nullptr : EVP_sha256(); }

int no_passphrase(char*, int, int, void*) { return -1; }  // OpenSSL would ask on the terminal

}  // namespace

std::string openssl_error() {
  auto const code = ::ERR_get_error();
  ::ERR_clear_error();
  if (code == 0) return "no reason given";
  std::array<char, 256> text{};
  ::ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

std::string sha256_base64url(std::string_view text) {
  std::array<std::byte, 32> out{};
  unsigned int size = 0;
  if (::EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(out.data()), &size, EVP_sha256(),
                   nullptr) != 1)
    throw std::runtime_error{"SHA-256 failed: " + openssl_error()};
  return base64url(out);
}

std::string_view to_string(algorithm a) noexcept {
  switch (a) {
    case algorithm::eddsa: return "EdDSA";
    case algorithm::es256: return "ES256";
    case algorithm::rs256: return "RS256";
    case algorithm::hs256: return "HS256";
  }
  return {};
}

std::optional<algorithm> algorithm_from(std::string_view alg) noexcept {
  for (auto a : {algorithm::eddsa, algorithm::es256, algorithm::rs256, algorithm::hs256})
    if (alg == to_string(a)) return a;
  return std::nullopt;
}

key key::generate(algorithm a, random_source& random) {
  if (a == algorithm::hs256) {
    std::string bytes(32, '\0');
    random.fill(std::as_writable_bytes(std::span{bytes}));
    return *adopt_secret(secret<std::string>{std::move(bytes)});
  }
  pkey_ptr made{a == algorithm::eddsa ? ::EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")
                : a == algorithm::es256
                    ? ::EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")
                    : ::EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(new_rsa_bits))};
  if (!made) throw startup_error{exit_code::os, "a signing key cannot be generated: " + openssl_error()};
  auto adopted = adopt(std::move(made), true);
  if (!adopted) throw startup_error{exit_code::bug, "a generated key is unusable: " + adopted.error().more().internal};
  return *std::move(adopted);
}

result<key> key::from_pem(std::string_view pem) {
  constexpr std::size_t max_pem_bytes = 65536;
  if (pem.size() > max_pem_bytes) return std::unexpected{unusable_key("longer than any key")};
  auto const open = [pem] { return bio_ptr{::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))}; };
  if (pkey_ptr own{::PEM_read_bio_PrivateKey(open().get(), nullptr, no_passphrase, nullptr)})
    return adopt(std::move(own), true);
  auto const why = openssl_error();
  if (pem.find("ENCRYPTED") != std::string_view::npos)
    return std::unexpected{
        unusable_key("it is encrypted; store it without a passphrase: openssl pkcs8 -topk8 -nocrypt")};
  if (pkey_ptr theirs{::PEM_read_bio_PUBKEY(open().get(), nullptr, no_passphrase, nullptr)})
    return adopt(std::move(theirs), false);
  ::ERR_clear_error();
  return std::unexpected{unusable_key("not a PKCS #8 private key or a public key in PEM: " + why)};
}

result<key> key::from_secret(secret<std::string> bytes) { return adopt_secret(std::move(bytes)); }

algorithm key::alg() const noexcept { return state_->alg; }
std::string const& key::kid() const noexcept { return state_->kid; }
bool key::can_sign() const noexcept { return state_->can_sign; }
std::string const& key::public_jwk() const noexcept { return state_->public_jwk; }

secret<std::string> key::private_text() const {
  if (!state_->can_sign) return {};
  if (state_->alg == algorithm::hs256) return secret<std::string>{base64url(as_byte_span(state_->hmac.reveal()))};
  bio_ptr const out{::BIO_new(::BIO_s_secmem())};
  if (!out ||
      ::PEM_write_bio_PKCS8PrivateKey(out.get(), state_->pkey.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    throw std::runtime_error{"a key cannot be written: " + openssl_error()};
  char* text = nullptr;
  auto const size = BIO_get_mem_data(out.get(), &text);
  return secret<std::string>{std::string{text, static_cast<std::size_t>(size)}};
}

std::string key::sign(std::string_view input) const {
  if (!state_->can_sign) throw std::logic_error{"the key " + state_->kid + " cannot sign: it has no private half"};
  if (state_->alg == algorithm::hs256) return hmac_sha256(state_->hmac.reveal(), input);
  digest_context_ptr const context{::EVP_MD_CTX_new()};
  std::size_t size = 0;
  std::string out;
  auto const ok =
      context &&
      ::EVP_DigestSignInit(context.get(), nullptr, digest_for(state_->alg), nullptr, state_->pkey.get()) == 1 &&
      ::EVP_DigestSign(context.get(), nullptr, &size, bytes_of(input), input.size()) == 1 && (out.resize(size), true) &&
      ::EVP_DigestSign(context.get(), bytes_of(out), &size, bytes_of(input), input.size()) == 1;
  if (!ok) throw std::runtime_error{"signing failed: " + openssl_error()};
  out.resize(size);
  return state_->alg == algorithm::es256 ? to_plain(out) : out;
}

bool key::verify(std::string_view input, std::string_view signature) const {
  if (state_->alg == algorithm::hs256)
    return equal_in_constant_time(hmac_sha256(state_->hmac.reveal(), input), signature);
  std::string der;
  if (state_->alg == algorithm::es256) {
    auto converted = to_der(signature);
    if (!converted) return false;
    der = *std::move(converted);
    signature = der;
  } else if (signature.size() != static_cast<std::size_t>(::EVP_PKEY_get_size(state_->pkey.get()))) {
    return false;  // exactly as long as the modulus, or 64 bytes for Ed25519
  }
  digest_context_ptr const context{::EVP_MD_CTX_new()};
  if (!context ||
      ::EVP_DigestVerifyInit(context.get(), nullptr, digest_for(state_->alg), nullptr, state_->pkey.get()) != 1)
    throw std::runtime_error{"verifying is not possible: " + openssl_error()};
  auto const good =
      ::EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(input), input.size()) == 1;
  if (!good) ::ERR_clear_error();
  return good;
}

}  // namespace slipway::auth
