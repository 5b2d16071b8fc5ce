// Replies out of bytes, however they are cut, and what is refused.
#include <slipway/redis/errors.hpp>
#include <slipway/redis/reply_parser.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace slipway::redis;
using testing::HasSubstr;
using state = reply_parser::state;

namespace {

std::string shown(reply const& r) {
  switch (r.what) {
    case reply::kind::nil: return "nil";
    case reply::kind::integer: return ":" + std::to_string(r.number);
    case reply::kind::status: return "+" + r.text;
    case reply::kind::text: return "'" + r.text + "'";
    case reply::kind::error: return "!" + r.text;
    case reply::kind::list: {
      std::string out = "[";
      for (auto const& each : r.items) out += shown(each) + " ";
      return out + "]";
    }
  }
  return {};
}

std::string read_all(std::string_view bytes, std::size_t piece) {
  reply_parser parser{{}};
  std::string out;
  while (!bytes.empty()) {
    parser.feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    reply r;
    for (;;) {
      auto const s = parser.next(r);
      if (s == state::need_more) break;
      if (s == state::broken) return out + "broken: " + parser.problem();
      out += shown(r) + "\n";
    }
  }
  return out;
}

std::string problem_of(std::string const& bytes, reply_parser::limits limits = {}) {
  reply_parser parser{limits};
  parser.feed(bytes);
  reply r;
  auto s = parser.next(r);
  while (s == state::ready) s = parser.next(r);
  return s == state::broken ? parser.problem() : "needs more";
}

constexpr std::string_view sample =
    "+OK\r\n:-42\r\n$5\r\na\r\nbc\r\n$-1\r\n$0\r\n\r\n-ERR no\r\n*-1\r\n*0\r\n"
    "*3\r\n*2\r\n$1\r\nx\r\n:1\r\n*1\r\n*1\r\n$-1\r\n-WRONGTYPE inside\r\n+PONG\r\n";
constexpr std::string_view sample_shown =
    "+OK\n:-42\n'a\r\nbc'\nnil\n''\n!ERR no\nnil\n[]\n[['x' :1 ] [[nil ] ] !WRONGTYPE inside ]\n+PONG\n";

TEST(redis_parser, reads_the_same_however_the_bytes_are_cut) {
  for (std::size_t piece = 1; piece <= sample.size(); ++piece)
    EXPECT_EQ(read_all(sample, piece), sample_shown) << piece;
}

// A fuzzer found these refused: what is left of a line that came in pieces does not begin with the byte of its kind.
TEST(redis_parser, long_lines_may_come_in_pieces) {
  std::string const text(1000, 'x');
  for (std::size_t const piece : {2u, 40u, 500u}) {
    EXPECT_EQ(read_all("-ERR " + text + "\r\n", piece), "!ERR " + text + "\n");
    EXPECT_EQ(read_all("*1\r\n+" + text + "\r\n", piece), "[+" + text + " ]\n");
  }
}

TEST(redis_parser, any_bytes_in_texts) {
  std::string value(256, '\0');
  for (int i = 0; i < 256; ++i) value[static_cast<std::size_t>(i)] = static_cast<char>(i);
  EXPECT_EQ(read_all("$256\r\n" + value + "\r\n", 7), "'" + value + "'\n");
}

TEST(redis_parser, what_is_no_reply_is_refused) {
  for (auto const* bad : {"HTTP/1.1 400 Bad Request\r\n", "?\r\n", "*x\r\n", "$x\r\n", ":x\r\n", "$-2\r\n", "*-2\r\n",
                          "%1\r\n+a\r\n+b\r\n", ">2\r\n", "_\r\n", "\r\n"})
    EXPECT_THAT(problem_of(bad), HasSubstr("rotocol error")) << bad;
  EXPECT_THAT(problem_of("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n"), HasSubstr("depth"));
  // Once broken, nothing more is read.
  reply_parser parser{{}};
  parser.feed("?\r\n");
  reply r;
  EXPECT_EQ(parser.next(r), state::broken);
  parser.feed("+OK\r\n");
  EXPECT_EQ(parser.next(r), state::broken);
}

TEST(redis_parser, a_reply_has_bounds) {
  reply_parser::limits const small{.bytes = 1000, .elements = 10};
  auto const too_large = HasSubstr("larger than allowed");
  EXPECT_THAT(problem_of("$2000\r\n" + std::string(1500, 'a'), small), too_large);
  EXPECT_THAT(problem_of("*1000000000\r\n", small), too_large);  // refused before anything is allocated
  EXPECT_THAT(problem_of("*2147483647\r\n*2147483647\r\n", {}), too_large);
  std::string many = "*11\r\n", nested = "*2\r\n";
  for (int i = 0; i < 11; ++i) many += ":1\r\n";
  for (int i = 0; i < 2; ++i) nested += "*5\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n";
  EXPECT_THAT(problem_of(many, small), too_large);
  EXPECT_THAT(problem_of(nested, small), too_large);
  std::string sum = "*4\r\n";
  for (int i = 0; i < 4; ++i) sum += "$300\r\n" + std::string(300, 'a') + "\r\n";
  EXPECT_THAT(problem_of(sum, small), too_large);
  // The bounds are for each reply, not for the connection.
  std::string series;
  for (int i = 0; i < 100; ++i) series += "$300\r\n" + std::string(300, 'a') + "\r\n";
  EXPECT_EQ(problem_of(series, small), "needs more");
  EXPECT_THAT(problem_of("+" + std::string(70'000, 'a')), HasSubstr("line without an end"));
  EXPECT_THAT(problem_of("$" + std::string(64, '1')), HasSubstr("rror"));
}

TEST(redis_reply, converts_or_says_what_it_is_instead) {
  auto const of = [](std::string_view bytes) {
    reply_parser parser{{}};
    parser.feed(bytes);
    reply r;
    EXPECT_EQ(parser.next(r), state::ready);
    return r;
  };
  EXPECT_EQ(of("$2\r\n42\r\n").as_integer(), 42);
  EXPECT_EQ(of("$4\r\n-inf\r\n").as_double(), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(of("$3\r\n0.5\r\n").as_double(), 0.5);
  EXPECT_TRUE(of("+OK\r\n").as_flag());
  EXPECT_FALSE(of(":0\r\n").as_flag());
  EXPECT_EQ(of("$-1\r\n").as_optional_text(), std::nullopt);
  EXPECT_THROW((void)of(":1\r\n").as_text(), error);
  EXPECT_THROW((void)of("$2\r\n4x\r\n").as_integer(), error);
  EXPECT_THROW((void)of("$0\r\n\r\n").as_double(), error);
  EXPECT_THROW((void)of("+x\r\n").as_list(), error);
  EXPECT_THROW((void)of("*1\r\n+x\r\n").as_pairs(), error);
  try {
    (void)of("-WRONGTYPE Operation against a key\r\n").as_integer();
    ADD_FAILURE();
  } catch (error const& e) {
    EXPECT_EQ(e.code(), "UNEXPECTED");
    EXPECT_THAT(e.what(), HasSubstr("WRONGTYPE"));
  }
}

}  // namespace
