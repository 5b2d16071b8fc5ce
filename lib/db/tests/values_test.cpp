// Values at the edges: what is stored comes back equal, or is refused by name.
#include "fixture.hpp"

#include <slipway/db/errors.hpp>
#include <slipway/json/value.hpp>

#include <limits>

namespace slipway::db::tests {
namespace {

class stored_values : public each_engine {
 protected:
  void SetUp() override {
    each_engine::SetUp();
    if (IsSkipped()) return;
    owner_ = run(db_->insert(user{.email = "o"}));
  }
  note store(note n) {
    n.owner_id = owner_.id;
    return *run(db_->find<note>(run(db_->insert(std::move(n))).id));
  }
  user owner_;
};

TEST_P(stored_values, statements_in_text_stay_text) {
  for (std::string const& text :
       std::vector<std::string>{"'; drop table notes; --", "\" or 1=1 --", "$1", "?1", "\\'; select 1", "%_\\", "", " ",
                                "\xc3\xa4\xe2\x82\xac\xf0\x9f\x9a\x80", "line\nline\t\r"}) {
    auto const back = store({.title = text});
    EXPECT_EQ(back.title, text);
    auto const found = run(db_->from<note>().where(col<&note::title> == text).all());
    ASSERT_EQ(found.size(), 1u) << text;
    EXPECT_EQ(run(db_->from<note>().where(col<&note::title>.contains(text) && col<&note::title> == text).count()), 1)
        << text;
    EXPECT_EQ(run(db_->from<note>().where(col<&note::title>.starts_with(text) && col<&note::title> == text).count()), 1)
        << text;
  }
  EXPECT_EQ(run(db_->from<note>().count()), 10);
}

TEST_P(stored_values, text_that_no_engine_can_hold_is_refused) {
  for (std::string const& text :
       std::vector<std::string>{std::string{"a\0b", 3}, std::string{"\xff"}, std::string{"\xc3"},
                                std::string{"\xed\xa0\x80"}, std::string{"\xc0\xaf"}})
    EXPECT_THROW(store({.title = text}), value_error);
  EXPECT_EQ(run(db_->from<note>().count()), 0);
}

TEST_P(stored_values, numbers_at_their_limits) {
  auto const back = store({.title = "n",
                           .stars = std::numeric_limits<int>::max(),
                           .score = -0.1,
                           .rank = std::numeric_limits<int>::min(),
                           .took = std::chrono::milliseconds{-5}});
  EXPECT_EQ(back.stars, std::numeric_limits<int>::max());
  EXPECT_EQ(back.score, -0.1);
  EXPECT_EQ(back.rank, std::numeric_limits<int>::min());
  EXPECT_EQ(back.took, std::chrono::milliseconds{-5});
  auto const endless = std::numeric_limits<double>::infinity();
  if (GetParam() == db::dialect::mysql)
    EXPECT_THROW(store({.title = "inf", .score = endless}), value_error);  // it has no such number
  else
    EXPECT_EQ(store({.title = "inf", .score = endless}).score, endless);
  EXPECT_EQ(store({.title = "tiny", .score = std::numeric_limits<double>::denorm_min()}).score,
            std::numeric_limits<double>::denorm_min());
  EXPECT_THROW(store({.title = "nan", .score = std::numeric_limits<double>::quiet_NaN()}), value_error);
  auto const large = run(db_->insert(counter{.name = "l", .value = std::numeric_limits<std::int64_t>::min()}));
  EXPECT_EQ(run(db_->find<counter>(large.id))->value, std::numeric_limits<std::int64_t>::min());
  EXPECT_THROW((void)value{std::numeric_limits<std::uint64_t>::max()}, value_error);
}

TEST_P(stored_values, a_number_that_does_not_fit_its_member_is_refused) {
  run(db_->insert(counter{.name = "big", .value = 3'000'000'000}));
  EXPECT_THROW((void)run(db_->query("select value from counters"))[0].get<int>(0), value_error);
  EXPECT_THROW((void)run(db_->query("select name from counters"))[0].get<int>(0), value_error);
}

TEST_P(stored_values, times_of_all_ages) {
  using namespace std::chrono;
  for (auto const t :
       {time_point{}, time_point{microseconds{-1}}, time_point{sys_days{year{1969} / 12 / 31}},
        time_point{sys_days{year{1583} / 1 / 1} + microseconds{1}}, time_point{sys_days{year{2000} / 1 / 1}},
        time_point{sys_days{year{9999} / 12 / 31} + hours{23} + microseconds{999'999}}})
    EXPECT_EQ(store({.title = std::to_string(t.time_since_epoch().count()), .at = t}).at, t);
  auto const early = run(db_->from<note>().where(col<&note::at> < time_point{}).count());
  EXPECT_EQ(early, 3);
}

TEST_P(stored_values, bytes_and_ids_and_nulls_by_hand) {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  auto const id = make_uuid7();
  auto const* const sql = GetParam() == db::dialect::postgres
                              ? "select $1::bytea, $2::uuid, $3::timestamptz, $4::boolean, $5::text, $6::jsonb"
                          : GetParam() == db::dialect::mysql ? "select $1, $2, cast($3 as datetime(6)), $4, $5, $6"
                                                             : "select $1, $2, $3, $4, $5, $6";
  auto const found = run(db_->query(
      sql, {bytes{all}, id, time_point{std::chrono::microseconds{-5}}, true, nullptr, json_text{"{\"a\": [1, 2]}"}}));
  EXPECT_EQ(found[0].get<std::string>(0), all);
  EXPECT_EQ(found[0].get<uuid>(1), id);
  EXPECT_EQ(found[0].get<time_point>(2), time_point{std::chrono::microseconds{-5}});
  EXPECT_TRUE(found[0].get<bool>(3));
  EXPECT_TRUE(found[0][4].is_null());
  EXPECT_THROW((void)found[0].get<std::string>(4), value_error);
  EXPECT_EQ(found[0].get<std::optional<std::string>>(4), std::nullopt);
  EXPECT_EQ(json::serialize(found[0].get<json::value>(5)), "{\"a\":[1,2]}");
  EXPECT_EQ((found[0].get<std::map<std::string, std::vector<int>, std::less<>>>(5)),
            (std::map<std::string, std::vector<int>, std::less<>>{{"a", {1, 2}}}));
}

TEST_P(stored_values, an_enumerators_name_that_is_unknown_is_refused) {
  run(db_->execute("update users set role = 'emperor'"));
  EXPECT_THROW(run(db_->find<user>(owner_.id)), value_error);
}

TEST_P(stored_values, large_text) {
  std::string const large(3 << 20, 'x');
  EXPECT_EQ(store({.title = "large"}).title, "large");
  run(db_->update<user>().set(col<&user::nickname>, large).everywhere().run());
  EXPECT_EQ(run(db_->find<user>(owner_.id))->nickname, large);
}

INSTANTIATE_TEST_SUITE_P(engines, stored_values, all_engines(), engine_name);

}  // namespace
}  // namespace slipway::db::tests
