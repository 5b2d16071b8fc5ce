#include <slipway/core/errors.hpp>
#include <slipway/db/database.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::db {
namespace {

TEST(url, no_message_shows_the_password) {
  EXPECT_EQ(without_password("postgres://me:pa:ss@host:5432/db"), "postgres://me:***@host:5432/db");
  EXPECT_EQ(without_password("postgres://me@host/db"), "postgres://me@host/db");
  EXPECT_EQ(without_password("postgres://host/db?user=me&password=secret&sslmode=require"),
            "postgres://host/db?user=me&password=***&sslmode=require");
  EXPECT_EQ(without_password("sqlite:var/app.db"), "sqlite:var/app.db");
}

TEST(url, an_unknown_engine_is_refused) {
  shards on{1};
  try {
    database refused{connect({.url = "oracle://me:secret@host/db"}, on)};
    FAIL();
  } catch (startup_error const& e) {
    EXPECT_EQ(e.code(), exit_code::config);
    EXPECT_THAT(e.what(), testing::AllOf(testing::HasSubstr("oracle"), testing::Not(testing::HasSubstr("secret"))));
  }
}

}  // namespace
}  // namespace slipway::db
