// Several questions at once cost one round trip: what is asked while nothing of the answers has arrived belongs to it.
#include "fault_gate.hpp"
#include "server_case.hpp"

#include <slipway/core/all.hpp>

#include <future>

namespace slipway::db::tests {
namespace {

using testing::ElementsAre;

class postgres_together : public postgres_case {
 protected:
  void SetUp() override {
    postgres_case::SetUp();
    if (IsSkipped()) return;
    if (!server_->is_ours()) GTEST_SKIP() << "SKIPPED LOUDLY: this needs a server of our own";
    for (auto const* name : {"ash", "oak", "elm", "first", "second", "third"})
      run(db_->insert(counter{.name = name, .value = 1}));
    gate_.reset(new fault_gate{server_->port()});
    auto const at = ":" + std::to_string(server_->port()) + "/";
    settings_.url.replace(settings_.url.find(at), at.size(), ":" + std::to_string(gate_->port()) + "/");
    settings_.url += "?sslmode=disable";
    settings_.pipelines = 1;
    open();
  }
  void TearDown() override {
    if (gate_) gate_->pass();
    db_.reset();
  }

  static task<std::string> name_of(session& s, std::string name) {
    auto const found = co_await s.from<counter>().where(col<&counter::name> == name).one();
    co_return found ? found->name : "";
  }
  static task<std::vector<std::string>> three(session& s, std::string a, std::string b, std::string c) {
    auto [x, y, z] = co_await all(name_of(s, a), name_of(s, b), name_of(s, c));
    std::vector<std::string> names;
    for (auto* each : {&x, &y, &z}) names.push_back(std::move(*each));
    co_return names;
  }
  bool all_are_on_their_way() {
    return soon([this] { return gate_->was_told("first") && gate_->was_told("second") && gate_->was_told("third"); });
  }

  std::unique_ptr<fault_gate> gate_;
};

TEST_F(postgres_together, several_questions_are_asked_before_any_is_answered) {
  run(three(*db_, "ash", "oak", "elm"));  // from here on the statement is prepared
  gate_->withhold();
  auto answers = std::async(std::launch::async, [this] { return run(three(*db_, "first", "second", "third")); });
  EXPECT_TRUE(all_are_on_their_way()) << "one waits for the answer of another";
  EXPECT_NE(answers.wait_for(std::chrono::seconds{0}), std::future_status::ready) << "the gate lets answers through";
  gate_->pass();
  EXPECT_THAT(answers.get(), ElementsAre("first", "second", "third"));
}

TEST_F(postgres_together, in_a_transaction_too) {
  auto answers = std::async(std::launch::async, [this] {
    return run(db_->transaction([this](transaction& tx) -> task<std::vector<std::string>> {
      co_await three(tx, "ash", "oak", "elm");
      gate_->withhold();
      co_return co_await three(tx, "first", "second", "third");
    }));
  });
  EXPECT_TRUE(all_are_on_their_way()) << "one waits for the answer of another";
  EXPECT_NE(answers.wait_for(std::chrono::seconds{0}), std::future_status::ready) << "the gate lets answers through";
  gate_->pass();
  EXPECT_THAT(answers.get(), ElementsAre("first", "second", "third"));
}

}  // namespace
}  // namespace slipway::db::tests
