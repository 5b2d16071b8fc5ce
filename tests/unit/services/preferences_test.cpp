// Preferences that no store can hold are refused with the place of what is wrong.
#include "services/preferences.hpp"
#include "models/collections.hpp"

#include <slipway/db/database.hpp>
#include <slipway/documents/sql_store.hpp>
#include <slipway/json/reader.hpp>
#include <slipway/runtime/shards.hpp>

#include <gtest/gtest.h>

namespace {

using namespace app;

class preferences_case : public testing::Test {
 protected:
  preferences_case() { on.run(store->prepare(all_collections())); }

  // The pointer that the refusal names; empty: it was kept.
  std::string refused(std::string_view text) {
    auto values = json::read<json::value>(text).value();
    auto const who = scope{id_of<user>::make(clock).value, {}};
    auto const saved = on.run(service.save(who, 0, std::move(values)));
    return saved ? std::string{} : saved.error().more().fields.at(0).pointer;
  }

  manual_clock clock{time_point{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}}};
  shards on{1};
  db::database database = db::connect({.url = "sqlite::memory:"}, on);
  std::unique_ptr<documents::store> store = documents::make_sql_store(database, clock);
  repositories::preferences rows{*store};
  services::preferences service{rows};
};

TEST_F(preferences_case, the_place_of_a_bad_key_is_a_json_pointer) {
  EXPECT_EQ(refused(R"({"theme": "dark", "a/b": {"~": [1]}})"), "");
  EXPECT_EQ(refused(R"({"a/b.c": 1})"), "/values/a~1b.c");
  EXPECT_EQ(refused(R"({"~": {".": 1}})"), "/values/~0/.");
  EXPECT_EQ(refused(R"({"list": [1, {"$set": 1}]})"), "/values/list/1/$set");
  EXPECT_EQ(refused(R"({"": 1})"), "/values/");
  EXPECT_EQ(refused("[1]"), "/values");
}

TEST_F(preferences_case, a_long_key_is_not_given_back_whole) {
  auto const text = "{\"$" + std::string(60'000, 'x') + "\": 1}";
  EXPECT_LT(refused(text).size(), 200u);
}

}  // namespace
