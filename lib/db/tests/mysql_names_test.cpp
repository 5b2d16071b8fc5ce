// The host of database.url has a name, and the name server does not answer.
#include "../../core/tests/name_server.hpp"
#include "fault_gate.hpp"
#include "server_case.hpp"

#include <future>

namespace slipway::db::tests {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr auto not_in_time = "the host name database.invalid was not resolved within 300 ms";

class mysql_names : public testing::Test {
 protected:
  void SetUp() override {
    std::string why_not;
    server_ = mysql_server::shared(why_not);
    if (server_ == nullptr) GTEST_SKIP() << "SKIPPED LOUDLY: " << why_not;
    if (!server_->is_ours()) GTEST_SKIP() << "SKIPPED LOUDLY: this needs a server of our own";
    if (!names_.why_not().empty()) GTEST_SKIP() << "SKIPPED LOUDLY: " << names_.why_not();
    gate_.reset(new fault_gate{server_->port()});
    settings_.url = "mysql://root@database.invalid:" + std::to_string(gate_->port()) + "/mysql?sslmode=disable";
    settings_.connect_attempts = 1;
    settings_.connect_timeout = 300ms;
    settings_.acquire_timeout = 1s;
  }
  void TearDown() override {
    names_.speak();
    db_.reset();
  }
  void open() { db_.reset(new database{connect(settings_, shards_)}); }
  std::int64_t seven() {
    return shards_.run([](database& db) -> task<std::int64_t> {
      co_return (co_await db.query("select 7"))[0].get<std::int64_t>(0);
    }(*db_));
  }
  // Every connection is lost and new ones hear nothing of their host.
  void lose_everything() {
    names_.be_silent();
    gate_->cut();
    EXPECT_THROW(
        {
          for (;;) seven();
        },
        unavailable_error);
    EXPECT_TRUE(soon([this] { return names_.is_asked(); })) << "nothing waits for a name";
  }
  template <class Work>
  void expect_in_the_silence(Work work, char const* what) {
    auto ended = std::async(std::launch::async, std::move(work));
    EXPECT_EQ(ended.wait_for(15s), std::future_status::ready) << what << " waits for the name server";
    names_.speak();
    ended.get();
  }

  slipway::tests::name_server names_;  // before the threads that are to ask it
  mysql_server* server_ = nullptr;
  std::unique_ptr<fault_gate> gate_;
  settings settings_;
  shards shards_{2};
  std::unique_ptr<database> db_;
};

TEST_F(mysql_names, a_start_without_a_name_server_says_so_in_time) {
  names_.be_silent();
  expect_in_the_silence(
      [this] {
        try {
          open();
          ADD_FAILURE() << "it started";
        } catch (startup_error const& refused) {
          EXPECT_EQ(refused.code(), exit_code::unavailable);
          EXPECT_THAT(refused.what(), HasSubstr(not_in_time));
        }
      },
      "the start");
}

TEST_F(mysql_names, what_needs_a_connection_fails_in_time_and_works_again_when_names_are_known) {
  open();
  EXPECT_EQ(seven(), 7);
  lose_everything();
  try {
    seven();
    ADD_FAILURE() << "there is no connection";
  } catch (unavailable_error const& refused) {
    EXPECT_THAT(refused.what(), HasSubstr(not_in_time));
  }
  names_.speak();
  shards_.run(until_healthy(*db_));
  EXPECT_EQ(seven(), 7);
}

TEST_F(mysql_names, the_end_waits_for_no_name) {
  open();
  lose_everything();
  expect_in_the_silence([this] { db_.reset(); }, "the end");
}

}  // namespace
}  // namespace slipway::db::tests
