#include <slipway/auth/jws.hpp>
#include <slipway/auth/tokens.hpp>

#include "support.hpp"

#include <gtest/gtest.h>

namespace slipway::auth {
namespace {

using namespace std::chrono_literals;
using tests::encode;
using tests::forge;
using tests::noon;
using tests::parts;

struct tokens : testing::Test {
  manual_clock clock{noon};
  key_ring ring{{{.key = key::generate(algorithm::eddsa), .since = noon - 1h}}, 24h, clock};
  token_settings settings{
      .issuer = "https://id.example", .audience = "api", .lifetime = 15min, .leeway = 30s, .cache = 8};
  token_issuer issuer{settings, ring, clock};
  token_verifier verifier{settings, ring, clock};
  uuid user = make_uuid7();
  std::string issue() { return issuer.issue({.subject = user}).token; }
  std::string code(std::string_view token) {
    auto const r = verifier.verify(token);
    return r ? "good" : std::string{r.error().code()};
  }
  std::string header(std::string_view typ = "at+jwt") {
    return R"({"alg":"EdDSA","typ":")" + std::string{typ} + R"(","kid":")" + ring.current()->signing->kid() + "\"}";
  }
  // The claims that `issue` makes, with one text replaced, signed with the right key.
  std::string altered(std::string_view what, std::string_view instead) {
    auto text = *from_base64url(parts{issue()}.payload);
    auto const at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what << " in " << text;
    text.replace(at, what.size(), instead);
    return forge(header(), text, *ring.current()->signing);
  }
};

TEST_F(tokens, what_is_issued_is_verified) {
  auto const session = make_uuid7();
  auto const issued = issuer.issue({.subject = user,
                                    .session = session,
                                    .permissions = permission_set::from_bits(5),
                                    .roles = {"admin"},
                                    .scopes = "a b",
                                    .extra = {{"tenant", "7"}}});
  EXPECT_EQ(issued.expires_at, noon + 15min);
  EXPECT_EQ(issued.expires_in, 900s);
  auto const who = verifier.verify(issued.token);
  ASSERT_TRUE(who) << who.error().more().internal;
  EXPECT_EQ((*who)->subject, user);
  EXPECT_EQ((*who)->session, session);
  EXPECT_EQ((*who)->id, issued.id);
  EXPECT_EQ((*who)->permissions.bits(), 5u);
  EXPECT_EQ((*who)->roles, std::vector<std::string>{"admin"});
  EXPECT_EQ((*who)->scopes, "a b");
  EXPECT_EQ((*who)->issuer, "https://id.example");
  EXPECT_EQ((*who)->audience, std::vector<std::string>{"api"});
  EXPECT_EQ((*who)->issued_at, noon);
  EXPECT_EQ((*who)->expires_at, noon + 15min);
  EXPECT_EQ((*who)->extra.at("tenant"), "7");
}

TEST_F(tokens, expiry_has_an_edge_and_leeway) {
  auto const token = issue();
  for (int round = 0; round < 2; ++round) {  // from the signature, and from memory
    clock.jump(noon + 15min + 30s - 1us);
    EXPECT_EQ(code(token), "good");
  }
  clock.jump(noon + 15min + 30s);
  EXPECT_EQ(code(token), "token_expired");
  EXPECT_EQ(code(token), "token_expired");
  EXPECT_EQ(verifier.use().kept, 0u);
}

TEST_F(tokens, clocks_may_be_apart_by_the_leeway_only) {
  auto const token = issue();
  clock.jump(noon - 30s);
  EXPECT_EQ(code(token), "good");
  clock.jump(noon - 30s - 1us);
  EXPECT_EQ(code(token), "invalid_token");  // although it is remembered as good
  clock.jump(noon);
  auto const later = issuer.issue({.subject = user, .not_before = noon + 60s}).token;
  EXPECT_EQ(code(later), "invalid_token");
  clock.advance(30s);
  EXPECT_EQ(code(later), "good");
}

TEST_F(tokens, issuer_and_audience_must_be_ours) {
  EXPECT_EQ(code(issuer.issue({.subject = user, .issuer = "https://other.example"}).token), "invalid_token");
  EXPECT_EQ(code(issuer.issue({.subject = user, .audience = {"console"}}).token), "invalid_token");
  EXPECT_EQ(code(issuer.issue({.subject = user, .audience = {"console", "api"}}).token), "good");
  EXPECT_EQ(code(altered(R"("aud":"api")", R"("aud":[])")), "invalid_token");
  EXPECT_EQ(code(altered(R"("aud":"api")", R"("aud":"API")")), "invalid_token");
}

TEST_F(tokens, only_access_tokens_pass) {
  auto const text = *from_base64url(parts{issue()}.payload);
  auto const& k = *ring.current()->signing;
  for (auto const* good : {"at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+jwt"})
    EXPECT_EQ(code(forge(header(good), text, k)), "good") << good;
  for (auto const* bad : {"JWT", "", "at+jw", "text/at+jwt", "application/at+jwt ", "logout+jwt"})
    EXPECT_EQ(code(forge(header(bad), text, k)), "invalid_token") << bad;
  EXPECT_EQ(code(forge(R"({"alg":"EdDSA","kid":")" + k.kid() + "\"}", text, k)), "invalid_token");
}

TEST_F(tokens, claims_must_be_complete_and_of_their_kind) {
  EXPECT_EQ(code(altered(R"("exp":)", R"("ex":)")), "invalid_token");
  EXPECT_EQ(code(altered(R"("sub":")" + user.text(), R"("sub":")" + uuid{}.text())), "invalid_token");
  EXPECT_EQ(code(altered(R"("jti":")", R"("jti":"x)")), "invalid_token");
  EXPECT_EQ(code(altered("{", R"({"exp":99999999999,)")), "invalid_token");
}

TEST_F(tokens, rubbish_is_refused_and_not_remembered) {
  auto const good = issue();
  for (std::string const& bad :
       {std::string{}, std::string{"."}, std::string{".."}, std::string{"..."}, std::string{"a.b.c"}, good + "A",
        good.substr(1), std::string(9000, 'A'), std::string(1 << 20, '.')})
    EXPECT_EQ(code(bad), "invalid_token");
  auto other = key::generate(algorithm::eddsa);
  EXPECT_EQ(code(forge(header(), *from_base64url(parts{good}.payload), other)), "invalid_token");
  EXPECT_EQ(verifier.use().kept, 0u);
  EXPECT_EQ(verifier.use().refused, 10u);
}

TEST_F(tokens, the_second_time_costs_a_look_up) {
  auto const token = issue();
  auto const first = *verifier.verify(token);
  EXPECT_EQ(*verifier.verify(token), first);  // the same object
  EXPECT_EQ(verifier.use().misses, 1u);
  EXPECT_EQ(verifier.use().hits, 1u);
}

TEST_F(tokens, memory_of_good_tokens_is_bounded) {
  std::string last;
  for (int i = 0; i < 200; ++i) ASSERT_EQ(code(last = issue()), "good");
  EXPECT_LE(verifier.use().kept, 8u);
  EXPECT_EQ(code(last), "good");
  EXPECT_EQ(verifier.use().hits, 1u);
}

TEST_F(tokens, nothing_is_remembered_when_that_is_wanted) {
  settings.cache = 0;
  token_verifier plain{settings, ring, clock};
  auto const token = issue();
  EXPECT_TRUE(plain.verify(token));
  EXPECT_TRUE(plain.verify(token));
  EXPECT_EQ(plain.use().misses, 2u);
}

TEST_F(tokens, a_retired_key_takes_its_tokens_with_it_remembered_or_not) {
  auto const old_key = ring.current()->signing;
  settings.lifetime = 100h;
  key_ring two{{{.key = *old_key, .since = noon - 1h}, {.key = key::generate(algorithm::eddsa), .since = noon + 1h}},
               24h,
               clock};
  token_verifier v{settings, two, clock};
  auto const token = token_issuer{settings, two, clock}.issue({.subject = user}).token;
  EXPECT_TRUE(v.verify(token));
  clock.jump(noon + 25h - 1us);
  EXPECT_TRUE(v.verify(token));
  clock.jump(noon + 25h);
  auto const refused = v.verify(token);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), "invalid_token");
}

TEST(tokens_of_several_processes, a_new_key_of_another_process_is_found) {
  slipway::tests::temporary_folder scratch{"auth"};
  manual_clock clock{noon};
  key_settings const keys{.directory = scratch / "keys"};
  key_ring here{keys, clock}, there{keys, clock};
  token_verifier v{{}, here, clock};
  clock.advance(1min);
  there.rotate();
  EXPECT_TRUE(v.verify(token_issuer({}, there, clock).issue({.subject = make_uuid7()}).token));
}

TEST_F(tokens, what_could_not_be_verified_is_not_issued) {
  EXPECT_THROW(issuer.issue({}), std::invalid_argument);
  EXPECT_THROW(issuer.issue({.subject = user, .extra = {{"exp", "1"}}}), std::invalid_argument);
  EXPECT_THROW(issuer.issue({.subject = user, .extra = {{"x", "unquoted"}}}), std::invalid_argument);
  EXPECT_THROW(issuer.issue({.subject = user, .extra = {{"x", R"(1,"sub":"0")"}}}), std::invalid_argument);
  EXPECT_THROW(issuer.issue({.subject = user, .roles = {"\xff"}}), std::invalid_argument);
  EXPECT_THROW(issuer.issue({.subject = user, .scopes = std::string(8000, 'x')}), std::invalid_argument);
}

TEST_F(tokens, faults_tell_the_client_nothing_but_their_code) {
  auto const refused = verifier.verify("a.b.c");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind(), fault_kind::unauthenticated);
  EXPECT_TRUE(refused.error().more().detail.empty());
  EXPECT_FALSE(refused.error().more().internal.empty());
}

}  // namespace
}  // namespace slipway::auth
