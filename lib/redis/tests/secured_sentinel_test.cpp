// Sentinels that speak TLS and ask for a password of their own, with a master that does the same.
#include "certificates.hpp"
#include "server.hpp"

#include <gmock/gmock.h>

using namespace slipway;
using namespace slipway::redis;
using namespace slipway::redis::tests;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

namespace {

std::vector<std::string> joined(std::vector<std::string> first, std::vector<std::string> const& more) {
  first.insert(first.end(), more.begin(), more.end());
  return first;
}

class redis_secured_sentinel : public fixture {
 protected:
  void SetUp() override {
    fixture::SetUp();
    if (IsSkipped()) return;
    if (!is_installed("redis-sentinel")) GTEST_SKIP() << "SKIPPED LOUDLY: no Redis: install redis-sentinel";
    auto const master_port = free_port(), guide_port = free_port();
    master_ = std::make_unique<server>(joined(made_.server_arguments(master_port), {"--requirepass", "of-the-master"}),
                                       "redis-server", master_port);
    // --tls-replication is what makes a Sentinel ask the master through TLS.
    guide_ = std::make_unique<server>(
        joined(made_.server_arguments(guide_port),
               {"--tls-replication", "yes", "--requirepass", "of-the-guide", "--sentinel", "monitor", "main",
                "127.0.0.1", std::to_string(master_port), "1", "--sentinel", "auth-pass", "main", "of-the-master"}),
        "redis-sentinel", guide_port);
    guide_->with_cli({"--tls", "--cacert", made_.file("authority.crt"), "--no-auth-warning", "-a", "of-the-guide"});
    ASSERT_TRUE(wait_until([this] { return guide_->cli({"info", "sentinel"}).contains("status=ok"); }))
        << guide_->cli({"info", "sentinel"}) << guide_->log();
  }
  settings right() const {
    auto s = with("rediss+sentinel://127.0.0.1:" + std::to_string(guide_->port()) + "/main/0");
    s.password = "of-the-master";
    s.sentinel_password = "of-the-guide";
    s.ca_file = made_.file("authority.crt");
    s.connect_attempts = 1;
    return s;
  }

  folder files_;
  certificates made_{files_.path()};
  std::unique_ptr<server> master_, guide_;
};

TEST_F(redis_secured_sentinel, leads_to_its_master) {
  auto cache = connect(right(), on);
  on.run([](client& c) -> task<> {
    EXPECT_TRUE(co_await c.set("a", "1"));
    EXPECT_EQ(co_await c.get("a"), "1");
  }(cache));
  master_->with_cli({"--tls", "--cacert", made_.file("authority.crt"), "--no-auth-warning", "-a", "of-the-master"});
  EXPECT_EQ(master_->cli({"get", "t:a"}), "1");
}

TEST_F(redis_secured_sentinel, wrong_passwords_and_certificates_are_told_and_never_shown) {
  auto s = right();
  s.sentinel_password = "something-else";
  EXPECT_THAT(outcome_of_connecting(s, on), AllOf(StartsWith("config: "), Not(HasSubstr("something-else"))));
  s = right();
  s.sentinel_password.clear();
  EXPECT_THAT(outcome_of_connecting(s, on), StartsWith("config: "));
  s = right();
  s.password = "of-the-guide";
  EXPECT_THAT(outcome_of_connecting(s, on), AllOf(StartsWith("config: "), Not(HasSubstr("of-the-guide"))));
  s = right();
  s.ca_file = made_.file("stranger.crt");
  EXPECT_THAT(outcome_of_connecting(s, on), StartsWith("config: "));
}

}  // namespace
