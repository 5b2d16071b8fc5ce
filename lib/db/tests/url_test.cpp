#include <slipway/core/errors.hpp>
#include <slipway/db/database.hpp>
#include <slipway/db/sqlite_file.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::db {
namespace {

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

TEST(url, the_file_of_sqlite_is_named_as_it_stands) {
  for (std::string const file : {"var/app.db", "/srv/app.db", "//srv/app.db", "what?.db", ":memory:.db", "a b"})
    EXPECT_EQ(sqlite_file("sqlite:" + file), file);
  for (auto const* url : {"sqlite::memory:", "postgres://a@b/c", "mysql://a@b/c", "var/app.db", ""})
    EXPECT_EQ(sqlite_file(url), std::nullopt) << url;
  EXPECT_THROW(sqlite_file("sqlite:"), startup_error);
}

TEST(url, no_message_shows_a_password_that_was_not_escaped) {
  shards on{1};
  for (auto const* url :
       {"postgres://me:secret/more@localhost/db", "postgres://me:1/secret@localhost",
        "postgres://me:s@secret@localhost/db", "postgres://me:s@localhost/secret@db",
        "mysql://me:secret/more@localhost/db", "mysql://me:1/secret@localhost", "mysql://me:s@secret@localhost/db",
        "mysql://me:s@localhost/secret@db", "me:secret@localhost/db", "host=localhost password=secret",
        "other://localhost/db?password=secret", "other://me:secret?more@localhost"}) {
    try {
      database const refused{connect({.url = url, .connect_attempts = 1}, on)};
      ADD_FAILURE() << url;
    } catch (startup_error const& e) {
      EXPECT_EQ(e.code(), exit_code::config) << url;
      EXPECT_THAT(e.what(), testing::Not(testing::HasSubstr("secret"))) << url;
    }
  }
}

}  // namespace
}  // namespace slipway::db
