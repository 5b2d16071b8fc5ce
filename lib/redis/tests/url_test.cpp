#include <slipway/core/errors.hpp>
#include <slipway/redis/url.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace slipway;
using namespace slipway::redis;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

namespace {

TEST(redis_url, of_one_server) {
  auto const t = parse_url("redis://ada:s%40cret@cache.example.com:6390/3");
  EXPECT_EQ(t.mode, mode::single);
  EXPECT_FALSE(t.tls);
  EXPECT_EQ(t.servers[0].text(), "cache.example.com:6390");
  EXPECT_EQ(t.user, "ada");
  EXPECT_EQ(t.password, "s@cret");
  EXPECT_EQ(t.database, 3u);
  auto const plain = parse_url("rediss://:only-password@[::1]");
  EXPECT_TRUE(plain.tls);
  EXPECT_EQ(plain.user, "");
  EXPECT_EQ(plain.password, "only-password");
  EXPECT_EQ(plain.servers[0].text(), "[::1]:6379");
  EXPECT_EQ(parse_url("redis+unix:///run/redis.sock").servers[0].path, "/run/redis.sock");
}

TEST(redis_url, of_sentinels_and_clusters) {
  auto const s = parse_url("rediss+sentinel://u:p@a,b:26380/main/2");
  EXPECT_EQ(s.mode, mode::sentinel);
  EXPECT_TRUE(s.tls);
  EXPECT_EQ(s.servers[0].text(), "a:26379");
  EXPECT_EQ(s.servers[1].text(), "b:26380");
  EXPECT_EQ(s.master, "main");
  EXPECT_EQ(s.database, 2u);
  auto const c = parse_url("redis+cluster://a:7000,b:7001");
  EXPECT_EQ(c.mode, mode::cluster);
  EXPECT_EQ(c.servers.size(), 2u);
}

TEST(redis_url, what_is_wrong_is_said_and_the_password_is_not) {
  auto const refused = [](char const* url) {
    try {
      (void)parse_url(url);
    } catch (startup_error const& error) {
      EXPECT_EQ(error.code(), exit_code::config);
      return std::string{error.what()};
    }
    return std::string{"it was accepted"};
  };
  for (auto const& [url, what] : std::initializer_list<std::pair<char const*, char const*>>{
           {"localhost:6379", "is no URL"},
           {"http://localhost", "is no URL of Redis"},
           {"redis+what://localhost", "scheme that is not known"},
           {"redis://", "names no host"},
           {"redis://:secretpw@", "names no host"},
           {"redis://u:secretpw@h:99999", "the port '99999'"},
           {"redis://u:secretpw@h:0", "the port 0"},
           {"redis://u:secretpw@h:x", "the port 'x'"},
           {"redis://u:secretpw@h/x", "the database 'x'"},
           {"redis://u:secretpw@h/1/2", "more in its path"},
           {"redis://u:secretpw%zz@h/1", "a % that is followed"},
           {"redis://a,b", "several servers"},
           {"redis+sentinel://a", "does not name the master"},
           {"redis+cluster://a/1", "only number 0"},
           {"redis://u:secretpw@h?db=1", "no options are known"},
           {"redis+unix://host/x", "path of a socket"},
           {"redis://u:secret/pw@h", "a / before its @"},
           {"redis://u:secret/pw@h/0", "a / before its @"},
           {"redis://u:12/secret@h", "a / before its @"},
           {"redis+sentinel://u:secret/pw@h/main", "a / before its @"},
           {"redis://h/0?password=secretpw", "no options are known"},
           {"redis://u:secret?pw@h", "no options are known"},
           {"redis://u:secret#pw@h", "no options are known"},
           {"redis+unix://:secret/pw@/x?password=secret", "no options are known"},
           {"http://u:secret/pw@h?password=secret", "is no URL of Redis"},
           {"redis:secret@h", "is no URL"},
           {"redis://[::1", "a [ without a ]"}}) {
    EXPECT_THAT(refused(url), HasSubstr(what)) << url;
    EXPECT_THAT(refused(url), AllOf(Not(HasSubstr("secret")), Not(HasSubstr("pw@")))) << url;
  }
}

}  // namespace
