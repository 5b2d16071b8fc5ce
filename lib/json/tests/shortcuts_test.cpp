// Nearly every document takes the shortcuts of the reader and of the rules; these are the places where they end.
#include "samples.hpp"

#include <slipway/json/reader.hpp>
#include <slipway/json/validate.hpp>
#include <slipway/json/writer.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

using namespace slipway;

namespace {

struct names {
  int a = 0;
  int thirteen_char = 0;   // with quotes and colon exactly one step
  int fourteen_chars = 0;  // one more
  int a_name_that_is_longer_than_two_steps_of_sixteen = 0;
  std::string text;
};
BOOST_DESCRIBE_STRUCT(names, (),
                      (a, thirteen_char, fourteen_chars, a_name_that_is_longer_than_two_steps_of_sixteen, text))

struct bounds {
  int half = 1;
  std::int64_t wide = 0;
  std::uint64_t huge = 0;
  std::string pair = "ab";
};
BOOST_DESCRIBE_STRUCT(bounds, (), (half, wide, huge, pair))

// The text ends where its memory ends, so that the sanitizer sees whoever reads further.
template <class T>
result<T> read_exactly(std::string_view text, bool rules = false) {
  auto const memory = std::make_unique<char[]>(text.size());
  std::ranges::copy(text, memory.get());
  std::string_view const exact{memory.get(), text.size()};
  return rules ? json::read_valid<T>(exact) : json::read<T>(exact);
}

template <class T>
std::vector<std::string> broken(T const& value) {
  std::vector<std::string> out;
  for (auto const& e : json::validate(value)) out.push_back(e.pointer + " " + e.code);
  return out;
}

}  // namespace

template <>
inline constexpr auto slipway::rules_of<names> =
    slipway::rules(slipway::field(&names::a).optional(), slipway::field(&names::thirteen_char).optional(),
                   slipway::field(&names::fourteen_chars).optional(),
                   slipway::field(&names::a_name_that_is_longer_than_two_steps_of_sixteen).optional(),
                   slipway::field(&names::text).optional());

template <>
inline constexpr auto slipway::rules_of<bounds> =
    slipway::rules(slipway::field(&bounds::half).minimum(0.5).maximum(2.5),
                   slipway::field(&bounds::wide).minimum(-9007199254740992.0).maximum(1e18),
                   slipway::field(&bounds::huge).minimum(1).maximum(1e19),
                   slipway::field(&bounds::pair).min_length(2).max_length(2).not_blank());

TEST(json_shortcuts, names_of_every_length_in_every_order) {
  std::vector<std::string> members{R"("a":1)", R"("thirteen_char":2)", R"("fourteen_chars":3)",
                                   R"("a_name_that_is_longer_than_two_steps_of_sixteen":4)", R"("text":"t")"};
  std::ranges::sort(members);
  do {
    for (auto const* space : {"", " ", "\n\t "}) {
      std::string text = "{";
      for (auto m : members) {
        if (text.size() > 1) text += std::string{space} + "," + space;
        m.insert(m.find(':') + 1, space);
        text += m;
      }
      auto const out = read_exactly<names>(text + "}");
      ASSERT_TRUE(out) << text;
      EXPECT_EQ(out->a + out->thirteen_char * 10 + out->fourteen_chars * 100 +
                    out->a_name_that_is_longer_than_two_steps_of_sixteen * 1000,
                4321)
          << text;
      EXPECT_EQ(out->text, "t");
    }
  } while (std::ranges::next_permutation(members).found);
}

TEST(json_shortcuts, names_that_only_begin_alike) {
  for (auto const* text : {R"({"b":1})", R"({"aa":1})", R"({"a ":1})", R"({"fourteen_chars_":1})",
                           R"({"fourteen_char":1})", R"({"a_name_that_is_longer_than_two_steps_of_sixteen_":1})"}) {
    auto const out = read_exactly<names>(text);
    ASSERT_FALSE(out) << text;
    EXPECT_EQ(out.error().more().fields.at(0).code, "unknown") << text;
  }
  for (auto const* text :
       {R"({"a")", R"({"a":)", R"({"thirteen_char")", R"({"thirteen_char":)", R"({"fourteen_chars":)"})
    EXPECT_EQ(read_exactly<names>(text).error().kind(), fault_kind::malformed) << text;
  EXPECT_EQ(read_exactly<names>(R"({"\u0061" : 7})")->a, 7) << "a name may be written with escapes";
}

TEST(json_shortcuts, absent_members_and_repeated_ones) {
  EXPECT_EQ(read_exactly<names>(R"({"fourteen_chars":3,"text":"t"})")->fourteen_chars, 3);
  auto const twice = read_exactly<names>(R"({"a":1,"text":"t","a":2})");
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().more().fields.at(0).pointer, "/a");
  EXPECT_EQ(twice.error().more().fields.at(0).code, "duplicate");
}

TEST(json_shortcuts, texts_of_every_length_at_every_distance_from_the_end) {
  for (std::size_t size = 0; size < 70; ++size)
    for (auto const* tail : {"", " ", "                    "}) {
      std::string const text(size, 'x');
      auto const out = read_exactly<names>("{\"text\":\"" + text + "\"}" + tail);
      ASSERT_TRUE(out) << size;
      EXPECT_EQ(out->text, text);
      EXPECT_FALSE(read_exactly<names>("{\"text\":\"" + text + tail)) << "a text without an end";
    }
}

TEST(json_shortcuts, a_text_is_replaced_whatever_stood_there) {
  for (std::size_t before : {0, 3, 15, 16, 40})
    for (std::size_t after : {0, 3, 15, 16, 17, 31, 40, 90}) {
      std::vector<std::string> value{std::string(before, 'b')};
      std::string const text(after, 'a'), document = "{\"text\":\"" + text + "\"}";
      names into;
      into.text = value[0];
      ASSERT_TRUE(json::read_into(meta::describe<names>, &into, document, {}, false));
      EXPECT_EQ(into.text, text);
      EXPECT_EQ(into.text.c_str()[after], '\0');
    }
}

TEST(json_shortcuts, integers_of_every_length_before_every_end) {
  for (std::int64_t n = 1, digits = 1; digits <= 18; n = n * 10 + digits % 10, ++digits)
    for (auto const* end : {"]", " ]", "\n]", ",1]", "\t]", "\r]"})
      for (auto v : {n, -n}) {
        auto const out = read_exactly<std::vector<std::int64_t>>("[" + std::to_string(v) + end);
        ASSERT_TRUE(out) << v << end;
        EXPECT_EQ(out->at(0), v);
      }
  EXPECT_EQ(*read_exactly<std::int64_t>("-7"), -7) << "where the document ends";
  EXPECT_EQ(*read_exactly<std::int64_t>("0"), 0);
  EXPECT_EQ(*read_exactly<std::int64_t>("-0"), 0);
  EXPECT_EQ(*read_exactly<std::int64_t>("999999999999999999"), 999'999'999'999'999'999);
  EXPECT_EQ(*read_exactly<std::int64_t>("9223372036854775807"), std::numeric_limits<std::int64_t>::max());
  for (auto const* text : {"01", "-01", "-", "1-", "1x", "--1", "00", "-00", "1.", "1e", "0000000000000000000"})
    EXPECT_EQ(read_exactly<std::int64_t>(text).error().kind(), fault_kind::malformed) << text;
}

TEST(json_shortcuts, limits_that_no_integer_meets_exactly) {
  EXPECT_THAT(broken(bounds{.half = 0, .huge = 1}), testing::ElementsAre("/half out_of_range"));
  EXPECT_THAT(broken(bounds{.half = 1, .huge = 1}), testing::IsEmpty());
  EXPECT_THAT(broken(bounds{.half = 2, .huge = 1}), testing::IsEmpty());
  EXPECT_THAT(broken(bounds{.half = 3, .huge = 1}), testing::ElementsAre("/half out_of_range"));
  EXPECT_THAT(broken(bounds{.wide = -9007199254740992, .huge = 10'000'000'000'000'000'000u}), testing::IsEmpty());
  EXPECT_THAT(broken(bounds{.wide = -9007199254740994, .huge = 0}),
              testing::ElementsAre("/wide out_of_range", "/huge out_of_range"));
  EXPECT_THAT(broken(bounds{.wide = 1'000'000'000'000'000'001, .huge = ~0ull}),
              testing::ElementsAre("/huge out_of_range"))
      << "a limit is a double: it cannot tell 10^18 and the integer after it apart";
}

TEST(json_shortcuts, lengths_at_their_limits) {
  for (auto const* good : {"ab", "äö", "🛥🛥", "a🛥"})
    EXPECT_THAT(broken(bounds{.huge = 1, .pair = good}), testing::IsEmpty());
  EXPECT_THAT(broken(bounds{.huge = 1, .pair = "🛥"}), testing::ElementsAre("/pair too_short"));
  EXPECT_THAT(broken(bounds{.huge = 1, .pair = "abc"}), testing::ElementsAre("/pair too_long"));
  EXPECT_THAT(broken(bounds{.huge = 1, .pair = ""}), testing::ElementsAre("/pair too_short", "/pair blank"));
  EXPECT_THAT(broken(bounds{.huge = 1, .pair = " \t"}), testing::ElementsAre("/pair blank"));
}

TEST(json_shortcuts, long_names_are_written_whole) {
  EXPECT_EQ(
      json::write(names{.a = 1, .text = "t"}),
      R"({"a":1,"thirteen_char":0,"fourteen_chars":0,"a_name_that_is_longer_than_two_steps_of_sixteen":0,"text":"t"})");
}
