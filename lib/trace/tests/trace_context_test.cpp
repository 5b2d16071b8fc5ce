#include <slipway/trace/trace_context.hpp>

#include <gtest/gtest.h>

namespace slipway {
namespace {

constexpr std::string_view good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

std::string_view text_of(std::array<char, trace_parent::text_size> const& a) { return {a.data(), a.size()}; }

TEST(Traceparent, ComesBackAsItWent) {
  auto const parsed = trace_parent::parse(good);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->trace.text(), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(parsed->span.text(), "b7ad6b7169203331");
  EXPECT_TRUE(parsed->sampled());
  auto const again = parsed->text();
  EXPECT_EQ(text_of(again), good);
}

TEST(Traceparent, KeepsTheRandomFlagAndDropsUnknownOnes) {
  auto const parsed = trace_parent::parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fe");
  ASSERT_TRUE(parsed);
  EXPECT_FALSE(parsed->sampled());
  EXPECT_EQ(parsed->flags, trace_parent::random_flag);
}

TEST(Traceparent, OfALaterVersionIsReadAsFarAsWeKnowIt) {
  EXPECT_TRUE(trace_parent::parse("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
  EXPECT_TRUE(trace_parent::parse("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-comes"));
  EXPECT_FALSE(trace_parent::parse("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.what"));
  EXPECT_FALSE(trace_parent::parse("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
}

TEST(Traceparent, IsReadStrictly) {
  for (auto const* bad : {
           "",
           "00",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-010",
           "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
           "00-00000000000000000000000000000000-b7ad6b7169203331-01",
           "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
           "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
           "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01",
           "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
           " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
           "0x-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
       })
    EXPECT_FALSE(trace_parent::parse(bad)) << bad;
}

TEST(Tracestate, TakesWhatTheStandardTakes) {
  for (std::string const& ok :
       {std::string{"rojo=00f067aa0ba902b7"}, std::string{"rojo=1,congo=t61rcWkgMzE"}, std::string{"a=1 , b=2"},
        std::string{"0tenant@sys=x"}, std::string{"a=1,,b=2"}, "a=" + std::string(256, 'v')})
    EXPECT_TRUE(valid_tracestate(ok)) << ok;
  std::string many;
  for (int i = 0; i < 32; ++i) many += (i ? ",k" : "k") + std::to_string(i) + "=v";
  EXPECT_TRUE(valid_tracestate(many));
}

TEST(Tracestate, RefusesWhatItRefuses) {
  for (std::string const& bad :
       {std::string{""}, std::string{","}, std::string{"a"}, std::string{"a="}, std::string{"=1"}, std::string{"A=1"},
        std::string{"a=1,a=2"}, std::string{"a=b=c"}, std::string{"a =1"}, std::string{"1a=1"}, std::string{"t@=1"},
        std::string{"t@1s=1"}, std::string{"a=\x01"}, std::string{"a=\xc3\xa9"}, "a=" + std::string(257, 'v'),
        std::string(257, 'k') + "=1", std::string{"t@"} + std::string(15, 's') + "=1"})
    EXPECT_FALSE(valid_tracestate(bad)) << bad;
  std::string many;
  for (int i = 0; i < 33; ++i) many += (i ? ",k" : "k") + std::to_string(i) + "=v";
  EXPECT_FALSE(valid_tracestate(many));
  EXPECT_FALSE(
      valid_tracestate("a=" + std::string(250, 'v') + ",b=" + std::string(250, 'v') + ",c=" + std::string(20, 'v')));
}

TEST(Sampling, TakesTheShareItIsAskedFor) {
  seeded_random random{7};
  int taken = 0;
  for (int i = 0; i < 20'000; ++i) taken += in_sample(make_trace_id(random), 0.1);
  EXPECT_NEAR(taken, 2'000, 200);
  auto const id = make_trace_id(random);
  EXPECT_FALSE(in_sample(id, 0));
  EXPECT_TRUE(in_sample(id, 1));
  EXPECT_FALSE(in_sample(id, std::numeric_limits<double>::quiet_NaN()));
}

TEST(Sampling, IsTheSameForTheSameTrace) {
  seeded_random random{8};
  for (int i = 0; i < 1'000; ++i) {
    auto const id = make_trace_id(random);
    // Whoever takes fewer takes only what the others take too.
    if (in_sample(id, 0.2)) {
      EXPECT_TRUE(in_sample(id, 0.5));
    }
    EXPECT_EQ(in_sample(id, 0.3), in_sample(id, 0.3));
  }
}

}  // namespace
}  // namespace slipway
