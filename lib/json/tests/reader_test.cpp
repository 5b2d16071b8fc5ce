#include "samples.hpp"

#include <slipway/core/time.hpp>
#include <slipway/json/reader.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

using namespace slipway;
using sample::everything;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

// "pointer code" of every error.
template <class T>
std::vector<std::string> errors_of(std::string_view text, json::read_options const& options = {}, bool rules = false) {
  auto const out = rules ? json::read_valid<T>(text, options) : json::read<T>(text, options);
  std::vector<std::string> found;
  if (out) return found;
  if (out.error().kind() != fault_kind::invalid)
    return {std::string{out.error().code()} + " | " + out.error().more().detail};
  for (auto const& f : out.error().more().fields) {
    EXPECT_FALSE(f.message.empty());
    found.push_back(f.pointer + " " + f.code);
  }
  return found;
}

struct only_int {
  int v = 0;
};
BOOST_DESCRIBE_STRUCT(only_int, (), (v))
struct only_big {
  std::int64_t v = 0;
};
BOOST_DESCRIBE_STRUCT(only_big, (), (v))
struct only_huge {
  std::uint64_t v = 0;
};
BOOST_DESCRIBE_STRUCT(only_huge, (), (v))
struct only_float {
  float v = 0;
};
BOOST_DESCRIBE_STRUCT(only_float, (), (v))
struct patch {
  change<int> count;
  change<std::optional<std::string>> title;
};
BOOST_DESCRIBE_STRUCT(patch, (), (count, title))
struct deep {
  std::vector<std::vector<std::vector<int>>> v;
};
BOOST_DESCRIBE_STRUCT(deep, (), (v))

}  // namespace

TEST(json_reader, reads_every_kind) {
  auto const v = json::read<everything>(
      R"({"yes":true,"tiny":-128,"port":65535,"count":-7,"big":"9223372036854775807","huge":18446744073709551615,
    "ratio":0.5,"exact":1e-3,"text":"gr\u00fc\ud83d\udee5 \/","tint":"blue","id":"0190A6B2-7C3D-7E4F-8A5B-6C7D8E9FA0B1",
    "message_id":"0190a6b2-7c3d-7e4f-8a5b-6c7d8e9fa0b1","at":"2026-01-31T13:00:00+01:00","wait":"30s","note":null,"level":5,"title":null,
    "tags":["a",""],"points":[{"x":1,"y":2}],"scores":{"a":1},"pay":{"year":2030,"type":"card","number":"4"},"origin":{"y":1,"x":-2.5},"extra":[1,{"a":null}]})");
  ASSERT_TRUE(v) << v.error().more().fields[0].pointer << v.error().more().fields[0].message;
  EXPECT_TRUE(v->yes);
  EXPECT_EQ(v->tiny, -128);
  EXPECT_EQ(v->port, 65'535);
  EXPECT_EQ(v->count, -7);
  EXPECT_EQ(v->big, std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(v->huge, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(v->ratio, 0.5f);
  EXPECT_EQ(v->exact, 1e-3);
  EXPECT_EQ(v->text, "grü🛥 /");
  EXPECT_EQ(v->tint, sample::colour::blue);
  EXPECT_EQ(v->id, v->message_id.value);
  EXPECT_EQ(to_rfc3339(v->at), "2026-01-31T12:00:00Z");
  EXPECT_EQ(v->wait, std::chrono::seconds{30});
  EXPECT_FALSE(v->note);
  EXPECT_EQ(v->level, 5);
  EXPECT_FALSE(v->patch.has_value());
  ASSERT_TRUE(v->title.has_value());
  EXPECT_FALSE(v->title->has_value());
  EXPECT_THAT(v->tags, ElementsAre("a", ""));
  EXPECT_THAT(v->points, ElementsAre(sample::point{1, 2}));
  EXPECT_EQ(v->scores.at("a"), 1);
  EXPECT_EQ(std::get<sample::card>(v->pay).year, 2030);
  EXPECT_EQ(v->origin, (sample::point{-2.5, 1}));
  EXPECT_EQ(json::serialize(v->extra), R"([1,{"a":null}])");
}

TEST(json_reader, names_every_wrong_member_at_once) {
  EXPECT_THAT(
      errors_of<everything>(
          R"({"yes":1,"tiny":128,"port":-1,"count":1.5,"big":"x","huge":-1,"ratio":"1","exact":true,"text":null,"tint":"pink",
    "id":"1","message_id":5,"at":"yesterday","wait":30,"note":7,"level":"1","patch":null,"tags":["a",1,{}],"points":[{"x":1},{"x":1,"y":[]}],
    "scores":{"a/b~":"x"},"pay":{"type":"cash"},"origin":[],"more":1})"),
      ElementsAre("/yes wrong_type", "/tiny out_of_range", "/port out_of_range", "/count wrong_type", "/big wrong_type",
                  "/huge out_of_range", "/ratio wrong_type", "/exact wrong_type", "/text null", "/tint not_in_enum",
                  "/id bad_format", "/message_id wrong_type", "/at bad_format", "/wait wrong_type", "/note wrong_type",
                  "/level wrong_type", "/patch null", "/tags/1 wrong_type", "/tags/2 wrong_type",
                  "/points/0/y required", "/points/1/y wrong_type", "/scores/a~1b~0 wrong_type",
                  "/pay/type not_in_enum", "/origin wrong_type", "/more unknown", "/extra required"));
}

TEST(json_reader, absent_members) {
  EXPECT_THAT(errors_of<sample::sign_up>("{}"), ElementsAre("/email required", "/password required", "/name required"));
  auto const v = json::read<patch>("{}");
  ASSERT_TRUE(v);
  EXPECT_FALSE(v->count.has_value());
  EXPECT_FALSE(v->title.has_value());
  auto const set = json::read<patch>(R"({"count":3,"title":"t"})");
  ASSERT_TRUE(set);
  EXPECT_EQ(**set->title, "t");
  EXPECT_THAT(errors_of<patch>(R"({"count":null})"), ElementsAre("/count null"));
}

TEST(json_reader, roots_of_any_kind) {
  EXPECT_EQ(json::read<std::vector<int>>("[1,2]")->size(), 2u);
  EXPECT_EQ(*json::read<int>(" 7 "), 7);
  EXPECT_THAT(errors_of<everything>("[]"), ElementsAre(" wrong_type"));
  EXPECT_THAT(errors_of<everything>("null"), ElementsAre(" null"));
  EXPECT_THAT(errors_of<int>("\"x\""), ElementsAre(" wrong_type"));
}

TEST(json_reader, integers_are_exact_or_refused) {
  EXPECT_EQ(json::read<only_int>(R"({"v":1e3})")->v, 1000);
  EXPECT_EQ(json::read<only_int>(R"({"v":-2.0})")->v, -2);
  EXPECT_EQ(json::read<only_big>(R"({"v":9007199254740993})")->v, 9007199254740993);
  EXPECT_EQ(json::read<only_big>(R"({"v":9007199254740992.0})")->v, 9007199254740992);
  EXPECT_EQ(json::read<only_big>(R"({"v":-9223372036854775808})")->v, std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(json::read<only_big>(R"({"v":"-9223372036854775808"})")->v, std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(json::read<only_huge>(R"({"v":"18446744073709551615"})")->v, std::numeric_limits<std::uint64_t>::max());
  for (auto text : {"9007199254740994.0", "1e17", "9223372036854775808", "1e300", "\"9223372036854775808\""})
    EXPECT_THAT(errors_of<only_big>(R"({"v":)" + std::string{text} + "}"), ElementsAre("/v out_of_range")) << text;
  for (auto text :
       {"\"\"", "\"-\"", "\"+1\"", "\"01\"", "\"-0\"", "\"1.0\"", "\" 1\"", "\"0x1\"", "0.5", "true", "[1]"})
    EXPECT_THAT(errors_of<only_big>(R"({"v":)" + std::string{text} + "}"), ElementsAre("/v wrong_type")) << text;
  for (auto text : {"-1", "\"-1\"", "\"18446744073709551616\""})
    EXPECT_THAT(errors_of<only_huge>(R"({"v":)" + std::string{text} + "}"), ElementsAre("/v out_of_range")) << text;
  EXPECT_THAT(errors_of<only_int>(R"({"v":"5"})"), ElementsAre("/v wrong_type")) << "only 64-bit integers may be text";
  EXPECT_THAT(errors_of<only_int>(R"({"v":2147483648})"), ElementsAre("/v out_of_range"));
  EXPECT_THAT(errors_of<only_float>(R"({"v":1e39})"), ElementsAre("/v out_of_range"));
}

TEST(json_reader, numbers_beyond_64_bits) {
  EXPECT_THAT(errors_of<std::vector<sample::point>>(R"([{"x":1e400,"y":-1e400}])"),
              ElementsAre("/0/x out_of_range", "/0/y out_of_range"));
  EXPECT_THAT(errors_of<only_int>(R"({"v":123456789012345678901234567890})"), ElementsAre("/v out_of_range"));
  EXPECT_THAT(errors_of<json::value>("[1e400]"), ElementsAre("/0 out_of_range"));
  EXPECT_THAT(errors_of<only_int>(R"({"v":1,"w":1e400})", {.unknown = json::unknown_members::ignore}), ElementsAre())
      << "nobody needs it";
  auto const p = json::read<sample::point>(R"({"x":1e-400,"y":100000000000000000000})");  // JavaScript writes 1e20 so
  EXPECT_EQ(p->x, 0);
  EXPECT_EQ(p->y, 1e20);
  EXPECT_EQ(json::read<sample::point>("{\"x\":0." + std::string(400, '0') + "1,\"y\":-0.0}")->x, 0);
}

TEST(json_reader, text_must_be_text) {
  EXPECT_THAT(errors_of<sample::message>(R"({"text":"a\u0000b"})"), ElementsAre("/text bad_text"));
  EXPECT_THAT(errors_of<json::value>(R"({"a":["\u0000"]})"), ElementsAre("/a/0 bad_text"));
  EXPECT_THAT(errors_of<json::value>(R"({"\u0000":1})").size(), 1u);
  for (auto text : {R"({"text":"\ud800"})", R"({"text":"\udc00\ud800"})", R"({"text":"\ud800\u0041"})"})
    EXPECT_THAT(errors_of<sample::message>(text),
                ElementsAre("malformed_json | Line 1, column 10: half of a surrogate pair stands alone."))
        << text;
  EXPECT_THAT(errors_of<sample::message>("{\"text\":\n \"\xff\"}"),
              ElementsAre("malformed_json | Line 2, column 3: this is not UTF-8."));
}

TEST(json_reader, unknown_and_repeated_members) {
  EXPECT_THAT(errors_of<only_int>(R"({"v":1,"w":2})"), ElementsAre("/w unknown"));
  EXPECT_THAT(errors_of<only_int>(R"({"v":1,"w":{"a":[1,2]}})", {.unknown = json::unknown_members::ignore}),
              ElementsAre());
  EXPECT_THAT(errors_of<only_int>(R"({"v":1,"v":2})"), ElementsAre("/v duplicate"));
  EXPECT_THAT(errors_of<only_int>(R"({"w":1,"v":1,"w":2})", {.unknown = json::unknown_members::ignore}),
              ElementsAre("/w duplicate"));
  EXPECT_THAT(errors_of<only_int>(R"({"v":1,"\u0076":2})"), ElementsAre("/v duplicate"))
      << "an escape does not hide it";
  EXPECT_THAT(errors_of<json::value>(R"({"a":{"b":1,"b":2}})"), ElementsAre("/a/b duplicate"));
  using scores = std::map<std::string, int, std::less<>>;
  EXPECT_THAT(errors_of<scores>(R"({"a":1,"a":2})"), ElementsAre("/a duplicate"));
  EXPECT_THAT(errors_of<sample::payment>(R"({"type":"transfer","iban":"x","type":"card"})"),
              ElementsAre("/type duplicate"));
}

TEST(json_reader, variants_need_their_discriminator) {
  EXPECT_THAT(errors_of<sample::payment>("{}"), ElementsAre("/type required"));
  EXPECT_THAT(errors_of<sample::payment>(R"({"type":1})"), ElementsAre("/type wrong_type"));
  EXPECT_THAT(errors_of<sample::payment>(R"({"type":"card","iban":"x"})"),
              ElementsAre("/iban unknown", "/number required", "/year required"));
  EXPECT_THAT(errors_of<sample::payment>("7"), ElementsAre(" wrong_type"));
}

TEST(json_reader, read_only_members_cannot_be_set_by_a_client) {
  auto const* text = R"({"id":"0190a6b2-7c3d-7e4f-8a5b-6c7d8e9fa0b1","email":"a@b.de","password":"p","name":"n"})";
  EXPECT_THAT(errors_of<sample::sign_up>(text), ElementsAre("/id unknown"));
  EXPECT_FALSE(json::read<sample::sign_up>(text, {.own_document = true})->id.is_nil());
  EXPECT_TRUE(json::read<sample::sign_up>(R"({"email":"a@b.de","name":"n"})", {.own_document = true}))
      << "what is never written is not missed";
}

TEST(json_reader, limits) {
  EXPECT_THAT(errors_of<only_int>(R"({"v":1})", {.max_bytes = 6}),
              ElementsAre("document_too_large | The document has more than 6 bytes."));
  EXPECT_TRUE(json::read<only_int>(R"({"v":1})", {.max_bytes = 7}));
  EXPECT_TRUE(json::read<deep>(R"({"v":[[[1]]]})", {.max_depth = 4}));
  EXPECT_THAT(errors_of<deep>(R"({"v":[[[1]]]})", {.max_depth = 3}),
              ElementsAre(HasSubstr("too_deep | Line 1, column 8")));
  EXPECT_THAT(errors_of<deep>(R"({"v":[[[1,2,3],[1,2,3,4]]]})", {.max_items = 3}), ElementsAre("/v/0/1 too_many"));
  std::string wrong = "[{}";
  for (int i = 0; i < 99; ++i) wrong += ",{}";
  EXPECT_EQ(errors_of<std::vector<int>>(wrong + "]", {.max_errors = 5}).size(), 5u);
  std::string const bomb(100'000, '[');
  EXPECT_THAT(errors_of<json::value>(bomb), ElementsAre(HasSubstr("too_deep")));
  auto name = std::string(500, 'n');
  EXPECT_LT(errors_of<only_int>("{\"v\":1,\"" + name + "\":2}")[0].size(), 100u) << "a long name is not given back";
}

TEST(json_reader, malformed_text_is_located) {
  EXPECT_THAT(errors_of<only_int>("{\n  \"v\": 1,\n  \"grün\": x\n}"),
              ElementsAre("malformed_json | Line 3, column 11: a value was expected."));
  EXPECT_THAT(errors_of<only_int>(""), ElementsAre("malformed_json | Line 1, column 1: the document is empty."));
  EXPECT_THAT(errors_of<only_int>("{\"v\":1} x"),
              ElementsAre("malformed_json | Line 1, column 9: something follows the document."));
  EXPECT_THAT(errors_of<only_int>("\xEF\xBB\xBF{}"), ElementsAre(HasSubstr("byte order mark")));
}

TEST(json_reader, long_lists) {
  std::string large = "[";
  for (int i = 0; i < 60'000; ++i) large += "1,";
  large += "1]";
  EXPECT_EQ(json::read<std::vector<int>>(large, {.max_items = 100'000})->size(), 60'001u);
  EXPECT_THAT(errors_of<std::vector<int>>(large), ElementsAre(" too_many"));
  EXPECT_THAT(errors_of<json::value>(large), ElementsAre(" too_many"));
  EXPECT_THAT(errors_of<json::value>(large.substr(0, large.size() - 1)), ElementsAre(HasSubstr("malformed_json")))
      << "what is passed over is checked as well";
}

TEST(json_reader, broken_rules_and_wrong_types_are_reported_together) {
  EXPECT_THAT(
      errors_of<sample::sign_up>(
          R"({"email":"nobody","password":"short","name":" ","age":12,"tags":["aa","aa","b",1],"site":"ftp://x","more":1})",
          {}, true),
      ElementsAre("/email bad_email", "/password too_short", "/name blank", "/age out_of_range", "/tags/3 wrong_type",
                  "/site bad_url", "/more unknown"));
  EXPECT_THAT(errors_of<sample::sign_up>(
                  R"({"email":"a@b.de","password":"long enough for all","name":"abcdef","tags":["aa","aa","b","cc"]})",
                  {}, true),
              ElementsAre("/name too_long", "/tags too_many", "/tags not_unique", "/tags/2 too_short"));
  EXPECT_TRUE(json::read_valid<sample::sign_up>(
      R"({"email":"a@b.de","password":"long enough for all","name":"äöüßé","site":null})"));
}
