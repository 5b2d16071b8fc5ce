#include "support.hpp"

#include <slipway/log/access.hpp>
#include <slipway/log/correlation.hpp>

#include <gmock/gmock.h>
#include <boost/json/parse.hpp>

#include <set>

namespace slipway::log::test {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

TEST(AccessLog, LeavesOneLineForARequest) {
  memory_journal j;
  access_log access{j.journal, {}};
  auto const user = uuid::parse("018f4e2a-7c00-7000-8000-0123456789ab").value();
  access.write({.method = "GET",
                .route = "/v1/notes/{id}",
                .path = "/v1/notes/7",
                .status = 404,
                .duration = 123us,
                .bytes_in = 0,
                .bytes_out = 512,
                .statements = 2,
                .in_statements = 45us,
                .peer = "192.0.2.1",
                .user_id = &user,
                .correlation_id = "0123456789abcdef",
                .trace_id = "0af7651916cd43dd8448eb211c80319c",
                .fault = "not_found",
                .user_agent = "curl/8.0 \"x\"\n"});
  EXPECT_THAT(
      j.lines(),
      ElementsAre(
          R"({"time":"2026-01-31T12:00:00.000001Z","level":"info","logger":"access","message":"request","correlation_id":"0123456789abcdef","trace_id":"0af7651916cd43dd8448eb211c80319c",)"
          R"("method":"GET","route":"/v1/notes/{id}","path":"/v1/notes/7","status":404,"duration_us":123,"bytes_in":0,"bytes_out":512,"sql_count":2,"sql_us":45,"peer":"192.0.2.1",)"
          R"("user_id":"018f4e2a-7c00-7000-8000-0123456789ab","fault":"not_found","user_agent":"curl/8.0 \"x\"\n"})"));
}

TEST(AccessLog, TheTimeMovesWithinAndAcrossSeconds) {
  memory_journal j;
  access_log access{j.journal, {}};
  for (auto const step : {0us, 5us, 999'993us, 1us, 60'000'000us}) {
    j.clock.advance(step);
    access.write({.method = "GET", .path = "/", .status = 200});
  }
  std::vector<std::string> times;
  for (auto const& line : j.lines()) times.emplace_back(boost::json::parse(line).at("time").as_string());
  EXPECT_THAT(times,
              ElementsAre("2026-01-31T12:00:00.000001Z", "2026-01-31T12:00:00.000006Z", "2026-01-31T12:00:00.999999Z",
                          "2026-01-31T12:00:01.000000Z", "2026-01-31T12:01:01.000000Z"));
}

TEST(AccessLog, SamplesButNeverFailuresAndSlowOnes) {
  memory_journal j;
  access_log access{j.journal, {.sample = 100, .slow = 200ms}};
  int usual = 0, failed = 0, slow = 0;
  for (int i = 0; i < 1000; ++i) {
    usual += access.wants(200, 1ms);
    failed += access.wants(503, 1ms);
    slow += access.wants(200, 200ms);
  }
  EXPECT_EQ(usual, 10);
  EXPECT_EQ(failed, 1000);
  EXPECT_EQ(slow, 1000);
  access.change({.enabled = false});
  EXPECT_FALSE(access.wants(503, 1ms));
  access.change({});
  EXPECT_TRUE(access.wants(200, 0us));
  j.journal.set_level("access", level::warn);
  EXPECT_FALSE(access.wants(200, 0us));
  EXPECT_TRUE(access.wants(500, 0us));
  j.journal.set_level("access", level::off);
  EXPECT_FALSE(access.wants(500, 0us));
}

TEST(AccessLog, ASampledLineSaysForHowManyItStands) {
  memory_journal j;
  access_log access{j.journal, {.sample = 100}};
  access.write({.method = "GET", .path = "/", .status = 200});
  access.write({.method = "GET", .path = "/", .status = 500});
  auto const lines = j.lines();
  EXPECT_EQ(boost::json::parse(lines.at(0)).at("sample").as_int64(), 100);
  EXPECT_FALSE(boost::json::parse(lines.at(1)).as_object().contains("sample"));
}

TEST(AccessLog, HostileRequestsLeaveOneBoundedLine) {
  memory_journal j;
  access_log access{j.journal, {}};
  std::string const path(60'000, '\x01'), agent(60'000, '"');
  access.write({.method = std::string_view{agent}.substr(0, 1000),
                .path = path,
                .status = 200,
                .correlation_id = "x",
                .internal = agent,
                .user_agent = agent});
  auto const lines = j.lines();
  ASSERT_THAT(lines, SizeIs(1));
  EXPECT_LE(lines[0].size(), max_line);
  EXPECT_EQ(boost::json::parse(lines[0]).at("path").as_string().size(), 1024u);
}

TEST(AccessLog, ReadsWellOnATerminal) {
  auto s = quick();
  s.format = format::text;
  memory_journal j{s};
  access_log access{j.journal, {}};
  access.write({.method = "GET",
                .path = "/v1/notes",
                .status = 200,
                .duration = 90us,
                .bytes_out = 12,
                .peer = "::1",
                .correlation_id = "abc"});
  EXPECT_THAT(
      j.lines(),
      ElementsAre(
          "12:00:00.000 INFO  access: GET /v1/notes  status=200 took=90us bytes_out=12 peer=::1 correlation_id=abc"));
}

TEST(CorrelationId, TakesOnlyShortTokensFromOutside) {
  EXPECT_TRUE(acceptable_correlation_id("a"));
  EXPECT_TRUE(acceptable_correlation_id("018f4e2a-7c00-7000-8000-0123456789ab"));
  EXPECT_TRUE(acceptable_correlation_id(std::string(128, 'x')));
  EXPECT_FALSE(acceptable_correlation_id(""));
  EXPECT_FALSE(acceptable_correlation_id(std::string(129, 'x')));
  for (auto const* bad :
       {"a b", "a\r\nX: y", "a\"", "<script>", "a;b", "a,b", "\xc3\xa9", "${jndi}", "a\\b", "a'b", "%0a"})
    EXPECT_FALSE(acceptable_correlation_id(bad)) << bad;
}

TEST(CorrelationId, IsSixteenDigitsAndNeverRepeats) {
  seeded_random random{1};
  correlation_ids ids{random};
  std::set<std::array<char, correlation_ids::size>> seen;
  for (int i = 0; i < 10'000; ++i) {
    auto const id = ids.next();
    EXPECT_TRUE(acceptable_correlation_id({id.data(), id.size()}));
    seen.insert(id);
  }
  EXPECT_THAT(seen, SizeIs(10'000));
}

}  // namespace
}  // namespace slipway::log::test
