#include <slipway/core/server_url.hpp>

#include <gtest/gtest.h>

namespace slipway {
namespace {

TEST(server_url, is_shown_without_its_password) {
  EXPECT_EQ(without_password("postgres://me:pa:ss@host:5432/db"), "postgres://me:***@host:5432/db");
  EXPECT_EQ(without_password("postgres://me@host/db"), "postgres://me@host/db");
  EXPECT_EQ(without_password("redis://:secret@h"), "redis://:***@h");
  EXPECT_EQ(without_password("redis://h:1"), "redis://h:1");
  EXPECT_EQ(without_password("mongodb://u:secret@a:1,b:2/db"), "mongodb://u:***@a:1,b:2/db");
  EXPECT_EQ(without_password("sqlite:var/app.db"), "sqlite:var/app.db");
  EXPECT_EQ(without_password(""), "");
}

TEST(server_url, passwords_that_were_not_escaped_are_hidden_as_well) {
  EXPECT_EQ(without_password("redis://ada:se/cr@et@h:1/0"), "redis://ada:***@h:1/0");
  EXPECT_EQ(without_password("postgres://me:se/cret@host/db"), "postgres://me:***@host/db");
  EXPECT_EQ(without_password("postgres://me:se?cret@host/db"), "postgres://***");
  EXPECT_EQ(without_password("postgres://me:se#cret@host/db"), "postgres://***");
}

TEST(server_url, parameters_are_hidden) {
  EXPECT_EQ(without_password("postgres://host/db?user=me&password=secret"), "postgres://host/db?***");
  EXPECT_EQ(without_password("mongodb://u:p@h/db?tlsCertificateKeyFilePassword=secret"), "mongodb://u:***@h/db?***");
  EXPECT_EQ(without_password("postgres://host/db?password=se@cret"), "postgres://***");
  EXPECT_EQ(without_password("sqlite:var/app.db?key=secret"), "sqlite:var/app.db?***");
}

TEST(server_url, what_is_no_url_is_hidden_where_it_may_hold_a_password) {
  EXPECT_EQ(without_password("me:secret@host/db"), "***");
  EXPECT_EQ(without_password("host=h password=secret"), "***");
  EXPECT_EQ(without_password("secret@h/://x"), "***");
  EXPECT_EQ(without_password("localhost:6379"), "localhost:6379");
}

TEST(server_url, an_at_where_none_belongs) {
  for (auto const* good : {"postgres://me:secret@host/db", "postgres://host/db", "postgres://me:x@h/db?password=a@b",
                           "mongodb://u:p@a:1,b:2/db", "sqlite:var/a@b.db", "redis:///run/redis.sock"})
    EXPECT_FALSE(has_stray_at(good)) << good;
  for (auto const* bad : {"postgres://me:se/cret@host/db", "postgres://me:12/cret@host",
                          "postgres://me:se@cret@host/db", "postgres://me:s@e/cret@host/db", "mongodb://u:p@h/d@b"})
    EXPECT_TRUE(has_stray_at(bad)) << bad;
}

}  // namespace
}  // namespace slipway
