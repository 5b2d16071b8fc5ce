// What the server itself has counted, and what is said where it has not.
#include "fixture.hpp"

#include <slipway/query_health/statements.hpp>

namespace slipway::query_health {
namespace {

using namespace db::tests;
using testing::HasSubstr;

class counted_statements : public each_engine {};

TEST_P(counted_statements, where_nothing_is_counted_that_is_said_with_what_to_do) {
  try {
    run(most_expensive(*db_, 5));
    FAIL() << "these servers are started without";
  } catch (not_counted_error const& why) {
    auto const* word = GetParam() == db::dialect::postgres ? "shared_preload_libraries"
                       : GetParam() == db::dialect::mysql  ? "performance_schema=ON"
                                                           : "log of slow statements";
    EXPECT_THAT(why.what(), HasSubstr(word));
  }
}
INSTANTIATE_TEST_SUITE_P(engines, counted_statements, all_engines(), engine_name);

TEST(pg_stat_statements, are_read_by_what_they_cost) {
  std::string why_not;
  auto const server = postgres_server::own({.preload = "pg_stat_statements"}, why_not);
  if (server == nullptr) GTEST_SKIP() << "SKIPPED LOUDLY: " << why_not;
  shards on{1};
  db::settings s;
  s.url = server->make_database();
  db::database d{db::connect(s, on)};
  EXPECT_THROW(on.run(most_expensive(d, 5)), not_counted_error);
  on.run(d.script("create extension pg_stat_statements"));
  on.run(d.script(schema(db::dialect::postgres)));
  for (std::int64_t i = 0; i < 7; ++i) on.run(d.query("select count(*) from counters where value = $1", {i}));
  auto const all = on.run(most_expensive(d, 50));
  auto const found =
      std::find_if(all.begin(), all.end(), [](auto const& each) { return each.sql.contains("from counters where"); });
  ASSERT_NE(found, all.end());
  EXPECT_EQ(found->calls, 7u);
  EXPECT_EQ(found->rows, 7u);
  EXPECT_GT(found->share, 0);
  EXPECT_LE(on.run(most_expensive(d, 2)).size(), 2u);
}

}  // namespace
}  // namespace slipway::query_health
