#include <slipway/core/time.hpp>

#include <gtest/gtest.h>

using namespace slipway;
using namespace std::chrono_literals;

TEST(rfc3339, goes_both_ways) {
  for (auto text : {"1970-01-01T00:00:00Z", "2026-01-31T12:00:00.000001Z", "2024-02-29T23:59:59.999999Z",
                    "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.500000Z"})
    EXPECT_EQ(to_rfc3339(*from_rfc3339(text)), text);
}

TEST(rfc3339, takes_every_offset_and_fraction) {
  EXPECT_EQ(to_rfc3339(*from_rfc3339("2026-01-31T13:30:00+01:30")), "2026-01-31T12:00:00Z");
  EXPECT_EQ(to_rfc3339(*from_rfc3339("2026-01-01T00:00:00-00:00")), "2026-01-01T00:00:00Z");
  EXPECT_EQ(to_rfc3339(*from_rfc3339("2026-01-01t00:00:00.1z")), "2026-01-01T00:00:00.100000Z");
  EXPECT_EQ(to_rfc3339(*from_rfc3339("2026-01-01T00:00:00.123456789Z")), "2026-01-01T00:00:00.123456Z");
  EXPECT_EQ(to_rfc3339(*from_rfc3339("2016-12-31T23:59:60Z")), "2017-01-01T00:00:00Z");
}

TEST(rfc3339, refuses_everything_else) {
  for (auto text : {"",
                    "2026",
                    "2026-01-31",
                    "2026-02-30T00:00:00Z",
                    "2025-02-29T00:00:00Z",
                    "2026-13-01T00:00:00Z",
                    "2026-00-01T00:00:00Z",
                    "2026-01-31T24:00:00Z",
                    "2026-01-31T12:60:00Z",
                    "2026-01-31T12:00:61Z",
                    "2026-01-31T12:00:00",
                    "2026-01-31T12:00:00.Z",
                    "2026-01-31T12:00:00.1234567890Z",
                    "2026-01-31T12:00:00+24:00",
                    "2026-01-31T12:00:00+01:60",
                    "2026-01-31T12:00:00+0100",
                    "2026-01-31T12:00:00Z ",
                    " 2026-01-31T12:00:00Z",
                    "2026-1-31T12:00:00Z",
                    "-026-01-31T12:00:00Z",
                    "2026-01-31T12:00:00ZZ",
                    "20260131T120000Z"})
    EXPECT_FALSE(from_rfc3339(text)) << text;
}

TEST(rfc3339, stays_within_four_digits_of_a_year) {
  EXPECT_FALSE(from_rfc3339("9999-12-31T23:59:59-00:01")) << "the year 10000 has no RFC 3339 form";
  EXPECT_FALSE(from_rfc3339("0000-01-01T00:00:00+00:01"));
  EXPECT_EQ(to_rfc3339(time_point::max()), "9999-12-31T23:59:59.999999Z");
  EXPECT_EQ(to_rfc3339(time_point::min()), "0000-01-01T00:00:00Z");
}

TEST(http_date, writes_and_reads_the_three_forms) {
  std::chrono::sys_seconds const t{std::chrono::seconds{784'111'777}};
  char buffer[http_date_size];
  EXPECT_EQ((std::string_view{buffer, static_cast<std::size_t>(write_http_date(buffer, t) - buffer)}),
            "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(from_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), t);
  EXPECT_EQ(from_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), t);
  EXPECT_EQ(from_http_date("Sun Nov  6 08:49:37 1994"), t);
  for (auto text :
       {"", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun Nov 6 08:49:37 1994x", "784111777"})
    EXPECT_FALSE(from_http_date(text)) << text;
}

TEST(durations, need_a_unit) {
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("30s"), 30s);
  EXPECT_EQ(parse_duration("15m"), 15min);
  EXPECT_EQ(parse_duration("12h"), 12h);
  EXPECT_EQ(parse_duration("7d"), 168h);
  for (auto text : {"", "5", "s", "-1s", "+1s", "1.5s", "1 s", "1S", "1w", "99999999999999999999s", "36526d", "-0s"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(durations, go_both_ways) {
  for (auto d :
       std::initializer_list<std::chrono::milliseconds>{0ms, 1ms, 999ms, 1s, 90s, 1h, 24h, 168h, 1'234'567'891ms,
                                                        365 * 24h, 365 * 24h + 1ms, max_duration, max_duration - 1ms})
    EXPECT_EQ(parse_duration(format_duration(d)), d) << format_duration(d);
}
