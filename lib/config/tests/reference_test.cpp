#include "support.hpp"

#include <slipway/config/reference.hpp>

#include <gmock/gmock.h>
#include <boost/json/parse.hpp>

#include <regex>

namespace slipway::config::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(Show, TellsValueAndOriginAndMasksSecrets) {
  fixture f{
      "http: { port: 81 }\nkey: topsecretkey\nname: ${env:WHO}\ndatabase_url: postgres://app:hunter2@db/app\nmodes: { "
      "a: fast }\n"};
  f.from.variables = {{"WHO", "classified"}, {"SLIPWAY_RATIO", "0.7"}};
  f.from.flags = {"debug=true"};
  auto const text = show(f.load());
  auto const base = f.dir / "base.yaml";
  auto const row = [&](std::string const& key, std::string const& value, std::string const& from) {
    auto const escape = [](std::string const& s) {
      return std::regex_replace(s, std::regex{R"([.*+?^${}()|\[\]\\])"}, "\\$&");
    };
    return std::regex_search(text,
                             std::regex{"(^|\n)" + escape(key) + " +" + escape(value) + " +" + escape(from) + "\n"});
  };
  EXPECT_TRUE(row("http.port", "81", base + ":1")) << text;
  EXPECT_TRUE(row("http.idle", "\"75s\"", "default")) << text;
  EXPECT_TRUE(row("http.listen", "[\"127.0.0.1\"]", "default")) << text;
  EXPECT_TRUE(row("ratio", "0.7", "SLIPWAY_RATIO")) << text;
  EXPECT_TRUE(row("debug", "true", "--set debug")) << text;
  EXPECT_TRUE(row("name", "***", base + ":3")) << text;
  EXPECT_TRUE(row("key", "***", base + ":2")) << text;
  EXPECT_TRUE(row("database_url", "\"postgres://app:***@db/app\"", base + ":4")) << text;
  EXPECT_TRUE(row("modes", "{\"a\": \"fast\"}", base + ":5")) << text;
  for (auto const* secret : {"topsecretkey", "hunter2", "classified"}) EXPECT_THAT(text, Not(HasSubstr(secret)));
}

TEST(Show, MasksAUrlAsAWholeWhenItsPartsAreInDoubt) {
  for (auto const* url : {"postgres://a:b@c@db/app", "postgres://db/app?password=hunter2", "password=hunter2 host=db",
                          "postgres://a:hun/ter2@db@x"}) {
    fixture f;
    f.from.flags = {std::string{"database_url="} + url};
    EXPECT_THAT(show(f.load()), Not(HasSubstr("hunter2"))) << url;
    EXPECT_THAT(show(f.load()), Not(HasSubstr("b@c"))) << url;
  }
  fixture f;
  EXPECT_THAT(show(f.load()), HasSubstr("\"sqlite:app.db\""));
}

TEST(Schema, IsJsonSchemaThatDescribesEveryKey) {
  auto const parsed = boost::json::parse(schema<settings>());
  EXPECT_EQ(parsed.at("$schema").as_string(), "https://json-schema.org/draft/2020-12/schema");
  auto const& properties = parsed.at("properties").as_object();
  EXPECT_EQ(properties.size(), 11u);
  EXPECT_EQ(properties.at("name").at("default").as_string(), "app");
  EXPECT_EQ(properties.at("name").at("maxLength").to_number<int>(), 20);
  EXPECT_FALSE(properties.at("key").as_object().contains("default"));
  EXPECT_FALSE(properties.at("database_url").as_object().contains("default"));
  auto const& port = properties.at("http").at("properties").at("port");
  EXPECT_EQ(port.at("description").as_string(), "Where it listens. Unit: port.");
  EXPECT_EQ(port.at("anyOf").at(0).at("minimum").to_number<int>(), 1);
  EXPECT_EQ(port.at("anyOf").at(0).at("maximum").to_number<int>(), 65'535);
  EXPECT_TRUE(properties.at("http").at("properties").at("idle").at("x-reload").as_bool());
  EXPECT_FALSE(port.as_object().contains("x-reload"));
  EXPECT_EQ(parsed.at("additionalProperties").as_bool(), false);
}

TEST(Reference, ThePageNamesEveryKey) {
  auto const page = reference_markdown<settings>();
  EXPECT_THAT(page, HasSubstr("## http\n\n| key |"));
  EXPECT_THAT(page, HasSubstr("| `http.port` | whole number: at least 1 | `8080` | port | `SLIPWAY_HTTP__PORT` | no | "
                              "Where it listens. |"));
  EXPECT_THAT(page, HasSubstr("| `http.idle` | duration: at least 100ms, at most 1h | `\"75s\"` |  | "
                              "`SLIPWAY_HTTP__IDLE` | yes | How long \\| a connection may idle. |"));
  EXPECT_THAT(page, HasSubstr("| `mode` | one of fast, careful |"));
}

TEST(Reference, TheYamlLoadsAsItIsAndUncommented) {
  auto const text = reference_yaml<settings>();
  fixture f{text};
  EXPECT_THAT(f.problems(), IsEmpty()) << text;
  // Taking the sign from each line that is a key gives the defaults once more.
  fixture g{std::regex_replace(text, std::regex{"( *)# ([a-z_]+: (?!.*; SLIPWAY_).*)\n"}, "$1$2\n")};
  g.from.flags = {"store={type: file_store}"};
  EXPECT_THAT(g.problems(), IsEmpty()) << text;
  EXPECT_EQ(g.load().came.from.count("http.max_body"), 1u);
}

}  // namespace
}  // namespace slipway::config::test
