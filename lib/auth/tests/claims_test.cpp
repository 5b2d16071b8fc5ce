#include "support.hpp"

#include <gtest/gtest.h>

namespace slipway::auth {
namespace {

using namespace std::chrono_literals;
using tests::noon;

enum class permission { read, write };

claims full() {
  return {.subject = *uuid::parse("0198c0de-0000-7000-8000-000000000001"),
          .session = *uuid::parse("0198c0de-0000-7000-8000-000000000002"),
          .id = *uuid::parse("0198c0de-0000-7000-8000-000000000003"),
          .permissions = permission_set{permission::read, permission::write},
          .roles = {"admin", "a \"quoted\" one"},
          .scopes = "notes:read notes:write",
          .issuer = "https://id.example",
          .audience = {"api", "console"},
          .issued_at = noon,
          .expires_at = noon + 15min,
          .not_before = noon - 1min,
          .extra = {{"tenant", R"("acme\u0000")"}, {"limits", R"({"a":[1,2.5,null]})"}}};
}

TEST(claims, survive_writing_and_reading) {
  auto const c = full();
  auto const back = parse_claims(write_claims(c));
  ASSERT_TRUE(back) << back.error().more().internal;
  EXPECT_EQ(back->subject, c.subject);
  EXPECT_EQ(back->session, c.session);
  EXPECT_EQ(back->id, c.id);
  EXPECT_EQ(back->permissions, c.permissions);
  EXPECT_EQ(back->roles, c.roles);
  EXPECT_EQ(back->scopes, c.scopes);
  EXPECT_EQ(back->issuer, c.issuer);
  EXPECT_EQ(back->audience, c.audience);
  EXPECT_EQ(back->issued_at, c.issued_at);
  EXPECT_EQ(back->expires_at, c.expires_at);
  EXPECT_EQ(back->not_before, c.not_before);
  EXPECT_EQ(back->extra, c.extra);
  EXPECT_TRUE(back->who().may(permission::write));
}

TEST(claims, keep_all_64_permissions) {
  auto c = full();
  c.permissions = permission_set::from_bits(0xffffffffffffffff);
  EXPECT_EQ(parse_claims(write_claims(c))->permissions.bits(), 0xffffffffffffffff);
}

TEST(claims, are_refused_when_one_has_another_form) {
  auto const good = write_claims(full());
  ASSERT_TRUE(parse_claims(good));
  auto const with = [&](std::string_view what, std::string_view instead) {
    auto text = good;
    auto const at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return text.replace(at, what.size(), instead);
  };
  for (auto const& bad : {
           with(R"("sub":"0198c0de-0000-7000-8000-000000000001")", R"("sub":"alice")"),
           with(R"("sub":"0198c0de-0000-7000-8000-000000000001")", R"("sub":1)"),
           with(R"("sub":)", R"("sbu":)"),
           with(R"("iss":"https://id.example")", R"("iss":null)"),
           with(R"("aud":["api","console"])", R"("aud":["api",1])"),
           with(R"("aud":["api","console"])", R"("aud":{})"),
           with(R"("exp":1769861700)", R"("exp":"1769861700")"),
           with(R"("exp":1769861700)", R"("exp":-1)"),
           with(R"("exp":1769861700)", R"("exp":1e300)"),
           with(R"("exp":1769861700)", R"("exp":253402300800)"),
           with(R"("perm":"3")", R"("perm":"")"),
           with(R"("perm":"3")", R"("perm":"x")"),
           with(R"("perm":"3")", R"("perm":"-3")"),
           with(R"("perm":"3")", R"("perm":"11111111111111111")"),
           with(R"("perm":"3")", R"("perm":3)"),
           with(R"("iss":)", R"("iss":"other","iss":)"),               // which of the two?
           with(R"({"a":[1,2.5,null]})", R"({"a":[{"b":1,"b":2}]})"),  // also deep inside
           good + " x",
           std::string{"[]"},
           std::string{"{}"},
           std::string{},
       })
    EXPECT_FALSE(parse_claims(bad)) << bad;
}

TEST(claims, take_dates_with_a_fraction) {
  auto text = write_claims(full());
  text.replace(text.find("1769861700"), 10, "1769861700.25");
  EXPECT_EQ(parse_claims(text)->expires_at, noon + 15min + 250ms);
}

TEST(claims, nested_without_end_are_refused) {
  auto c = full();
  c.extra["deep"] = std::string(40, '[') + std::string(40, ']');
  EXPECT_FALSE(parse_claims(write_claims(c)));
}

}  // namespace
}  // namespace slipway::auth
