#include <slipway/partitions/plan.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/core/time.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::partitions {
namespace {

using std::chrono::days;
using std::chrono::months;
using std::chrono::weeks;
using std::chrono::years;
using testing::ElementsAre;
using testing::IsEmpty;

time_point at(char const* text) { return from_rfc3339(text).value(); }

table events(db::period every, db::partition_upkeep upkeep) {
  table t{table_settings{.name = "events"}};
  t.every = every;
  t.upkeep = upkeep;
  return t;
}

std::vector<std::string> names(std::vector<change> const& all) {
  std::vector<std::string> out;
  for (auto const& c : all) out.push_back((c.what == change::kind::create ? "+" : "-") + c.partition);
  return out;
}

TEST(Periods, BeginWhereTheCalendarSays) {
  auto const moment = at("2026-08-13T15:30:00Z");
  EXPECT_EQ(start_of(days{1}, moment), at("2026-08-13T00:00:00Z"));
  EXPECT_EQ(start_of(weeks{1}, moment), at("2026-08-10T00:00:00Z")) << "a Monday";
  EXPECT_EQ(start_of(months{1}, moment), at("2026-08-01T00:00:00Z"));
  EXPECT_EQ(start_of(months{3}, moment), at("2026-07-01T00:00:00Z"));
  EXPECT_EQ(start_of(years{1}, moment), at("2026-01-01T00:00:00Z"));
  EXPECT_EQ(start_of(months{1}, at("1969-12-31T23:00:00Z")), at("1969-12-01T00:00:00Z"));
  EXPECT_EQ(start_of(weeks{1}, at("1970-01-01T00:00:00Z")), at("1969-12-29T00:00:00Z"));
}

TEST(Periods, FollowEachOtherWithoutGaps) {
  for (auto const every : {db::period{days{1}}, db::period{weeks{2}}, db::period{months{1}}, db::period{years{1}}}) {
    auto start = start_of(every, at("2024-01-31T00:00:00Z"));
    for (int i = 0; i < 50; ++i) {
      auto const next = next_start(every, start);
      EXPECT_EQ(start_of(every, next), next);
      EXPECT_EQ(start_of(every, next - std::chrono::microseconds{1}), start);
      EXPECT_EQ(next_start(every, next, -1), start);
      start = next;
    }
  }
}

TEST(Plans, PartitionsAreMadeAheadAndOldOnesGo) {
  auto const t = events(months{1}, {.ahead = 2, .keep = 1});
  auto const now = at("2026-12-15T00:00:00Z");
  EXPECT_THAT(names(plan(t, {}, now)), ElementsAre("+events_p2026_12", "+events_p2027_01", "+events_p2027_02"));
  std::vector<partition> const there{
      {.name = "old", .from = at("2026-10-01T00:00:00Z"), .to = at("2026-11-01T00:00:00Z")},
      {.name = "kept", .from = at("2026-11-01T00:00:00Z"), .to = at("2026-12-01T00:00:00Z")},
      {.name = "now", .from = at("2026-12-01T00:00:00Z"), .to = at("2027-01-01T00:00:00Z")},
      {.name = "rest", .is_default = true}};
  EXPECT_THAT(names(plan(t, there, now)), ElementsAre("+events_p2027_01", "+events_p2027_02", "-old"));
}

TEST(Plans, NothingIsDueTwiceAndForEverIsForEver) {
  auto const t = events(weeks{1}, {.ahead = 1, .keep = 0});
  auto const now = at("2026-08-13T00:00:00Z");
  std::vector<partition> there{{.name = "first", .from = {}, .to = at("2020-01-06T00:00:00Z")}};
  for (auto const& c : plan(t, there, now)) there.push_back({.name = c.partition, .from = c.from, .to = c.to});
  EXPECT_THAT(names(plan(t, there, now)), IsEmpty());
}

TEST(Plans, WhatSomebodyPartedOtherwiseIsLeftAlone) {
  auto const t = events(months{1}, {.ahead = 1, .keep = 0});
  std::vector<partition> const there{
      {.name = "year", .from = at("2026-01-01T00:00:00Z"), .to = at("2027-01-01T00:00:00Z")}};
  EXPECT_THAT(names(plan(t, there, at("2026-11-15T00:00:00Z"))), IsEmpty());
  EXPECT_THAT(names(plan(t, there, at("2026-12-15T00:00:00Z"))), ElementsAre("+events_p2027_01"));
}

TEST(Tables, NamesThatCannotBeNamesAreRefused) {
  EXPECT_THROW(table{table_settings{.name = "a; drop table users"}}, startup_error);
  EXPECT_THROW((table{table_settings{.name = "events", .column = "at\""}}), startup_error);
  EXPECT_THROW(table{table_settings{.name = std::string(41, 'a')}}, startup_error);
}

}  // namespace
}  // namespace slipway::partitions
