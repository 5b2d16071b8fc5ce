// Preferences that no store can hold are refused with the place of what is wrong.
#include "services/preferences.hpp"
#include "models/collections.hpp"

#include <slipway/db/database.hpp>
#include <slipway/documents/sql_store.hpp>
#include <slipway/json/reader.hpp>
#include <slipway/migrations/migrator.hpp>
#include <slipway/runtime/shards.hpp>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>

namespace {

using namespace app;

// A store in which others do something the moment before a document is written, once.
class busy_session final : public documents::session {
 public:
  explicit busy_session(documents::session& in) : in_{in} {}
  std::function<task<>()> meanwhile;

  using in_collection = documents::collection_info const&;
  task<std::vector<documents::node>> find(documents::find_request what) override { return in_.find(std::move(what)); }
  task<std::int64_t> count(in_collection in, documents::filter_node where) override {
    return in_.count(in, std::move(where));
  }
  task<> insert(in_collection in, std::vector<documents::node> all) override {
    if (auto const others = std::exchange(meanwhile, {})) co_await others();
    co_await in_.insert(in, std::move(all));
  }
  task<std::optional<documents::node>> change_one(documents::change_request what) override {
    if (auto const others = std::exchange(meanwhile, {})) co_await others();
    co_return co_await in_.change_one(std::move(what));
  }
  task<std::int64_t> change_many(in_collection in, documents::filter_node where,
                                 documents::update_steps steps) override {
    return in_.change_many(in, std::move(where), std::move(steps));
  }
  task<std::int64_t> remove(in_collection in, documents::filter_node where) override {
    return in_.remove(in, std::move(where));
  }
  task<std::vector<documents::node>> group(documents::group_request what) override {
    return in_.group(std::move(what));
  }
  task<result<documents::feed_part>> read_feed(in_collection in, std::string token, std::size_t limit) override {
    return in_.read_feed(in, std::move(token), limit);
  }
  task<std::string> feed_end(in_collection in) override { return in_.feed_end(in); }
  clock_source const& clock() const noexcept override { return in_.clock(); }

 private:
  documents::session& in_;
};

class preferences_case : public testing::Test {
 protected:
  preferences_case() {
    on.run(migrations::migrator{database, migrations::files_in(SLIPWAY_MIGRATIONS)}.up());
    on.run(store->prepare(all_collections()));
  }

  scope somebody() {
    auto const name = fmt::format("ada-{}@example.com", ++people);
    auto const made = on.run(accounts.insert({.email = name, .name = "Ada", .password_hash = "none"}));
    return scope{made->id.value, {}};
  }
  result<app::preferences> save(scope who, std::string_view text) {
    return on.run(service.save(who, 0, json::read<json::value>(text).value()));
  }
  // The pointer that the refusal names; empty: it was kept.
  std::string refused(std::string_view text) {
    auto const saved = save(somebody(), text);
    return saved ? std::string{} : saved.error().more().fields.at(0).pointer;
  }

  manual_clock clock{time_point{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}}};
  int people = 0;
  shards on{1};
  db::database database = db::connect({.url = "sqlite::memory:"}, on);
  std::unique_ptr<documents::store> store = documents::make_sql_store(database, clock);
  busy_session busy{*store};
  repositories::preferences rows{busy};
  repositories::users accounts{database};
  services::preferences service{rows, accounts};
};

TEST_F(preferences_case, the_place_of_a_bad_key_is_a_json_pointer) {
  EXPECT_EQ(refused(R"({"theme": "dark", "a/b": {"~": [1]}})"), "");
  EXPECT_EQ(refused(R"({"a/b.c": 1})"), "/values/a~1b.c");
  EXPECT_EQ(refused(R"({"~": {".": 1}})"), "/values/~0/.");
  EXPECT_EQ(refused(R"({"list": [1, {"$set": 1}]})"), "/values/list/1/$set");
  EXPECT_EQ(refused(R"({"": 1})"), "/values/");
  EXPECT_EQ(refused("[1]"), "/values");
}

TEST_F(preferences_case, a_number_that_no_store_keeps_is_named) {
  for (auto const* text : {"9223372036854775807", "-9223372036854775808", "1e18", "-0.5", "12345678901234567e-3"})
    EXPECT_EQ(refused(fmt::format(R"({{"a": {}}})", text)), "") << text;
  for (auto const* text : {"9223372036854775808", "18446744073709551615", "-9223372036854775809",
                           "12345678901234567890123", "1e300", "-1e19"}) {
    auto const saved = save(somebody(), fmt::format(R"({{"list": [0, {{"a/b": {}}}]}})", text));
    ASSERT_FALSE(saved) << text;
    EXPECT_EQ(saved.error().more().fields.at(0).pointer, "/values/list/1/a~1b") << text;
    EXPECT_EQ(saved.error().more().fields.at(0).code, "out_of_range") << text;
  }
}

TEST_F(preferences_case, a_closed_account_gets_none) {
  auto const who = somebody();
  ASSERT_TRUE(save(who, R"({"a": 1})"));
  ASSERT_TRUE(on.run(accounts.purge(who.user())));
  on.run(rows.remove(who));
  auto const late = save(who, R"({"a": 2})");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind(), fault_kind::not_found);
  EXPECT_EQ(on.run(rows.find(who)).version, 0);
}

TEST_F(preferences_case, an_account_that_is_closed_while_they_are_saved_gets_none) {
  for (std::string_view const before : {"", R"({"a": 1})"}) {
    auto const who = somebody();
    if (!before.empty()) ASSERT_TRUE(save(who, before));
    busy.meanwhile = [&]() -> task<> {  // as users::close does
      co_await rows.remove(who);
      (void)co_await accounts.purge(who.user());
      co_await rows.remove(who);
    };
    auto const late = on.run(service.save(who, before.empty() ? 0 : 1, boost::json::object{{"a", 2}}));
    EXPECT_FALSE(late);
    EXPECT_EQ(on.run(rows.find(who)).version, 0) << "a closed account has preferences";
  }
}

TEST_F(preferences_case, a_long_key_is_not_given_back_whole) {
  auto const text = "{\"$" + std::string(60'000, 'x') + "\": 1}";
  EXPECT_LT(refused(text).size(), 200u);
}

}  // namespace
