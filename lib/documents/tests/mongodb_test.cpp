// What only MongoDB has: the way to the server, and what happens when it is not there.
#include "fixture.hpp"

#include <slipway/core/errors.hpp>
#include <slipway/core/one_shot.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/documents/mongodb_errors.hpp>
#include <slipway/documents/mongodb_text.hpp>

namespace slipway::documents::tests {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class mongodb_case : public testing::Test {
 protected:
  mongodb_case() : db_{db::connect({.url = "sqlite::memory:"}, shards_)} {}

  // What the start says, and with which code.
  std::pair<exit_code, std::string> refusal(settings s) {
    if (s.module.empty()) s.module = MONGODB_MODULE;
    s.connect_timeout = std::chrono::milliseconds{500};
    try {
      auto const opened = connect(s, db_);
    } catch (startup_error const& e) {
      return {e.code(), e.what()};
    }
    return {exit_code::ok, ""};
  }

  shards shards_{1};
  db::database db_;
};

TEST_F(mongodb_case, what_is_wrong_at_the_start_is_said) {
  EXPECT_EQ(refusal({.url = "couch://localhost/x"}).first, exit_code::config);
  EXPECT_EQ(
      refusal({.url = "couch://localhost/x"}).second,
      "documents.url: 'couch://localhost/x' names no store. Write mongodb://user:password@host:27017/database, or "
      "leave it empty for the SQL database.");
  EXPECT_THAT(refusal({.url = "mongodb://localhost"}).second, HasSubstr("names no database"));
  EXPECT_EQ(refusal({.url = "mongodb://a:%zz@localhost/x"}).first, exit_code::config);
  auto const nobody = refusal({.url = "mongodb://ann:secret@127.0.0.1:1/x"});
  EXPECT_EQ(nobody.first, exit_code::unavailable);
  EXPECT_THAT(nobody.second, AllOf(HasSubstr("no server answers"), HasSubstr("ann:***@"), Not(HasSubstr("secret"))));
  EXPECT_THAT(refusal({.url = "mongodb://127.0.0.1/x", .module = "/nowhere/at/all.so"}).second,
              HasSubstr("cannot be loaded"));
  // Some other library.
  EXPECT_THAT(refusal({.url = "mongodb://127.0.0.1/x", .module = "libz.so.1"}).second,
              HasSubstr("is not one of this program"));
}

TEST_F(mongodb_case, no_message_shows_a_password_that_was_not_escaped) {
  for (auto const* url : {"mongodb://ann:xyz:uvw@127.0.0.1:1/x", "mongodb://ann:xyz@uvw@127.0.0.1:1/x",
                          "mongodb://ann:xyz/uvw@127.0.0.1:1/x", "mongodb://ann:1/uvw@127.0.0.1"}) {
    auto const said = refusal({.url = url});
    EXPECT_EQ(said.first, exit_code::config) << url;
    EXPECT_THAT(said.second, AllOf(Not(HasSubstr("xyz")), Not(HasSubstr("uvw")), HasSubstr("%40"))) << url;
  }
  EXPECT_THAT(refusal({.url = "mongodb://127.0.0.1:1/x?tlsCertificateKeyFilePassword=secret"}).second,
              Not(HasSubstr("secret")));
}

TEST_F(mongodb_case, a_certificate_file_that_cannot_be_read_is_named_at_the_start) {
  auto const said = refusal({.url = "mongodb://127.0.0.1:1/x?tls=true&tlsCAFile=/nowhere/ca.pem"});
  EXPECT_NE(said.first, exit_code::ok);
  EXPECT_THAT(said.second, Not(testing::IsEmpty()));
}

TEST_F(mongodb_case, a_server_that_goes_away_is_a_503_and_comes_back) {
  std::string why_not;
  auto const server = mongodb_server::own(why_not);
  if (!server) GTEST_SKIP() << "SKIPPED LOUDLY: " << why_not;
  settings const s{.url = server->make_database(),
                   .module = MONGODB_MODULE,
                   .connect_timeout = std::chrono::seconds{2},
                   .timeout = std::chrono::seconds{5}};
  auto const opened = connect(s, db_);
  EXPECT_THAT(opened.store->description(), HasSubstr("FerretDB"));
  shards_.run(opened.store->prepare(all_collections()));
  collection<person> people{*opened.store};
  auto const ann = shards_.run(people.insert(make("Ann")));
  shards_.run(opened.store->ping());
  server->kill();
  EXPECT_THROW((void)shards_.run(people.find(ann.id)), unavailable_error);
  EXPECT_THROW(shards_.run(opened.store->ping()), unavailable_error);
  server->start();
  auto const again = std::chrono::steady_clock::now() + std::chrono::seconds{5};
  for (;;) {
    try {
      EXPECT_EQ(shards_.run(people.find(ann.id))->name, "Ann");
      break;
    } catch (unavailable_error const&) {
      ASSERT_LT(std::chrono::steady_clock::now(), again) << "it did not come back within five seconds";
    }
  }
}

TEST_F(mongodb_case, requests_that_find_no_room_and_late_ones_are_refused) {
  std::string why_not;
  auto* server = mongodb_server::shared(why_not);
  if (server == nullptr) GTEST_SKIP() << "SKIPPED LOUDLY: " << why_not;
  auto const opened =
      connect({.url = server->make_database(), .module = MONGODB_MODULE, .connections = 1, .queue = 2}, db_);
  shards_.run(opened.store->prepare(all_collections()));
  int refused = 0, done = 0;
  shards_.run([](store& in, int& no, int& yes) -> task<> {
    constexpr int count = 20;
    for (int i = 0; i < count; ++i)
      start_detached([](store& there, int& n, int& y) -> task<> {
        try {
          (void)co_await collection<person>{there}.all().count();
          ++y;
        } catch (unavailable_error const&) {
          ++n;
        }
      }(in, no, yes));
    while (no + yes < count) co_await sleep_for(std::chrono::milliseconds{1});
  }(*opened.store, refused, done));
  EXPECT_GE(refused, 1);
  EXPECT_GE(done, 1);
  // A deadline that has passed asks nobody any more.
  context late;
  late.deadline = context::clock::now() - std::chrono::seconds{1};
  auto const cancelled = shards_.run([](store& in, context& of) -> task<bool> {
    one_shot over;
    bool was = false;
    start_detached(
        [](store& there, bool& out, one_shot& end) -> task<> {
          try {
            (void)co_await collection<person>{there}.all().count();
          } catch (cancelled_error const&) {
            out = true;
          }
          end.fire();
        }(in, was, over),
        &of);
    co_await over;
    co_return was;
  }(*opened.store, late));
  EXPECT_TRUE(cancelled);
}

TEST(mongodb_commands, say_what_the_conditions_say) {
  auto const told = [](filter<person> const& f) { return to_json(mongodb::filter_of(f.root)); };
  auto const age = col<&person::age>;
  EXPECT_EQ(told(everything<person>()), "{}");
  EXPECT_EQ(told(age > 3 && col<&person::home, &address::city> == "Bern"),
            R"({"$and":[{"age":{"$gt":3}},{"home.city":{"$eq":"Bern"}}]})");
  EXPECT_EQ(told(!(age == 1 || age.in({2, 3}))), R"({"$nor":[{"$or":[{"age":{"$eq":1}},{"age":{"$in":[2,3]}}]}]})");
  EXPECT_EQ(told(col<&person::name>.starts_with("a.*")), R"({"name":{"$regex":"^a\\.\\*"}})");
  EXPECT_EQ(told(col<&person::nickname>.missing()), R"({"nickname":{"$exists":false}})");
  // A value is never an operator.
  EXPECT_EQ(told(col<&person::name> == "$where"), R"({"name":{"$eq":"$where"}})");
  auto steps = changes<person>().set(col<&person::age>, 1).set(col<&person::name>, "x").unset(col<&person::nickname>);
  EXPECT_EQ(to_json(mongodb::update_of(std::move(steps).take())),
            R"({"$set":{"age":1,"name":"x"},"$unset":{"nickname":""}})");
}

TEST(mongodb_answers, name_the_index_that_was_violated) {
  auto const label = [](char const* message) { return mongodb::duplicate_label(info_of<person>, message); };
  EXPECT_EQ(label("E11000 duplicate key error collection: app.people index: documents_people_email_unique dup key: { "
                  "email: \"a\" }"),
            "people.email");
  EXPECT_EQ(label("E11000 duplicate key error collection: app.people index: _id_ dup key: { _id: 1 }"), "people.id");
  EXPECT_EQ(label("E11000 duplicate key error collection: app.people"), "");
}

TEST(mongodb_answers, tell_changes_by_their_events) {
  auto const event = from_json(
      R"({"_id":{"_data":"82AB"},"operationType":"update","documentKey":{"_id":"a"},"fullDocument":{"_id":"a","value":"x"}})");
  auto const told = mongodb::entry_of(event);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->what, change_kind::changed);
  EXPECT_EQ(told->token, R"({"_data":"82AB"})");
  EXPECT_EQ(told->document->find("id")->text, "a");
  EXPECT_FALSE(mongodb::entry_of(from_json(R"({"_id":{"_data":"82AB"},"operationType":"drop"})")));
}

TEST(mongodb_answers, become_what_a_caller_understands) {
  using mongodb::answer, mongodb::problem;
  EXPECT_NO_THROW(mongodb::throw_unless_answered({}));
  EXPECT_THROW(mongodb::throw_unless_answered({.what = problem::unavailable}), unavailable_error);
  EXPECT_THROW(mongodb::throw_unless_answered({.what = problem::timeout}), unavailable_error);
  EXPECT_THROW(mongodb::throw_unless_answered({.what = problem::conflict}), db::conflict_error);
  EXPECT_THROW(mongodb::throw_unless_answered({.what = problem::refused, .code = 10334}), db::input_error);
  EXPECT_THROW(mongodb::throw_unless_answered({.what = problem::refused, .code = 2}), db::error);
}

}  // namespace
}  // namespace slipway::documents::tests
