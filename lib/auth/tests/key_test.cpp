#include "support.hpp"

#include <slipway/auth/key.hpp>

#include <gtest/gtest.h>

namespace slipway::auth {
namespace {

using tests::encode;
using tests::parts;

// RFC 8037, appendix A.
constexpr auto rfc8037_jwk = R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";
constexpr auto rfc8037_d = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
constexpr auto rfc8037_token =
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-"
    "09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

// PKCS #8 around the 32 bytes of an Ed25519 private key (RFC 8410, section 7).
std::string ed25519_pem(std::string const& private_bytes) {
  auto const der = *from_hex("302e020100300506032b657004220420") + private_bytes;
  return "-----BEGIN PRIVATE KEY-----\n" + base64(as_byte_span(der)) + "\n-----END PRIVATE KEY-----\n";  // not a secret
}

TEST(key, rfc_8037_thumbprint_signature_and_verification) {
  auto const own = key::from_pem(ed25519_pem(*from_base64url(rfc8037_d)));
  ASSERT_TRUE(own) << own.error().more().internal;
  EXPECT_EQ(own->alg(), algorithm::eddsa);
  EXPECT_EQ(own->kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
  parts const token{rfc8037_token};
  EXPECT_EQ(encode(own->sign(token.input())), token.signature);  // Ed25519 is deterministic
  auto const theirs = key::from_jwk(rfc8037_jwk);
  ASSERT_TRUE(theirs);
  EXPECT_FALSE(theirs->can_sign());
  EXPECT_EQ(theirs->kid(), own->kid());
  EXPECT_TRUE(theirs->verify(token.input(), *from_base64url(token.signature)));
  EXPECT_FALSE(theirs->verify(token.input() + "x", *from_base64url(token.signature)));
}

// RFC 7515, appendix A: one payload, three algorithms.
constexpr auto rfc7515_payload =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

void expect_rfc7515(std::string const& jwk, std::string const& header, std::string const& signature) {
  auto const k = key::from_jwk(jwk);
  ASSERT_TRUE(k) << k.error().more().internal;
  auto const input = header + '.' + rfc7515_payload;
  auto const bytes = *from_base64url(signature);
  EXPECT_TRUE(k->verify(input, bytes));
  for (std::size_t at : {std::size_t{0}, bytes.size() / 2, bytes.size() - 1}) {
    auto changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(k->verify(input, changed));
  }
  EXPECT_FALSE(k->verify(input, bytes.substr(1)));
  EXPECT_FALSE(k->verify(input, bytes + '\0'));
  EXPECT_FALSE(k->verify(input, ""));
}

TEST(key, rfc_7515_a1_hs256) {
  expect_rfc7515(
      R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"})",
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
}

TEST(key, rfc_7515_a2_rs256) {
  expect_rfc7515(
      R"({"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"})",
      "eyJhbGciOiJSUzI1NiJ9",
      "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
      "O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_"
      "nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-"
      "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_"
      "IoypGlUPQGe77Rw");
}

TEST(key, rfc_7515_a3_es256) {
  expect_rfc7515(
      R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})",
      "eyJhbGciOiJFUzI1NiJ9", "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");
}

// RFC 7638, section 3.1.
TEST(key, rfc_7638_thumbprint) {
  auto const k = key::from_jwk(
      R"({"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256"})");
  ASSERT_TRUE(k) << k.error().more().internal;
  EXPECT_EQ(k->kid(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

class each_algorithm : public testing::TestWithParam<algorithm> {};
INSTANTIATE_TEST_SUITE_P(key, each_algorithm,
                         testing::Values(algorithm::eddsa, algorithm::es256, algorithm::rs256, algorithm::hs256),
                         [](auto const& info) { return std::string{to_string(info.param)}; });

TEST_P(each_algorithm, makes_signs_verifies_and_comes_back_from_text) {
  auto const k = key::generate(GetParam());
  EXPECT_EQ(k.alg(), GetParam());
  EXPECT_EQ(algorithm_from(to_string(k.alg())), k.alg());
  auto const signature = k.sign("input");
  EXPECT_TRUE(k.verify("input", signature));
  EXPECT_FALSE(k.verify("Input", signature));
  EXPECT_FALSE(key::generate(GetParam()).verify("input", signature));

  auto const text = k.private_text();
  auto const again = GetParam() == algorithm::hs256
                         ? key::from_secret(secret<std::string>{*from_base64url(text.reveal())})
                         : key::from_pem(text.reveal());
  ASSERT_TRUE(again) << again.error().more().internal;
  EXPECT_EQ(again->kid(), k.kid());
  EXPECT_TRUE(again->verify("input", signature));
  if (GetParam() == algorithm::hs256) {
    EXPECT_EQ(k.public_jwk(), "");
    return;
  }
  auto const theirs = key::from_jwk(k.public_jwk());
  ASSERT_TRUE(theirs) << theirs.error().more().internal;
  EXPECT_EQ(theirs->kid(), k.kid());
  EXPECT_TRUE(theirs->verify("input", signature));
  EXPECT_FALSE(theirs->can_sign());
  EXPECT_TRUE(theirs->private_text().empty());
  EXPECT_THROW(theirs->sign("input"), std::logic_error);
  for (auto const* secret_member : {"\"d\"", "\"p\"", "\"q\"", "\"dp\"", "\"dq\"", "\"qi\"", "\"k\""})
    EXPECT_EQ(k.public_jwk().find(secret_member), std::string::npos);
}

TEST(key, refuses_what_is_weak_broken_or_for_something_else) {
  for (
      auto const* bad : {
          R"({})",
          R"([])",
          R"({"kty":"OKP","crv":"Ed25519"})",
          R"({"kty":"OKP","crv":"Ed25519","x":"AAAA"})",
          R"({"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})",
          R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","alg":"ES256"})",
          R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","alg":7})",
          R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","use":"enc"})",
          R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","key_ops":["sign"]})",
          R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":""})",
          R"({"kty":"OKP","kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})",
          R"({"kty":"oct","k":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg"})",
          R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"})",
          R"({"kty":"RSA","n":"AQAB","e":"AQAB"})",
      })
    EXPECT_FALSE(key::from_jwk(bad)) << bad;
  EXPECT_FALSE(key::from_pem(""));
  EXPECT_FALSE(key::from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));  // not a secret
  auto const armour = [](std::string_view edge) {
    return "-----" + std::string{edge} + " ENCRYPTED PRIVATE KEY-----\n";
  };
  auto const encrypted = key::from_pem(armour("BEGIN") + "MFMGCSqGSIb3DQEFDTBGMA==\n" + armour("END"));
  ASSERT_FALSE(encrypted);
  EXPECT_NE(encrypted.error().more().internal.find("passphrase"), std::string::npos);
}

TEST(key_set, refuses_mixtures_and_repetitions) {
  auto const ed = key::generate(algorithm::eddsa);
  EXPECT_TRUE(key_set::of({ed, key::generate(algorithm::es256)}));
  EXPECT_FALSE(key_set::of({ed, ed}));
  EXPECT_FALSE(key_set::of({ed, key::generate(algorithm::hs256)}));
}

TEST(key_set, publishes_public_halves_that_can_be_read_back) {
  auto const set = key_set::of({key::generate(algorithm::eddsa), key::generate(algorithm::es256)});
  auto const back = key_set::from_jwks(set->jwks());
  ASSERT_TRUE(back) << back.error().more().internal;
  EXPECT_EQ(back->keys().size(), 2u);
  EXPECT_EQ(key_set::of({key::generate(algorithm::hs256)})->jwks(), R"({"keys":[]})");
}

}  // namespace
}  // namespace slipway::auth
