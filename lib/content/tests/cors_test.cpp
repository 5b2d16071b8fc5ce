#include <slipway/content/cors.hpp>
#include <slipway/core/errors.hpp>

#include "support.hpp"

#include <gtest/gtest.h>

namespace slipway::content {
namespace {

cors_settings usual() {
  return {.origins = {"https://app.example.com", "http://localhost:5173", "https://*.trusted.org"},
          .credentials = true};
}

std::string allowed(http::middleware& layer, std::string_view origin) {
  call c{http::method::get, {{"Origin", origin}}};
  EXPECT_TRUE(layer.before(c.x));
  layer.after(c.x);
  return c.sent("Access-Control-Allow-Origin");
}

TEST(cors, repeats_listed_origins_alone) {
  auto layer = make_cors(usual());
  for (auto good :
       {"https://app.example.com", "http://localhost:5173", "https://a.trusted.org", "https://a.b.trusted.org"})
    EXPECT_EQ(allowed(*layer, good), good);
  for (auto bad : {"https://evil.com", "http://app.example.com", "https://app.example.com.evil.com",
                   "https://app.example.com:8443", "https://xapp.example.com", "null", "", "*", "https://trusted.org",
                   "https://eviltrusted.org", "https://.trusted.org.evil", "https://evil.com/.trusted.org",
                   "https://user@x.trusted.org", "https://evil.com:1.trusted.org", "HTTPS://APP.EXAMPLE.COM"})
    EXPECT_EQ(allowed(*layer, bad), "") << bad;
}

TEST(cors, fields_of_an_answer) {
  auto layer = make_cors(usual());
  call c{http::method::get, {{"Origin", "https://app.example.com"}}};
  c.x.response.add("Vary", "Accept-Encoding");
  layer->after(c.x);
  EXPECT_EQ(c.sent("Vary"), "Accept-Encoding | Origin");
  EXPECT_EQ(c.sent("Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(c.sent("Access-Control-Expose-Headers"),
            "Content-Disposition, Deprecation, ETag, Idempotent-Replayed, Link, Location, RateLimit, RateLimit-Policy, "
            "Retry-After, Sunset, X-Request-Id");
  call other{http::method::get, {{"Origin", "https://evil.com"}}};
  layer->after(other.x);
  EXPECT_EQ(other.sent("Vary"), "Origin");
  EXPECT_EQ(other.sent("Access-Control-Allow-Credentials"), "");
  call same;
  layer->after(same.x);
  EXPECT_EQ(same.sent("Vary"), "Origin");
}

TEST(cors, answers_preflights) {
  auto layer = make_cors(usual());
  call c{http::method::options,
         {{"Origin", "https://app.example.com"},
          {"Access-Control-Request-Method", "PATCH"},
          {"Access-Control-Request-Headers", "if-match, last-event-id"}}};
  EXPECT_FALSE(layer->before(c.x));
  layer->after(c.x);
  EXPECT_EQ(c.x.response.status, 204);
  EXPECT_EQ(c.sent("Access-Control-Allow-Origin"), "https://app.example.com");
  EXPECT_EQ(c.sent("Access-Control-Allow-Methods"), "GET, HEAD, POST, PUT, PATCH, DELETE");
  EXPECT_NE(c.sent("Access-Control-Allow-Headers").find("If-Match"), std::string::npos);
  EXPECT_NE(c.sent("Access-Control-Allow-Headers").find("Last-Event-ID"), std::string::npos);
  EXPECT_EQ(c.sent("Access-Control-Max-Age"), "7200");
  EXPECT_EQ(c.sent("Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(c.sent("Vary"), "Access-Control-Request-Method | Access-Control-Request-Headers | Origin");

  call evil{http::method::options, {{"Origin", "https://evil.com"}, {"Access-Control-Request-Method", "GET"}}};
  EXPECT_FALSE(layer->before(evil.x));
  layer->after(evil.x);
  EXPECT_EQ(evil.x.response.status, 403);
  EXPECT_EQ(evil.sent("Access-Control-Allow-Origin"), "");
  EXPECT_EQ(evil.sent("Access-Control-Allow-Methods"), "");

  call plain{http::method::options, {{"Origin", "https://app.example.com"}}};
  EXPECT_TRUE(layer->before(plain.x)) << "an ordinary OPTIONS is the server's";
}

TEST(cors, everyone_without_credentials) {
  auto layer = make_cors({.origins = {"*"}});
  call c{http::method::get, {{"Origin", "https://any.where"}}};
  layer->after(c.x);
  EXPECT_EQ(c.sent("Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(c.sent("Vary"), "");
  EXPECT_EQ(c.sent("Access-Control-Allow-Credentials"), "");
}

TEST(cors, refuses_dangerous_settings) {
  EXPECT_THROW(make_cors({.origins = {"*"}, .credentials = true}), startup_error);
  for (auto bad : {"null", "example.com", "https://example.com/", "https://Example.com", "https://", "https://a b",
                   "https://*", "*.example.com", "https://a*.example.com", "", "https://*.*.com"})
    EXPECT_THROW(make_cors({.origins = {bad}}), startup_error) << bad;
  EXPECT_THROW(make_cors({.origins = {"*", "https://a.b"}}), startup_error);
  EXPECT_THROW(make_cors({.headers = {"X\r\nY"}}), startup_error);
  EXPECT_NO_THROW(make_cors({}));
}

}  // namespace
}  // namespace slipway::content
