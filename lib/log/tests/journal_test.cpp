#include "support.hpp"

#include <slipway/runtime/shards.hpp>

#include <gmock/gmock.h>
#include <boost/json/parse.hpp>

#include <limits>
#include <set>
#include <thread>

namespace slipway::log::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

struct account {};

static_assert(!std::constructible_from<value, secret<std::string>>, "a secret cannot be logged");
static_assert(!std::constructible_from<value, int*>, "a pointer is not a bool");

TEST(Journal, WritesOneJsonLineForEachRecord) {
  memory_journal j;
  auto const users = j.journal.named("users");
  auto const id = id_of<account>::parse("018f4e2a-7c00-7000-8000-0123456789ab").value();
  users.info("user signed up", {{"user_id", id},
                                {"took_us", 12},
                                {"ratio", 0.5},
                                {"first", true},
                                {"plan", nullptr},
                                {"name", "Ann"},
                                {"level_was", level::debug},
                                {"took", 1500us}});
  EXPECT_THAT(
      j.lines(),
      ElementsAre(
          R"({"time":"2026-01-31T12:00:00.000001Z","level":"info","logger":"users","message":"user signed up",)"
          R"("user_id":"018f4e2a-7c00-7000-8000-0123456789ab","took_us":12,"ratio":0.5,"first":true,"plan":null,"name":"Ann","level_was":"debug","took":"1500us"})"));
}

TEST(Journal, WritesTheExtremesOfNumbers) {
  memory_journal j;
  j.journal.named("n").info("x", {{"a", std::numeric_limits<std::int64_t>::min()},
                                  {"b", std::numeric_limits<std::uint64_t>::max()},
                                  {"c", std::numeric_limits<double>::infinity()},
                                  {"d", std::optional<int>{}},
                                  {"e", std::optional<int>{5}}});
  EXPECT_THAT(j.lines().at(0),
              HasSubstr(R"("a":-9223372036854775808,"b":18446744073709551615,"c":null,"d":null,"e":5})"));
}

TEST(Journal, CarriesTheOperationsCorrelationAndTrace) {
  memory_journal j{quick(),
                   [](trace_span const&) { return trace_ids{"0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"}; }};
  context operation;
  operation.correlation_id = "abc-1";
  int stand_in = 0;
  operation.span = reinterpret_cast<trace_span*>(&stand_in);  // the reader above does not look inside
  j.journal.named("http").with(operation).warn("slow");
  EXPECT_THAT(
      j.lines().at(0),
      HasSubstr(
          R"("message":"slow","correlation_id":"abc-1","trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331"})"));
}

TEST(Journal, ALoggerOfNoJournalWritesNothing) {
  logger const silent;
  silent.fatal("nobody hears");
  EXPECT_FALSE(silent.enabled(level::fatal));
}

TEST(Journal, LevelsChangeWhileItRuns) {
  auto s = quick(level::info);
  s.levels["db"] = level::error;
  memory_journal j{s};
  auto const db = j.journal.named("db"), http = j.journal.named("http");
  db.warn("1"), http.debug("2"), http.info("3");
  j.journal.set_level(level::debug);
  db.warn("4"), http.debug("5");
  j.journal.set_level("db", level::trace);
  j.journal.set_level("later", level::off);
  db.trace("6"), j.journal.named("later").fatal("7");
  j.journal.clear_level("db");
  db.trace("8"), db.debug("9");
  std::string seen;
  for (auto const& line : j.lines()) seen += boost::json::parse(line).at("message").as_string();
  EXPECT_EQ(seen, "3569");
  EXPECT_EQ(j.journal.levels().at("later"), level::off);
  EXPECT_EQ(j.journal.common_level(), level::debug);
}

TEST(Journal, MaliciousTextStaysInItsLineAndItsString) {
  memory_journal j;
  auto const log = j.journal.named("web");
  std::vector<std::string> const bad{"a\nb",
                                     "a\r\nlevel=fatal",
                                     "\"}\n{\"level\":\"fatal\"",
                                     std::string{"\0x", 2},
                                     "\x1b[2J\x07",
                                     "back\\slash",
                                     "\xff\xfe",
                                     "\xc0\xaf",
                                     "\xed\xa0\x80",
                                     "\xf4\x90\x80\x80",
                                     "\xe2\x80\xa8",
                                     "\xc2\x9b"
                                     "31m",
                                     "trunc\xe2\x82",
                                     "12345678\n",
                                     "1234567\"",
                                     "gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80"};
  for (auto const& text : bad) log.info(text, {{text, text}, {"v", text}});
  auto const lines = j.lines();
  ASSERT_THAT(lines, SizeIs(bad.size()));
  for (auto const& line : lines) {
    auto const parsed = boost::json::parse(line);  // throws for invalid JSON and invalid UTF-8
    EXPECT_EQ(parsed.at("level").as_string(), "info") << line;
    for (unsigned char const c : line) EXPECT_GE(c, 0x20) << line;
    EXPECT_THAT(line, Not(HasSubstr("\xe2\x80\xa8")));
    EXPECT_THAT(line, Not(HasSubstr("\xc2\x9b")));
  }
  EXPECT_EQ(boost::json::parse(lines[0]).at("v").as_string(), "a\nb");
  EXPECT_EQ(boost::json::parse(lines[6]).at("v").as_string(), "\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(boost::json::parse(lines.back()).at("v").as_string(), bad.back());
}

TEST(Journal, EveryPositionOfASpecialCharacterIsEscaped) {
  memory_journal j;
  auto const log = j.journal.named("web");
  std::vector<std::string> texts;
  for (std::size_t size = 1; size <= 20; ++size)
    for (std::size_t at = 0; at < size; ++at)
      for (std::string_view const c : {"\"", "\\", "\x01", "\x1f", "\x7f", "\xc3\xa9"})
        texts.push_back(std::string(at, 'x').append(c).append(size - at - 1, 'y'));
  for (auto const& t : texts) log.info("x", {{"v", t}});
  auto const lines = j.lines();
  ASSERT_THAT(lines, SizeIs(texts.size()));
  for (std::size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(boost::json::parse(lines[i]).at("v").as_string(), texts[i]);
}

TEST(Journal, AFieldCannotPoseAsTheRecordsOwn) {
  memory_journal j;
  j.journal.named("a").info("x", {{"level", "fatal"}, {"time", 1}});
  EXPECT_THAT(j.lines().at(0), HasSubstr(R"("_level":"fatal","_time":1})"));
}

TEST(Journal, LinesAreCutAtTheirLimitAndStayValid) {
  memory_journal j;
  auto const log = j.journal.named("a");
  std::string const long_text(40'000, 'x'), quotes(20'000, '"'), wide = [] {
    std::string s;
    while (s.size() < 40'000) s += "\xf0\x9f\x98\x80";
    return s;
  }();
  for (auto const& text : {long_text, quotes, wide}) {
    log.info("long", {{"v", text}, {"after", 1}});
    log.info(text, {{"after", 1}});
  }
  // Cut at every place of a line of many short fields.
  for (std::size_t fill = 16'000; fill < 16'400; ++fill)
    log.info(
        "edge",
        {{"f", std::string_view{long_text}.substr(0, fill)}, {"number", 1'234'567}, {"text", "abc"}, {"id", uuid{}}});
  for (auto const& line : j.lines()) {
    EXPECT_LT(line.size(), max_line);
    auto const parsed = boost::json::parse(line);
    if (line.size() > max_line - 100 && parsed.as_object().contains("truncated"))
      EXPECT_TRUE(parsed.at("truncated").as_bool());
  }
  EXPECT_GE(j.journal.counters().truncated, 6u);
}

TEST(Journal, TextForPeopleIsOneSafeLineAsWell) {
  auto s = quick();
  s.format = format::text;
  memory_journal j{s};
  j.journal.named("users").warn("odd\nname", {{"name", "a b\"\n\x1b[31m"}, {"n", 3}, {"password", "x"}});
  EXPECT_THAT(j.lines(),
              ElementsAre(R"(12:00:00.000 WARN  users: odd\nname  name="a b\"\n\u001b[31m" n=3 password=***)"));
}

TEST(Journal, ShardsAndThreadsWriteAtOnceAndNoLineIsLostOrTorn) {
  constexpr int each = 2000;
  memory_journal j;
  auto const log = j.journal.named("load");
  {
    shards all{3};
    std::vector<std::jthread> threads;
    for (int t = 0; t < 2; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < each; ++i) log.error("t", {{"key", 1'000'000 * (t + 10) + i}});
      });
    for (unsigned s = 0; s < all.size(); ++s)
      threads.emplace_back([&all, log, s] {
        all.run([](logger l, unsigned n) -> task<> {
          for (int i = 0; i < each; ++i) l.error("s", {{"key", 1'000'000 * static_cast<int>(n) + i}});
          co_return;
        }(log, s));
      });
  }
  std::set<std::int64_t> keys;
  for (auto const& line : j.lines())
    if (auto const parsed = boost::json::parse(line); parsed.at("message").as_string().size() == 1)
      keys.insert(parsed.at("key").as_int64());
  EXPECT_EQ(keys.size() + j.journal.counters().dropped, 5u * each);
  EXPECT_EQ(j.journal.counters().dropped, 0u);
}

TEST(Journal, FatalLinesAreOutWhenTheCallReturns) {
  memory_journal j;
  j.journal.named("main").fatal("cannot go on");
  EXPECT_THAT(j.text->lines(), SizeIs(1));
}

TEST(Journal, ItsEndWritesWhatIsLeft) {
  auto text = std::make_shared<memory_sink::text>();
  {
    auto s = quick();
    s.flush_every = 10s;
    journal j{s, {.output = std::make_unique<memory_sink>(text)}};
    for (int i = 0; i < 100; ++i) j.named("a").info("x", {{"i", i}});
  }
  EXPECT_THAT(text->lines(), SizeIs(100));
}

}  // namespace
}  // namespace slipway::log::test
