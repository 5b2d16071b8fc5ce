#include "support.hpp"

#include <slipway/log/access.hpp>
#include <slipway/log/redact.hpp>

#include <gmock/gmock.h>

namespace slipway::log::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Redaction, KnowsNamesByTheirWords) {
  std::vector<std::string> const more{"ssn", "X-Internal"};
  redactor const r{more};
  for (auto const* key : {"password",    "Password",     "user_password", "password_hash", "newPassword",
                          "token",       "access_token", "refreshToken",  "Authorization", "Proxy-Authorization",
                          "cookie",      "Set-Cookie",   "set_cookie",    "api_key",       "x-api-key",
                          "apiKey",      "APIKEY",       "client.secret", "secret",        "private_key",
                          "credentials", "ssn",          "user.ssn",      "x_internal",    "X-Internal-Id"})
    EXPECT_TRUE(r.masks(key)) << key;
  for (auto const* key :
       {"tokens_used", "user_id", "passed", "path", "key", "secretary", "cookies_enabled", "author", ""})
    EXPECT_FALSE(r.masks(key)) << key;
}

// Every way in which a secret may reach the log, and then a search through everything that was written.
TEST(Redaction, NoSecretIsFoundInTheLog) {
  constexpr std::string_view secret = "hunter2SECRETvalue";
  std::string const s{secret};
  for (auto const f : {format::json, format::text}) {
    auto with = quick();
    with.format = f;
    with.redact = {"pin"};
    memory_journal j{with};
    auto const log = j.journal.named("a");
    log.info(
        "login",
        {{"password", s}, {"Authorization", "Bearer " + s}, {"set-cookie", "sid=" + s}, {"api_key", s}, {"pin", s}});
    log.info("header", {{"value", "Bearer " + s}, {"other", "BASIC " + s}, {"two", "a bearer " + s + ", Basic " + s}});
    log.error("connect failed", {{"error", "cannot connect to postgres://app:" + s + "@db:5432/app?x=1"},
                                 {"again", "redis://:" + s + "@cache"}});
    log.error("connect failed", {{"error", "host=db user=app password=" + s + " dbname=x"},
                                 {"quoted", "password='" + s + "'"},
                                 {"query", "/cb?a=1&token=" + s + "&b=2"}});
    log.error("message with postgres://app:" + s + "@db");
    access_log access{j.journal, {}};
    access.write({.method = "GET", .path = "/x", .status = 500, .internal = "postgres://app:" + s + "@db"});
    j.journal.flush(5s);
    auto const all = j.text->copy();
    EXPECT_THAT(all, Not(HasSubstr(s))) << all;
    EXPECT_THAT(all, HasSubstr("postgres://app:***@db:5432/app?x=1"));
    EXPECT_THAT(all, HasSubstr("password=*** dbname=x"));
  }
}

TEST(Redaction, LeavesOtherTextAlone) {
  memory_journal j;
  j.journal.named("a").info("see https://example.org/a:b@c",
                            {{"url", "http://host/p?q=1"}, {"words", "basically a bearer of news"}, {"end", "Basic"}});
  auto const line = j.lines().at(0);
  EXPECT_THAT(line, HasSubstr("https://example.org/a:b@c"));
  EXPECT_THAT(line, HasSubstr("http://host/p?q=1"));
  EXPECT_THAT(line, HasSubstr(R"("end":"Basic")"));
}

}  // namespace
}  // namespace slipway::log::test
