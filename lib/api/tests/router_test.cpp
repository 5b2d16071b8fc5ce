#include "shop.hpp"

#include <slipway/api/openapi.hpp>
#include <slipway/json/value.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace {

using namespace slipway;
using namespace slipway::api;
using shop::counter;

template <class F>
std::string refusal(F add) {
  try {
    add();
  } catch (std::logic_error const& e) {
    return e.what();
  }
  return "accepted";
}

TEST(api_router, refuses_lines_that_cannot_be_meant) {
  counter c;
  router r;
  using testing::HasSubstr;
  EXPECT_THAT(refusal([&] { r.get("/a", c, &counter::broken, {.summary = "No word on access"}); }),
              HasSubstr("who may call it"));
  EXPECT_THAT(
      refusal([&] { r.post("/a", c, &counter::restock, {.summary = "A scope of nobody", .access = everyone}); }),
      HasSubstr("scope"));
  EXPECT_THAT(refusal([&] { r.get("/a/{x}/{y}", c, &counter::show, {.summary = "One too many", .access = everyone}); }),
              HasSubstr("2 parameters"));
  EXPECT_THAT(refusal([&] { r.get("/a", c, &counter::show, {.summary = "One too few", .access = everyone}); }),
              HasSubstr("0 parameters"));
  EXPECT_THAT(refusal([&] {
                r.post("/a", c, &counter::create, {.summary = "No store", .access = everyone, .idempotency_key = true});
              }),
              HasSubstr("store"));
  EXPECT_THAT(refusal([&] {
                r.get("/a", c, &counter::broken,
                      {.summary = "Of nothing", .access = everyone, .examples = {{"X-No", "1"}}});
              }),
              HasSubstr("X-No is no parameter"));
  r.get("/a", c, &counter::broken, {.summary = "Good", .access = everyone, .name = "a"});
  EXPECT_THAT(
      refusal([&] { r.get("/b", c, &counter::broken, {.summary = "Same name", .access = everyone, .name = "a"}); }),
      HasSubstr("taken"));
  EXPECT_NE(refusal([&] { r.get("/a", c, &counter::busy, {.summary = "Same path", .access = everyone}); }), "accepted");
}

class document : public testing::TestWithParam<json::flavour> {};

TEST_P(document, says_what_the_routes_say) {
  counter c;
  router r;
  shop::routes(r, c);
  auto const text = openapi(r.operations(), {.title = "Shop", .version = "1", .description = "Nails"}, GetParam());
  auto const parsed = json::parse(text);
  ASSERT_TRUE(parsed.has_value()) << parsed.error().more().detail << text;
  auto const& doc = *parsed;
  auto const& create = doc.at("paths").at("/v1/items").at("post");
  EXPECT_EQ(create.at("operationId").as_string(), "items.create");
  EXPECT_EQ(create.at("requestBody").at("content").at("application/json").at("schema").at("$ref").as_string(),
            "#/components/schemas/new_item");
  for (auto const* status : {"201", "400", "409", "413", "415", "422", "429", "500", "503"})
    EXPECT_TRUE(create.at("responses").as_object().contains(status)) << status;
  EXPECT_FALSE(create.at("responses").as_object().contains("401"));
  EXPECT_TRUE(create.at("responses").at("201").at("headers").as_object().contains("Location"));
  auto const& list = doc.at("paths").at("/v1/list");
  auto const& form = list.at("post").at("requestBody").at("content").at("multipart/form-data").at("schema");
  EXPECT_EQ(form.at("properties").at("list").at("type").as_string(), "string");
  for (auto const* status : {"400", "413", "415", "422"})
    EXPECT_TRUE(list.at("post").at("responses").as_object().contains(status)) << status;
  EXPECT_TRUE(list.at("get").at("responses").as_object().contains("406"));
  EXPECT_EQ(list.at("get").at("responses").at("200").at("content").as_object().size(), 2u);
  auto const& stock = doc.at("paths").at("/v1/stock").at("get").at("responses").at("503").at("content");
  EXPECT_TRUE(stock.as_object().contains("application/json") && stock.as_object().contains("application/problem+json"));
  auto const& restock = doc.at("paths").at("/v1/restock").at("post");
  EXPECT_EQ(restock.at("security").as_array().size(), 1u);
  EXPECT_TRUE(restock.at("responses").as_object().contains("403"));
  auto const& remove = doc.at("paths").at("/v1/items/{id}").at("delete");
  EXPECT_TRUE(remove.at("responses").as_object().contains("412"));
  EXPECT_FALSE(remove.at("responses").as_object().contains("428")) << "the condition need not be made";
  EXPECT_EQ(remove.at("parameters").at(1).at("name").as_string(), "If-Match");
  EXPECT_FALSE(remove.at("parameters").at(1).at("required").as_bool());
  EXPECT_TRUE(doc.at("paths").at("/v1/items/{id}").at("get").at("responses").as_object().contains("422"))
      << "?fields= may be wrong";
  auto const& query = doc.at("paths").at("/v1/items").at("get").at("parameters").as_array();
  std::map<std::string, std::string> initial;
  for (auto const& p : query)
    if (auto const* said = p.at("schema").as_object().if_contains("default"))
      initial.emplace(p.at("name").as_string(), json::serialize(*said));
  EXPECT_EQ(initial, (std::map<std::string, std::string>{{"limit", "2"}, {"sort", "\"name\""}}));
  auto const& change = doc.at("paths").at("/v1/items/{id}").at("patch");
  EXPECT_TRUE(change.at("responses").as_object().contains("428"));
  EXPECT_TRUE(change.at("parameters").at(1).at("required").as_bool());
  EXPECT_EQ(change.at("parameters").at(0).at("example").as_string(), "0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b");
  EXPECT_EQ(change.at("parameters").at(1).at("example").as_string(), "\"3\"");
  auto const& said = doc.at("paths").at("/v1/text").at("get").at("parameters");
  EXPECT_EQ(said.at(0).at("name").as_string(), "X-Name");
  EXPECT_EQ(said.at(0).at("example").as_string(), "Ada");
  EXPECT_EQ(said.at(1).at("example").as_string(), "red");
  auto const& name = doc.at("components").at("schemas").at("new_item").at("properties").at("name");
  EXPECT_EQ(name.at("maxLength").to_number<int>(), 10);
  EXPECT_TRUE(doc.at("paths").at("/v1/text").at("get").at("deprecated").as_bool());
  EXPECT_FALSE(doc.at("paths").at("/v2/text").at("get").as_object().contains("deprecated"));
  auto const& accepted = doc.at("paths").at("/v1/counts").at("post").at("responses").at("202");
  EXPECT_TRUE(accepted.at("headers").as_object().contains("Location"));
  EXPECT_TRUE(doc.at("components").at("schemas").as_object().contains("problem_details"));
}
INSTANTIATE_TEST_SUITE_P(both, document, testing::Values(json::flavour::openapi_3_1, json::flavour::openapi_3_0));

// Every kind of fault has a status of its own meaning; none falls through to 500.
TEST(problems, every_kind_of_fault_has_a_status) {
  for (int k = 0; k <= static_cast<int>(fault_kind::unavailable); ++k) {
    auto const status = status_of(static_cast<fault_kind>(k));
    EXPECT_GE(status, 400);
    EXPECT_NE(status, 500);
    EXPECT_NE(http::reason_phrase(status), "");
  }
}

}  // namespace
