#include "samples.hpp"

#include <slipway/json/schema.hpp>
#include <slipway/json/value.hpp>

#include <gtest/gtest.h>

using namespace slipway;

namespace {

template <class T>
std::string schema_of(json::flavour f) {
  json::schema_set set{f};
  json::buffer out;
  set.write_reference(out, meta::describe<T>);
  EXPECT_TRUE(json::parse(out.view())) << out.view();
  return out.text();
}

template <class T>
json::value components_of(json::flavour f) {
  json::schema_set set{f};
  json::buffer first, out;
  set.write_reference(first, meta::describe<T>);
  set.write_components(out);
  auto parsed = json::parse(out.view());
  EXPECT_TRUE(parsed) << out.view();
  return parsed ? *parsed : json::value{};
}

std::string at(json::value const& v, char const* pointer) {
  boost::system::error_code error;
  auto const* found = v.find_pointer(pointer, error);
  return found == nullptr ? "nothing at " + std::string{pointer} : json::serialize(*found);
}

namespace first {
struct thing {
  int a = 0;
};
BOOST_DESCRIBE_STRUCT(thing, (), (a))
}  // namespace first
namespace second {
struct thing {
  first::thing inner;
  std::vector<first::thing> list;
};
BOOST_DESCRIBE_STRUCT(thing, (), (inner, list))
}  // namespace second

struct nullables {
  std::optional<int> number;
  std::optional<sample::point> where;
  std::optional<sample::colour> tint;
  std::optional<sample::payment> pay;
  std::optional<std::vector<int>> list;
  std::int64_t id = 0;
  std::uint64_t total = 0;
  std::int64_t bounded = 0;
  change<std::optional<std::string>> title;
  page<sample::point> points;
};
BOOST_DESCRIBE_STRUCT(nullables, (), (number, where, tint, pay, list, id, total, bounded, title, points))

}  // namespace

template <>
inline constexpr auto slipway::rules_of<nullables> = slipway::rules(
    slipway::field(&nullables::bounded).minimum(0).maximum(1'000'000), slipway::field(&nullables::where).help("Here."));

using json::flavour;

TEST(json_schema, rules_become_keywords) {
  auto const c = components_of<sample::sign_up>(flavour::openapi_3_1);
  EXPECT_EQ(at(c, "/sign_up/properties/id"), R"({"type":"string","format":"uuid","readOnly":true})");
  EXPECT_EQ(
      at(c, "/sign_up/properties/email"),
      R"({"type":"string","format":"email","maxLength":254,"description":"Where to write to.","examples":["ada@example.com"]})");
  EXPECT_EQ(at(c, "/sign_up/properties/password"),
            R"({"type":"string","format":"password","minLength":12,"maxLength":128,"writeOnly":true})");
  EXPECT_EQ(at(c, "/sign_up/properties/name"), R"({"type":"string","maxLength":5,"pattern":"\\S"})");
  EXPECT_EQ(
      at(c, "/sign_up/properties/age"),
      R"({"type":"integer","format":"int32","minimum":18,"maximum":130,"description":"Unit: years.","deprecated":true})");
  EXPECT_EQ(at(c, "/sign_up/properties/tags"),
            R"({"type":"array","items":{"type":"string","minLength":2},"maxItems":3,"uniqueItems":true})");
  EXPECT_EQ(at(c, "/sign_up/properties/site"),
            R"({"type":["string","null"],"format":"uri","pattern":"^[hH][tT][tT][pP][sS]?://"})");
  EXPECT_EQ(at(c, "/sign_up/required"), R"(["email","password","name"])");
  EXPECT_EQ(at(c, "/sign_up/additionalProperties"), "false");
  auto const w = components_of<sample::window>(flavour::openapi_3_0);
  EXPECT_EQ(
      at(w, "/window/properties/wait"),
      R"({"type":"string","pattern":"^[0-9]+(ms|s|m|h|d)$","description":"How long to wait. From 100ms to 1m."})");
  EXPECT_EQ(at(w, "/window/properties/share"), R"({"type":"number","format":"double","minimum":0,"maximum":1})");
  EXPECT_EQ(at(w, "/window/properties/slug"), R"({"type":"string","format":"slug","pattern":"^[a-z-]+$"})");
  EXPECT_EQ(at(w, "/window/properties/labels"),
            R"({"type":"object","additionalProperties":{"type":"string","maxLength":3},"maxProperties":2})");
  EXPECT_EQ(at(components_of<sample::sign_up>(flavour::openapi_3_0), "/sign_up/properties/email/example"),
            "\"ada@example.com\"");
}

TEST(json_schema, null_in_both_dialects) {
  auto const modern = components_of<nullables>(flavour::openapi_3_1);
  EXPECT_EQ(at(modern, "/nullables/properties/number"), R"({"type":["integer","null"],"format":"int32"})");
  EXPECT_EQ(at(modern, "/nullables/properties/where"),
            R"({"oneOf":[{"$ref":"#/components/schemas/point"},{"type":"null"}],"description":"Here."})");
  EXPECT_EQ(at(modern, "/nullables/properties/title"), R"({"type":["string","null"]})");
  EXPECT_EQ(at(modern, "/nullables/properties/list/type"), R"(["array","null"])");
  auto const old = components_of<nullables>(flavour::openapi_3_0);
  EXPECT_EQ(at(old, "/nullables/properties/number"), R"({"type":"integer","nullable":true,"format":"int32"})");
  EXPECT_EQ(
      at(old, "/nullables/properties/where"),
      R"({"type":"object","nullable":true,"allOf":[{"$ref":"#/components/schemas/point"}],"description":"Here."})");
  EXPECT_EQ(at(old, "/nullables/properties/tint"),
            R"({"type":"string","nullable":true,"allOf":[{"$ref":"#/components/schemas/colour"}]})");
}

TEST(json_schema, wide_integers_say_that_they_may_be_text) {
  auto const modern = components_of<nullables>(flavour::openapi_3_1);
  EXPECT_EQ(at(modern, "/nullables/properties/id"),
            R"({"type":["integer","string"],"format":"int64","pattern":"^-?(0|[1-9][0-9]*)$"})");
  EXPECT_EQ(at(modern, "/nullables/properties/total"),
            R"({"type":["integer","string"],"format":"int64","pattern":"^(0|[1-9][0-9]*)$","minimum":0})");
  EXPECT_EQ(at(modern, "/nullables/properties/bounded"),
            R"({"type":"integer","format":"int64","minimum":0,"maximum":1000000})");
  auto const old = components_of<nullables>(flavour::openapi_3_0);
  EXPECT_EQ(at(old, "/nullables/properties/id"),
            R"({"oneOf":[{"type":"integer","format":"int64"},{"type":"string","pattern":"^-?(0|[1-9][0-9]*)$"}]})");
}

TEST(json_schema, variants_have_a_discriminator) {
  auto const c = components_of<sample::everything>(flavour::openapi_3_1);
  EXPECT_EQ(
      at(c, "/everything/properties/pay"),
      R"({"oneOf":[{"$ref":"#/components/schemas/card"},{"$ref":"#/components/schemas/transfer"}],"discriminator":{"propertyName":"type",)"
      R"("mapping":{"card":"#/components/schemas/card","transfer":"#/components/schemas/transfer"}}})");
  EXPECT_EQ(
      at(c, "/transfer"),
      R"({"type":"object","properties":{"type":{"type":"string","enum":["transfer"]},"iban":{"type":"string"}},"required":["type","iban"],"additionalProperties":false})");
  EXPECT_EQ(at(c, "/colour"), R"({"type":"string","enum":["red","green","blue"]})");
  EXPECT_EQ(at(c, "/everything/properties/tiny"), R"({"type":"integer","minimum":-128,"maximum":127})");
  EXPECT_EQ(at(c, "/everything/properties/at"), R"({"type":"string","format":"date-time"})");
  EXPECT_EQ(at(c, "/everything/properties/extra"), "{}");
}

TEST(json_schema, types_of_one_name_are_told_apart) {
  auto const c = components_of<second::thing>(flavour::openapi_3_1);
  EXPECT_EQ(at(c, "/thing/properties/inner"), R"({"$ref":"#/components/schemas/thing_2"})");
  EXPECT_EQ(at(c, "/thing_2/properties/a/type"), "\"integer\"");
}

TEST(json_schema, pages_are_named_after_their_items) {
  auto const c = components_of<nullables>(flavour::openapi_3_1);
  EXPECT_EQ(at(c, "/nullables/properties/points"), R"({"$ref":"#/components/schemas/point_page"})");
  EXPECT_EQ(at(c, "/point_page/properties/items"), R"({"type":"array","items":{"$ref":"#/components/schemas/point"}})");
}

TEST(json_schema, plain_types_and_documents) {
  EXPECT_EQ(schema_of<std::vector<sample::point>>(flavour::openapi_3_1),
            R"({"type":"array","items":{"$ref":"#/components/schemas/point"}})");
  EXPECT_EQ(schema_of<bool>(flavour::openapi_3_0), R"({"type":"boolean"})");
  auto const document = json::parse(json::json_schema(meta::describe<sample::point>));
  ASSERT_TRUE(document);
  EXPECT_EQ(at(*document, "/$ref"), "\"#/$defs/point\"");
  EXPECT_EQ(at(*document, "/$defs/point/required"), R"(["x","y"])");
}
