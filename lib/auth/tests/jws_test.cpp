#include "support.hpp"

#include <slipway/auth/jws.hpp>

#include <gtest/gtest.h>

namespace slipway::auth {
namespace {

using tests::encode;
using tests::forge;
using tests::parts;

TEST(jws, signs_and_verifies) {
  auto const k = key::generate(algorithm::eddsa);
  auto const token = sign_jws("payload", k, "at+jwt");
  auto const back = verify_jws(token, *key_set::of({k}));
  ASSERT_TRUE(back) << back.error().more().internal;
  EXPECT_EQ(back->payload, "payload");
  EXPECT_EQ(back->typ, "at+jwt");
  EXPECT_EQ(back->kid, k.kid());
}

TEST(jws, any_changed_character_is_noticed) {
  for (auto a : {algorithm::eddsa, algorithm::es256, algorithm::hs256}) {
    auto const k = key::generate(a);
    auto const keys = *key_set::of({k});
    auto const token = sign_jws(R"({"sub":"1"})", k);
    ASSERT_TRUE(verify_jws(token, keys));
    for (std::size_t at = 0; at < token.size(); ++at) {
      auto changed = token;
      changed[at] = changed[at] == 'A' ? 'B' : 'A';
      EXPECT_FALSE(verify_jws(changed, keys)) << to_string(a) << " at " << at;
    }
    for (std::size_t size = 0; size < token.size(); ++size)
      EXPECT_FALSE(verify_jws(std::string_view{token}.substr(0, size), keys)) << size;
  }
}

TEST(jws, the_key_decides_the_algorithm) {
  auto const ed = key::generate(algorithm::eddsa);
  auto const keys = *key_set::of({ed});
  auto const kid = R"(,"kid":")" + ed.kid() + "\"}";
  // The classic: the public key, which everybody has, used as an HMAC secret.
  for (auto const& secret_text : {ed.public_jwk(), keys.jwks()}) {
    auto const confused = *key::from_secret(secret<std::string>{secret_text});
    EXPECT_FALSE(verify_jws(forge(R"({"alg":"HS256")" + kid, "{}", confused), keys));
  }
  for (auto const* none : {"none", "None", "NONE", "nOnE", "", "EdDSA ", "eddsa", "ES256", "HS512"})
    EXPECT_FALSE(verify_jws(forge(std::string{R"({"alg":")"} + none + '"' + kid, "{}", ed), keys)) << none;
  EXPECT_FALSE(verify_jws(encode(R"({"alg":"none")" + kid) + ".e30.", keys));
  EXPECT_TRUE(verify_jws(forge(R"({"alg":"EdDSA")" + kid, "{}", ed), keys));
}

TEST(jws, headers_are_read_strictly) {
  auto const k = key::generate(algorithm::eddsa);
  auto const keys = *key_set::of({k});
  auto const id = R"("kid":")" + k.kid() + '"';
  auto const attempt = [&](std::string const& header) { return verify_jws(forge(header, "{}", k), keys).has_value(); };
  EXPECT_TRUE(attempt(R"({"alg":"EdDSA",)" + id + "}"));
  EXPECT_TRUE(attempt(R"( { "x": [1] , "alg" : "EdDSA", )" + id + "\n}"));
  EXPECT_FALSE(attempt(R"({"alg":"EdDSA"})"));
  EXPECT_FALSE(attempt(R"({"alg":"EdDSA","kid":"other"})"));
  EXPECT_FALSE(attempt(R"({"alg":"EdDSA","kid":7})"));
  EXPECT_FALSE(attempt("{" + id + "}"));
  EXPECT_FALSE(attempt(R"({"alg":["EdDSA"],)" + id + "}"));
  EXPECT_FALSE(attempt(R"({"alg":"none","alg":"EdDSA",)" + id + "}"));
  EXPECT_FALSE(attempt(R"({"alg":"EdDSA","\u0061lg":"EdDSA",)" + id + "}"));
  EXPECT_FALSE(attempt(R"({"alg":"EdDSA","crit":["exp"],"exp":1,)" + id + "}"));
  EXPECT_FALSE(attempt(R"({"alg":"EdDSA","b64":false,)" + id + "}"));
  EXPECT_FALSE(attempt(R"({"alg":"EdDSA","typ":1,)" + id + "}"));
  EXPECT_FALSE(attempt(R"({"alg":"EdDSA",)" + id + "} x"));
  EXPECT_FALSE(attempt("{\"alg\":\"EdDSA\",\"x\":\"\xff\"," + id + "}"));
  EXPECT_FALSE(attempt("\"EdDSA\""));
  EXPECT_FALSE(attempt(""));
}

TEST(jws, encoding_is_canonical) {
  auto const k = key::generate(algorithm::eddsa);
  auto const keys = *key_set::of({k});
  parts const good{sign_jws("a", k)};  // "YQ": four bits of the last digit carry nothing
  ASSERT_TRUE(verify_jws(good.token(), keys));
  for (auto const* payload : {"YR", "YQ==", "YQ\n", " YQ", "Y", "YQ+", "Y Q"}) {
    auto changed = good;
    changed.payload = payload;
    changed.signature = encode(k.sign(changed.input()));  // so that only the form is wrong
    EXPECT_FALSE(verify_jws(changed.token(), keys)) << payload;
  }
  EXPECT_FALSE(verify_jws(good.token() + ".", keys));
  EXPECT_FALSE(verify_jws(good.token() + "=", keys));
  EXPECT_FALSE(verify_jws("." + good.token(), keys));
  EXPECT_FALSE(verify_jws(R"({"payload":"YQ","signatures":[]})", keys));
}

TEST(jws, size_is_bounded) {
  auto const k = key::generate(algorithm::hs256);
  auto const keys = *key_set::of({k});
  EXPECT_TRUE(verify_jws(sign_jws(std::string(5000, 'x'), k), keys));
  EXPECT_FALSE(verify_jws(sign_jws(std::string(6200, 'x'), k), keys));
}

}  // namespace
}  // namespace slipway::auth
