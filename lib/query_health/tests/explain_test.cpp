// A planted missing index is found on every engine, and is not missing any more once it is made.
#include "fixture.hpp"

#include <slipway/query_health/advice.hpp>

namespace slipway::query_health {
namespace {

using namespace db::tests;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint64_t many = 1'000;
constexpr std::chrono::seconds limit{5};

class plans_of : public each_engine {
 protected:
  void SetUp() override {
    each_engine::SetUp();
    if (IsSkipped()) return;
    std::vector<counter> rows;
    for (int i = 0; i < 5'000; ++i) rows.push_back({.name = "n" + std::to_string(i), .value = i});
    run(db_->insert_many(std::move(rows)));
    if (GetParam() == db::dialect::postgres) run(db_->script("analyze counters"));
    if (GetParam() == db::dialect::mysql) run(db_->script("analyze table counters"));
  }
  plan plan_for(std::string sql, std::vector<db::value_kind> signature = {}) {
    return run(explain(*db_, std::move(sql), std::move(signature), limit));
  }
  std::vector<advice> advice_for(std::string sql, std::vector<db::value_kind> signature = {}) {
    auto const found = plan_for(std::move(sql), std::move(signature));
    return run(advise(*db_, found, many));
  }
};

TEST_P(plans_of, a_planted_missing_index_is_found_and_then_made) {
  auto const sql = "select id, name from counters where value = $1 order by id";
  auto const found = advice_for(sql, {db::value_kind::integer});
  ASSERT_THAT(found, SizeIs(1)) << plan_for(sql).text;
  EXPECT_EQ(found[0].table, "counters");
  EXPECT_THAT(found[0].columns, testing::ElementsAre("value"));
  EXPECT_GE(found[0].rows, many);
  run(db_->script(found[0].sql));  // what is advised can be done as it stands
  EXPECT_THAT(advice_for(sql, {db::value_kind::integer}), IsEmpty());
}

TEST_P(plans_of, what_finds_its_rows_by_an_index_is_well) {
  EXPECT_THAT(advice_for("select * from counters where name = $1", {db::value_kind::text}), IsEmpty());
  EXPECT_THAT(advice_for("select * from counters where id = $1", {db::value_kind::integer}), IsEmpty());
  EXPECT_THAT(advice_for("select * from counters"), IsEmpty()) << "who wants all reads all";
  EXPECT_THAT(advice_for("select * from notes where stars = $1", {db::value_kind::integer}), IsEmpty()) << "empty";
}

TEST_P(plans_of, changes_are_explained_and_not_done) {
  auto const found = advice_for("delete from counters where value = $1", {db::value_kind::integer});
  EXPECT_THAT(found, SizeIs(1));
  EXPECT_FALSE(plan_for("update counters set value = $1 where value = $2").text.empty());
  EXPECT_NO_THROW(
      plan_for("insert into counters (name, value) values ($1, $2)", {db::value_kind::text, db::value_kind::integer}));
  auto const count = [](db::database& d) -> task<std::int64_t> { co_return co_await d.from<counter>().count(); };
  EXPECT_EQ(run(count(*db_)), 5'000);
}

TEST_P(plans_of, what_is_no_statement_says_so_and_leaves_nothing_behind) {
  EXPECT_THROW(plan_for("select nothing from nowhere"), db::error);
  EXPECT_THROW(plan_for("select 1; drop table counters"), db::error);
  for (int i = 0; i < 3; ++i) {
    EXPECT_THROW(plan_for("select broken"), db::error);
    EXPECT_THAT(plan_for("select * from counters where value = $1;").text, HasSubstr("counters"));
  }
}

TEST_P(plans_of, a_join_without_an_index_is_told_apart_by_its_table) {
  auto const found = plan_for("select c.id from counters as c where c.value = $1", {db::value_kind::integer});
  ASSERT_THAT(found.scans, SizeIs(1)) << found.text;
  EXPECT_EQ(found.scans[0].table, "counters");
  EXPECT_THAT(run(advise(*db_, found, many)), SizeIs(1));
}

INSTANTIATE_TEST_SUITE_P(engines, plans_of, all_engines(), engine_name);

}  // namespace
}  // namespace slipway::query_health
