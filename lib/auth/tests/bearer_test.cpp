#include <slipway/auth/bearer.hpp>

#include <gtest/gtest.h>

namespace slipway::auth {
namespace {

TEST(bearer, takes_the_token_whatever_the_case_of_the_scheme) {
  EXPECT_EQ(parse_bearer("Bearer abc.def-_~+/=="), "abc.def-_~+/==");
  EXPECT_EQ(parse_bearer("bEARER   x"), "x");
}

TEST(bearer, tells_no_credentials_from_broken_ones) {
  for (auto const* none : {"", "Basic dXNlcjpwYXNz", "Bearerx y", "Digest a=b"})
    EXPECT_EQ(parse_bearer(none).error(), bearer_error::none) << none;
  for (auto const* broken : {"Bearer", "Bearer ", "Bearer a b", "Bearer a,b", "Bearer =", "Bearer a=b", "Bearer \"a\"",
                             "Bearer a\t", "Bearer \xc3\xa4"})
    EXPECT_EQ(parse_bearer(broken).error(), bearer_error::invalid_request) << broken;
}

TEST(bearer, challenges_as_rfc_6750_says) {
  EXPECT_EQ(bearer_challenge("api"), R"(Bearer realm="api")");
  EXPECT_EQ(bearer_challenge("api", bearer_error::invalid_token, "The access token has expired"),
            R"(Bearer realm="api", error="invalid_token", error_description="The access token has expired")");
  EXPECT_EQ(bearer_challenge("", bearer_error::insufficient_scope, "", "notes:write"),
            R"(Bearer error="insufficient_scope", scope="notes:write")");
  EXPECT_EQ(bearer_challenge(""), "Bearer");
}

TEST(bearer, cannot_be_broken_out_of) {
  EXPECT_EQ(bearer_challenge("a\"b\\c\r\nX: y\xff"), "Bearer realm=\"a'b'c''X: y'\"");
}

TEST(bearer, has_the_statuses_of_section_3_1) {
  EXPECT_EQ(status_of(bearer_error::none), 401);
  EXPECT_EQ(status_of(bearer_error::invalid_request), 400);
  EXPECT_EQ(status_of(bearer_error::invalid_token), 401);
  EXPECT_EQ(status_of(bearer_error::insufficient_scope), 403);
}

}  // namespace
}  // namespace slipway::auth
