#include <slipway/auth/refresh.hpp>

#include "support.hpp"

#include <gtest/gtest.h>

namespace slipway::auth {
namespace {

using namespace std::chrono_literals;
using tests::noon;

struct refresh : testing::Test {
  refresh_settings settings{.idle = 24h, .absolute = 72h};
  manual_clock clock{noon};
  seeded_random random{7};
  uuid user = make_uuid7(clock, random);
  new_refresh_token first = begin_family(user, noon, settings, clock, random);
};

TEST_F(refresh, a_new_login_has_a_token_that_is_stored_as_a_hash_alone) {
  EXPECT_EQ(first.token.reveal().size(), 43u);
  EXPECT_EQ(hash_refresh_token(first.token.reveal()), first.record.token_hash);
  EXPECT_NE(first.record.token_hash, first.token.reveal());
  EXPECT_EQ(first.record.user, user);
  EXPECT_EQ(first.record.expires_at, noon + 24h);
  EXPECT_EQ(first.record.family_expires_at, noon + 72h);
  EXPECT_EQ(decide(first.record, noon, settings), refresh_verdict::rotate);
}

TEST_F(refresh, successors_stay_in_the_family_and_never_outlive_it) {
  auto const next = successor(first.record, noon + 20h, settings, clock, random);
  EXPECT_EQ(next.record.family, first.record.family);
  EXPECT_EQ(next.record.user, user);
  EXPECT_NE(next.record.id, first.record.id);
  EXPECT_NE(next.record.token_hash, first.record.token_hash);
  EXPECT_EQ(next.record.expires_at, noon + 44h);
  EXPECT_EQ(successor(next.record, noon + 60h, settings, clock, random).record.expires_at, noon + 72h);
}

TEST_F(refresh, times_end_at_their_instant) {
  EXPECT_EQ(decide(first.record, noon + 24h - 1us, settings), refresh_verdict::rotate);
  EXPECT_EQ(decide(first.record, noon + 24h, settings), refresh_verdict::expired);
  auto record = first.record;
  record.expires_at = noon + 100h;  // whoever wrote that, the family's end holds
  EXPECT_EQ(decide(record, noon + 72h, settings), refresh_verdict::expired);
}

TEST_F(refresh, a_second_use_is_reuse_at_once_and_for_ever) {
  auto record = first.record;
  record.used_at = noon + 1s;
  EXPECT_EQ(decide(record, noon + 1s, settings), refresh_verdict::reuse);
  EXPECT_EQ(decide(record, noon + 1000h, settings), refresh_verdict::reuse);
}

TEST_F(refresh, grace_forgives_for_as_long_as_it_lasts) {
  settings.grace = 5s;
  auto record = first.record;
  record.used_at = noon + 10s;
  EXPECT_EQ(decide(record, noon + 10s, settings), refresh_verdict::retry);
  EXPECT_EQ(decide(record, noon + 15s - 1us, settings), refresh_verdict::retry);
  EXPECT_EQ(decide(record, noon + 15s, settings), refresh_verdict::reuse);
  EXPECT_EQ(decide(record, noon + 9s, settings), refresh_verdict::reuse);  // the clock went back
  record.revoked_at = noon + 11s;
  EXPECT_EQ(decide(record, noon + 12s, settings), refresh_verdict::revoked);
}

TEST_F(refresh, revoked_and_unknown_are_told_apart) {
  auto record = first.record;
  record.revoked_at = noon;
  EXPECT_EQ(decide(record, noon, settings), refresh_verdict::revoked);
  EXPECT_EQ(decide(std::nullopt, noon, settings), refresh_verdict::unknown);
}

TEST_F(refresh, what_has_not_our_form_is_not_even_hashed) {
  auto const good = first.token.reveal();
  for (auto const& bad : {std::string{}, good + "A", good.substr(1), good.substr(1) + "=", good.substr(1) + "\n",
                          std::string(42, 'A') + "B", std::string(100000, 'A')})
    EXPECT_FALSE(hash_refresh_token(bad)) << bad.substr(0, 50);
  EXPECT_TRUE(hash_refresh_token(good));
}

TEST_F(refresh, a_stolen_token_ends_both_sessions) {
  // The thief refreshes first; when the owner comes with the same token, the family goes, and the thief with it.
  auto stolen = first.record;
  stolen.used_at = noon + 1h;
  auto thief = successor(stolen, noon + 1h, settings, clock, random).record;
  ASSERT_EQ(decide(stolen, noon + 2h, settings), refresh_verdict::reuse);
  thief.revoked_at = noon + 2h;
  EXPECT_EQ(decide(thief, noon + 2h, settings), refresh_verdict::revoked);
}

}  // namespace
}  // namespace slipway::auth
