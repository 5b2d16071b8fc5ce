// Feeds of a database that has replicas: real ones, which are behind.
#include "fixture.hpp"

#include "../../db/tests/postgres_replicas_case.hpp"

namespace slipway::documents::tests {
namespace {

class postgres_feeds : public db::tests::replicas_case {};

TEST_F(postgres_feeds, are_not_told_as_gone_by_a_server_that_is_behind) {
  open();
  auto const in = make_sql_store(*db_);
  run(in->prepare(all_collections()));
  caught_up();
  for (auto const& each : replicas_) each->ask("select pg_wal_replay_pause()");
  collection<setting> settings{*in};
  run(settings.insert({.id = "a"}));
  auto const token = run(settings.feed_end());
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(read(settings.feed_end()), token);
    auto const nothing = read(settings.feed(token));
    ASSERT_TRUE(nothing.has_value()) << nothing.error().code();
    EXPECT_TRUE(nothing->empty());
  }
}

}  // namespace
}  // namespace slipway::documents::tests
