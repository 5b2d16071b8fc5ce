// What only a replica set does (transactions, change streams), asked of a driver that the test plays itself: no server
// that can be installed here has them. SLIPWAY_TEST_MONGODB runs the other tests against a real one.
#include "fixture.hpp"

#include <slipway/core/errors.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/documents/mongodb_errors.hpp>
#include <slipway/documents/mongodb_store.hpp>
#include <slipway/documents/mongodb_text.hpp>

#include <atomic>
#include <functional>
#include <semaphore>
#include <thread>

namespace slipway::documents::tests {
namespace {

using mongodb::answer, mongodb::problem;

node object_of(char const* json) { return from_json(json); }

// What it was asked, and what happens meanwhile.
struct script {
  std::function<void()> on_commit = [] {};
  std::function<answer(node const&)> on_watch = [](node const&) { return answer{}; };
  answer of_hello{.reply = object_of(R"({"setName":"rs0","maxWireVersion":17})")};
  answer of_insert{};
  answer of_change{};
  std::atomic<int> commits{0}, undone{0}, aggregates{0};
  std::atomic<bool> was_freed_on_a_shard{false};
};

class played_transaction final : public mongodb::transaction {
 public:
  explicit played_transaction(script& by) noexcept : by_{by} {}
  ~played_transaction() override {
    if (shard::on_a_shard()) by_.was_freed_on_a_shard = true;
    abort();
  }
  answer commit() override {
    is_open_ = false;
    ++by_.commits;
    by_.on_commit();
    return {};
  }
  void abort() noexcept override {
    if (std::exchange(is_open_, false)) ++by_.undone;
  }

 private:
  script& by_;
  bool is_open_ = true;
};

class played_driver final : public mongodb::driver {
 public:
  explicit played_driver(script& by) noexcept : by_{by} {}

  std::string database() const override { return "played"; }
  answer run(node const& command, bool, milliseconds, mongodb::transaction*) override {
    if (command.find("hello") != nullptr) return by_.of_hello;
    if (command.find("buildInfo") != nullptr) return {.reply = object_of(R"({"version":"6.0.0"})")};
    if (command.find("findAndModify") != nullptr || command.find("update") != nullptr) return by_.of_change;
    return {.reply = node::object()};
  }
  answer find(std::string const&, mongodb::find_options const&, milliseconds, mongodb::transaction*) override {
    return {.reply = node::list()};
  }
  answer aggregate(std::string const&, node const&, milliseconds, mongodb::transaction*) override {
    ++by_.aggregates;
    return {.reply = node::list()};
  }
  answer insert(std::string const&, std::vector<node> const&, milliseconds, mongodb::transaction*) override {
    return by_.of_insert;
  }
  answer watch(std::string const&, node const& token, std::size_t, milliseconds) override {
    return by_.on_watch(token);
  }
  std::unique_ptr<mongodb::transaction> begin(answer&) override { return std::make_unique<played_transaction>(by_); }

 private:
  script& by_;
};

class mongodb_driver_case : public testing::Test {
 protected:
  mongodb_driver_case() : store_{mongodb::make_store(std::make_unique<played_driver>(script_), {}, pool_, clock_)} {}

  // Work that keeps the pool's thread and, begun twice, its queue until somebody was refused or it may end.
  void keep_busy(bool until_refused) {
    start_detached([](mongodb_driver_case& self, bool waits) -> task<> {
      co_await self.pool_.run([&] {
        while (!self.may_end_ && !(waits && self.pool_.use().refused > 0)) std::this_thread::yield();
      });
      ++self.ended_;
    }(*this, until_refused));
  }
  void wait_for(std::function<bool(blocking_pool::usage const&)> const& holds) {
    while (!holds(pool_.use())) std::this_thread::yield();
  }
  // On the shard.
  void fill(bool until_refused) {
    keep_busy(until_refused);
    wait_for([](auto const& use) { return use.running == 1 && use.queued == 0; });
    keep_busy(until_refused);
  }
  void let_go() {
    may_end_ = true;
    while (ended_ < 2) std::this_thread::yield();
  }

  shards shards_{1};
  manual_clock clock_{time_point{std::chrono::sys_days{std::chrono::year{2026} / 5 / 1}}};
  script script_;
  blocking_pool pool_{"played", {.threads = 1, .queue = 1}};
  std::unique_ptr<store> store_;
  std::atomic<bool> may_end_{false};
  std::atomic<int> ended_{0};
};

class mongodb_start : public testing::Test {
 protected:
  std::string refusal(exit_code expected) {
    played_driver driver{script_};
    settings s;
    s.url = "mongodb://ann:hunter2hunter2@db.example.com/app";  // not a secret
    try {
      mongodb::facts_of(driver, s);
      return "it was taken";
    } catch (startup_error const& e) {
      EXPECT_EQ(e.code(), expected) << e.what();
      return e.what();
    }
  }

  script script_;
};

TEST_F(mongodb_start, a_server_that_is_too_old_is_refused) {
  script_.of_hello.reply = object_of(R"({"maxWireVersion":9})");
  EXPECT_THAT(refusal(exit_code::config), testing::HasSubstr("is too old: MongoDB 5.0 or newer is needed"));
}

TEST_F(mongodb_start, wrong_credentials_are_told_from_a_server_that_is_away) {
  using testing::AllOf, testing::HasSubstr, testing::Not;
  script_.of_hello = {.what = problem::refused, .code = 18, .message = "Authentication failed."};
  EXPECT_THAT(refusal(exit_code::config), AllOf(HasSubstr("Authentication failed. Look at user, password"),
                                                HasSubstr("db.example.com"), Not(HasSubstr("hunter2"))));
  script_.of_hello = {.what = problem::unavailable, .message = "connection refused"};
  EXPECT_THAT(refusal(exit_code::unavailable), HasSubstr("no server answers: connection refused"));
}

TEST_F(mongodb_driver_case, what_was_committed_is_not_reported_as_refused_when_the_pool_is_full_by_then) {
  std::binary_semaphore queued{0};
  script_.on_commit = [&] {
    shards_[0].post([&] {
      keep_busy(false);
      queued.release();
    });
    queued.acquire();
    // Before the caller goes on: the one takes the thread, the other the queue.
    shards_[0].post([this] {
      wait_for([](auto const& use) { return use.running == 1 && use.queued == 0; });
      keep_busy(false);
    });
  };
  EXPECT_NO_THROW(shards_.run(store_->transaction([](session&) -> task<> { co_return; })));
  EXPECT_EQ(pool_.use().refused, 0u);
  let_go();
  EXPECT_EQ(script_.commits, 1) << "and is not done twice";
  EXPECT_EQ(script_.undone, 0);
  EXPECT_FALSE(script_.was_freed_on_a_shard);
}

TEST_F(mongodb_driver_case, what_went_wrong_is_told_and_undone_off_the_shard_when_the_pool_is_full) {
  EXPECT_THROW(shards_.run(store_->transaction([this](session&) -> task<> {
    fill(true);
    throw std::range_error{"mine"};
    co_return;
  })),
               std::range_error);
  let_go();
  EXPECT_EQ(script_.commits, 0);
  EXPECT_EQ(script_.undone, 1);
  EXPECT_FALSE(script_.was_freed_on_a_shard) << "to undo it asks the server";
}

TEST_F(mongodb_driver_case, a_command_that_meets_a_unique_index_looks_for_no_documents) {
  script_.of_change = {.what = problem::refused, .code = 11000, .message = "duplicate", .reply = {}};
  auto const change = [&] {
    return shards_.run(collection<person>{*store_}.update(id_of<person>::make(),
                                                          changes<person>().set(col<&person::email>, "a@example.com")));
  };
  try {
    (void)change();
    ADD_FAILURE() << "taken";
  } catch (db::constraint_error const& e) {
    EXPECT_EQ(e.name(), "unique(people)");
  }
  EXPECT_EQ(script_.aggregates, 0);
}

TEST_F(mongodb_driver_case, a_change_stream_has_no_beginning_to_be_read_from) {
  collection<setting> settings{*store_};
  auto const begin = shards_.run(settings.feed(""));
  ASSERT_FALSE(begin.has_value());
  EXPECT_EQ(begin.error().code(), "feed_expired");
  EXPECT_EQ(shards_.run(settings.feed("rubbish")).error().code(), "bad_token");
}

TEST_F(mongodb_driver_case, who_waits_goes_on_from_as_far_as_the_server_has_looked) {
  std::vector<std::string> asked;
  script_.on_watch = [&](node const& token) -> answer {
    asked.push_back(to_json(token));
    auto const number = std::to_string(asked.size());
    return {.reply =
                asked.size() < 3
                    ? object_of((R"({"events":[],"token":{"_data":")" + number + R"("}})").c_str())
                    : object_of(R"({"events":[{"_id":{"_data":"c"},"operationType":"insert","documentKey":{"_id":"x"},
                                     "fullDocument":{"_id":"x","value":"1"}}],"token":{"_data":"c"}})")};
  };
  auto const heard =
      shards_.run(collection<setting>{*store_}.follow(R"({"_data":"0"})", 10, std::chrono::milliseconds{1}));
  ASSERT_TRUE(heard.has_value());
  EXPECT_EQ(heard->at(0).id, "x");
  EXPECT_EQ(heard->at(0).token, R"({"_data":"c"})");
  EXPECT_EQ(asked, (std::vector<std::string>{R"({"_data":"0"})", R"({"_data":"1"})", R"({"_data":"2"})"}))
      << "the first is forgotten by the server, when nothing happens for long";
}

}  // namespace
}  // namespace slipway::documents::tests
