#include <slipway/json/value.hpp>

#include <gtest/gtest.h>

#include <limits>

using namespace slipway;

TEST(json_value, parses_and_serialises) {
  constexpr auto text = R"({"a":[1,-2,18446744073709551615,0.5,true,null,"é\n"],"b":{}})";
  auto const v = json::parse(text);
  ASSERT_TRUE(v);
  EXPECT_EQ(json::serialize(*v), text) << "the order of members stays";
  EXPECT_EQ(json::parse("{").error().code(), "malformed_json");
  EXPECT_EQ(json::parse(R"({"a":1,"a":2})").error().more().fields[0].code, "duplicate");
  EXPECT_EQ(json::parse("[1,2,3]", {.max_items = 2}).error().more().fields[0].code, "too_many");
  EXPECT_EQ(json::parse(R"({"a":1,"b":2,"c":3})", {.max_items = 2}).error().more().fields[0].code, "too_many");
  EXPECT_THROW(json::serialize(json::value(std::numeric_limits<double>::infinity())), json::write_error);
}

TEST(json_value, merge_patch) {
  // The cases of RFC 7396, appendix A.
  struct {
    char const *target, *patch, *expected;
  } const cases[] = {
      {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {R"({"a":"b"})", R"({"a":null})", R"({})"},
      {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
      {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
      {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
      {R"({"a":"foo"})", "null", "null"},
      {R"({"a":"foo"})", "\"bar\"", "\"bar\""},
      {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
      {"[1,2]", R"({"a":"b","c":null})", R"({"a":"b"})"},
      {"{}", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
  };
  for (auto const& c : cases) {
    auto target = *json::parse(c.target);
    json::merge_patch(target, *json::parse(c.patch));
    EXPECT_EQ(json::serialize(target), c.expected) << c.target << " + " << c.patch;
  }
}
