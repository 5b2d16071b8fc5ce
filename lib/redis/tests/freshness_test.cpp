#include <slipway/redis/freshness.hpp>

#include <gtest/gtest.h>

using namespace slipway::redis;
using namespace std::chrono_literals;

namespace {

freshness::time const start{1000s};

TEST(redis_freshness, positions_are_read) {
  auto const of_a_primary =
      read_position("# Replication\r\nrole:master\r\nmaster_replid:abc\r\nmaster_repl_offset:42\r\n");
  ASSERT_TRUE(of_a_primary);
  EXPECT_EQ(*of_a_primary, (position{"abc", 42}));
  // What was replayed counts, not what was received.
  auto const of_a_replica = read_position(
      "role:slave\r\nslave_read_repl_offset:50\r\nslave_repl_offset:40\r\nmaster_replid:abc\r\n"
      "master_repl_offset:45\r\n");
  ASSERT_TRUE(of_a_replica);
  EXPECT_EQ(*of_a_replica, (position{"abc", 40}));
  for (auto const* none : {"", "role:master", "master_replid:abc\r\n", "master_replid:\r\nmaster_repl_offset:1\r\n",
                           "master_replid:a\r\nmaster_repl_offset:1x\r\n", "\r\n\r\n", "master_replid2:a\r\n"})
    EXPECT_FALSE(read_position(none)) << none;
}

TEST(redis_freshness, a_replica_has_what_was_written_before_the_primary_was_asked) {
  freshness known;
  EXPECT_FALSE(known.covered_by({"a", 5}));
  known.primary_was_at({"a", 10}, start);
  known.primary_was_at({"a", 20}, start + 1s);
  known.primary_was_at({"a", 30}, start + 2s);
  EXPECT_FALSE(known.covered_by({"a", 9}));
  EXPECT_EQ(known.covered_by({"a", 10}), start);
  EXPECT_EQ(known.covered_by({"a", 29}), start + 1s);
  EXPECT_EQ(known.covered_by({"a", 99}), start + 2s);
}

TEST(redis_freshness, a_primary_that_writes_nothing_makes_no_replica_old) {
  freshness known;
  known.primary_was_at({"a", 10}, start);
  known.primary_was_at({"a", 10}, start + 60s);
  EXPECT_EQ(known.covered_by({"a", 10}), start + 60s);
}

TEST(redis_freshness, histories_are_not_compared) {
  freshness known;
  known.primary_was_at({"a", 1000}, start);
  EXPECT_FALSE(known.covered_by({"b", 2000})) << "a server that was emptied and has not met its primary";
  known.primary_was_at({"b", 10}, start + 1s);
  EXPECT_FALSE(known.covered_by({"a", 1000})) << "a replica of the primary that was";
  EXPECT_EQ(known.covered_by({"b", 10}), start + 1s);
  known.primary_was_at({"b", 5}, start + 2s);  // it went back
  EXPECT_FALSE(known.covered_by({"b", 4}));
  EXPECT_EQ(known.covered_by({"b", 10}), start + 2s);
}

TEST(redis_freshness, a_history_that_goes_on_from_another_has_its_part_of_it) {
  auto const promoted = read_position(
      "role:master\r\nmaster_replid:b\r\nmaster_replid2:a\r\nmaster_repl_offset:500\r\n"
      "second_repl_offset:21\r\n");
  ASSERT_TRUE(promoted);
  freshness known;
  known.primary_was_at({"a", 10}, start);
  known.primary_was_at({"a", 20}, start + 1s);
  known.primary_was_at({"a", 30}, start + 2s);  // lost with the old primary
  EXPECT_EQ(known.covered_by(*promoted), start + 1s);
  auto const first =
      read_position("master_replid:b\r\nmaster_replid2:0000\r\nmaster_repl_offset:500\r\nsecond_repl_offset:-1\r\n");
  ASSERT_TRUE(first);
  EXPECT_EQ(first->previous, "");
}

TEST(redis_freshness, what_is_remembered_is_bounded) {
  freshness known;
  for (int i = 0; i < 5000; ++i) known.primary_was_at({"a", i}, start + std::chrono::seconds{i});
  EXPECT_FALSE(known.covered_by({"a", 100}));
  EXPECT_EQ(known.covered_by({"a", 4000}), start + 4000s);
}

}  // namespace
