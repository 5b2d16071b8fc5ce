#include <slipway/core/clock.hpp>
#include <slipway/http_client/circuit_breaker.hpp>

#include <gtest/gtest.h>

namespace slipway::http_client {
namespace {

using namespace std::chrono_literals;
using state = circuit_breaker::state;

struct Breaker : testing::Test {
  manual_clock clock{time_point{}};
  circuit_breaker breaker{{.failure_ratio = 0.5, .least_calls = 4, .window = 10s, .open_for = 5s, .probes = 2}};
  void fail(int n = 1) {
    for (int i = 0; i < n; ++i) {
      if (breaker.allow(clock.steady())) breaker.failure(clock.steady());
    }
  }
  void succeed(int n = 1) {
    for (int i = 0; i < n; ++i) {
      if (breaker.allow(clock.steady())) breaker.success(clock.steady());
    }
  }
  state now() { return breaker.current(clock.steady()); }
};

TEST_F(Breaker, StaysClosedBelowTheLeastNumberOfCalls) {
  fail(3);
  EXPECT_EQ(now(), state::closed);
  fail();
  EXPECT_EQ(now(), state::open);
  EXPECT_FALSE(breaker.allow(clock.steady()));
  EXPECT_EQ(breaker.wait(clock.steady()), 5s);
}

TEST_F(Breaker, StaysClosedBelowTheRatio) {
  succeed(5);
  fail(4);
  EXPECT_EQ(now(), state::closed);
  fail();
  EXPECT_EQ(now(), state::open);
}

TEST_F(Breaker, ForgetsWhatLeftTheWindow) {
  fail(3);
  clock.advance(11s);
  fail();
  EXPECT_EQ(now(), state::closed);
  clock.advance(5s);
  fail(2);
  EXPECT_EQ(now(), state::closed);
  fail();
  EXPECT_EQ(now(), state::open);
}

TEST_F(Breaker, LetsAFewProbesPassAndCloses) {
  fail(4);
  clock.advance(4999ms);
  EXPECT_FALSE(breaker.allow(clock.steady()));
  clock.advance(1ms);
  EXPECT_EQ(now(), state::half_open);
  EXPECT_TRUE(breaker.allow(clock.steady()));
  EXPECT_TRUE(breaker.allow(clock.steady()));
  EXPECT_FALSE(breaker.allow(clock.steady()));
  breaker.success(clock.steady());
  EXPECT_EQ(now(), state::half_open);
  breaker.success(clock.steady());
  EXPECT_EQ(now(), state::closed);
  fail(3);
  EXPECT_EQ(now(), state::closed);  // begins with a clean window
}

TEST_F(Breaker, OpensAgainWhenAProbeFails) {
  fail(4);
  clock.advance(5s);
  EXPECT_TRUE(breaker.allow(clock.steady()));
  EXPECT_TRUE(breaker.allow(clock.steady()));
  breaker.failure(clock.steady());
  EXPECT_EQ(now(), state::open);
  breaker.success(clock.steady());  // the other probe comes back late
  EXPECT_EQ(now(), state::open);
  EXPECT_EQ(breaker.wait(clock.steady()), 5s);
}

TEST_F(Breaker, GivesAProbesPlaceBackWhenItWasCancelled) {
  fail(4);
  clock.advance(5s);
  EXPECT_TRUE(breaker.allow(clock.steady()));
  EXPECT_TRUE(breaker.allow(clock.steady()));
  breaker.forget(clock.steady());
  EXPECT_TRUE(breaker.allow(clock.steady()));
}

TEST_F(Breaker, CanBeTurnedOff) {
  breaker = circuit_breaker{{.enabled = false, .least_calls = 1}};
  fail(100);
  EXPECT_TRUE(breaker.allow(clock.steady()));
}

}  // namespace
}  // namespace slipway::http_client
