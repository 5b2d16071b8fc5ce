#include <slipway/sharding/key.hpp>
#include <slipway/sharding/mover.hpp>

#include <slipway/core/errors.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace slipway::sharding {
namespace {

// Rows lie where these numbers said when they were written: a change of this test is a loss of data.
TEST(Keys, HashNeverChanges) {
  EXPECT_EQ(hash_of(key{""}), 0xefd01f60ba992926u);
  EXPECT_EQ(hash_of(key{"ann@example.com"}), hash_of(key{std::string{"ann@example.com"}}));
  EXPECT_EQ(slot_by_hash(key{"ann@example.com"}, 4096), 1314u);
  EXPECT_EQ(slot_by_hash(key{1}, 4096), 3794u);
  EXPECT_EQ(slot_by_hash(key{*uuid::parse("0198c6a0-0000-7000-8000-000000000001")}, 4096), 3868u);
}

TEST(Keys, NeighboursFallIntoDifferentSlotsEvenly) {
  std::vector<int> counts(64);
  for (int i = 0; i < 64'000; ++i) ++counts[slot_by_hash(key{i}, 64)];
  EXPECT_THAT(counts, testing::Each(testing::AllOf(testing::Ge(850), testing::Le(1150))));
}

TEST(Keys, NumbersOrderAsNumbers) {
  EXPECT_LT(key{-5}.octets(), key{-4}.octets());
  EXPECT_LT(key{-1}.octets(), key{0}.octets());
  EXPECT_LT(key{255}.octets(), key{256}.octets());
}

TEST(Keys, TextTellsKeysApart) {
  EXPECT_EQ(key{"customer-7"}.text(), "customer-7");
  EXPECT_EQ(key{"0x31"}.text(), "0x30783331");
  EXPECT_EQ(key(std::string_view("\x01\xff", 2)).text(), "0x01ff");
}

TEST(Keys, AreReadAsTheyAreWritten) {
  for (auto const& k : {key{"customer-7"}, key{"0x31"}, key{"a\nb"}, key{-7}, key{make_uuid7()}})
    EXPECT_EQ(key::of_text(k.text()), k);
  EXPECT_EQ(key::of_text("-7", key_kind::number), key{-7});
  EXPECT_EQ(key::of_text("9223372036854775807", key_kind::number), key{std::numeric_limits<std::int64_t>::max()});
  EXPECT_EQ(key::of_text("0x0198", key_kind::id)->octets(), std::string("\x01\x98", 2));
  EXPECT_EQ(key::of_text("0198c6a0-0000-7000-8000-000000000001", key_kind::id),
            key{*uuid::parse("0198c6a0-0000-7000-8000-000000000001")});
  EXPECT_FALSE(key::of_text("0x123"));
  EXPECT_FALSE(key::of_text("0xno", key_kind::number));
  for (auto const* wrong : {"", "7 ", "1e3", "9223372036854775808"})
    EXPECT_FALSE(key::of_text(wrong, key_kind::number)) << wrong;
  EXPECT_FALSE(key::of_text("0198c6a0", key_kind::id));
}

TEST(Keys, IdsCarrySlots) {
  auto const id = make_uuid7();
  for (auto const slot : {0u, 1u, 4095u, 65'535u}) {
    auto const with = with_slot(id, slot);
    EXPECT_EQ(slot_in(with), slot);
    EXPECT_TRUE(std::equal(id.bytes.begin(), id.bytes.begin() + 14, with.bytes.begin())) << "time, version and variant";
  }
}

TEST(Ranges, BoundsBelongToTheSlotThatTheyBegin) {
  std::vector<range_start> const bounds{{"", 0}, {"g", 1}, {"n", 2}};
  EXPECT_EQ(slot_by_range(bounds, "apple"), 0u);
  EXPECT_EQ(slot_by_range(bounds, "g"), 1u);
  EXPECT_EQ(slot_by_range(bounds, "melon"), 1u);
  EXPECT_EQ(slot_by_range(bounds, "zoo"), 2u);
  slot_map const split{.ranges = {{"", 0}, {"g", 2}, {"n", 1}}};
  EXPECT_EQ(slot_by_range(split.ranges, "melon"), 2u);
  EXPECT_EQ(split.end_of(0), "g");
  EXPECT_EQ(split.end_of(2), "n");
  EXPECT_FALSE(split.end_of(1));
}

struct reading {
  id_of<reading> id;
  std::int64_t slot = 0;
  time_point at;
  double degrees = 0;
};
BOOST_DESCRIBE_STRUCT(reading, (), (id, slot, at, degrees))
}  // namespace
}  // namespace slipway::sharding

template <>
inline constexpr auto slipway::db::table_of<slipway::sharding::reading> =
    table<slipway::sharding::reading>("readings")
        .sharded_by(&slipway::sharding::reading::at, &slipway::sharding::reading::slot);

namespace slipway::sharding {
namespace {

std::string refusal_of(settings const& s, tables const& all) {
  try {
    check_keys(s, all);
  } catch (startup_error const& e) {
    EXPECT_EQ(e.code(), exit_code::config);
    return e.what();
  }
  return "";
}

TEST(Ranges, KeysOfModelsAreWhatTheSettingsSay) {
  auto const all = tables_of<reading>();
  settings s{.strategy = strategy::range, .range_keys = key_kind::number};
  EXPECT_EQ(refusal_of(s, all), "") << "times are numbers";
  s.range_keys = key_kind::id;
  EXPECT_EQ(
      refusal_of(s, all),
      "sharding.range_keys is id, but readings.at, the key of its model, is a time: no row would lie in the range "
      "that the bounds mean. Set sharding.range_keys to number, and write the bounds in sharding.ranges as whole "
      "numbers (times in microseconds since 1970), or their octets after 0x.");
  s.strategy = strategy::hash;
  EXPECT_EQ(refusal_of(s, all), "") << "a hash knows no kinds";
  s.strategy = strategy::range;
  auto by_degrees = all;
  by_degrees[0].by = "degrees", by_degrees[0].by_column = db::value_kind::number;
  EXPECT_THAT(refusal_of(s, by_degrees), testing::HasSubstr("readings.degrees, the key of its model, is a floating"));
  EXPECT_EQ(refusal_of(s, {table{table_settings{.name = "invoices"}}}), "") << "of which no model says anything";
}

slot_map map_of(std::vector<std::uint32_t> owners) {
  slot_map map;
  for (auto o : owners) map.slots.push_back({o, 1});
  return map;
}

TEST(Plans, ANewNodeGetsItsShareInTheFewestMoves) {
  auto const plan = plan_moves(map_of({0, 0, 0, 0, 1, 1, 1, 1, 1}), 3);
  EXPECT_EQ(plan.size(), 3u);
  EXPECT_TRUE(std::ranges::all_of(plan, [](planned_move const& m) { return m.target == 2; }));
}

TEST(Plans, ANodeIsEmptied) {
  auto const plan = plan_moves(map_of({0, 0, 1, 1, 2, 2}), 3, {1});
  EXPECT_EQ(plan.size(), 2u);
  EXPECT_TRUE(std::ranges::all_of(plan, [](planned_move const& m) { return m.source == 1; }));
}

TEST(Plans, NothingMovesWhereAllIsEven) {
  EXPECT_TRUE(plan_moves(map_of({0, 1, 2, 0}), 3).empty());
  EXPECT_TRUE(plan_moves(map_of({0, 0}), 2, {0, 1}).empty());
}

}  // namespace
}  // namespace slipway::sharding
