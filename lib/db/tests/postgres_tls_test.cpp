// Encryption and authentication, against a server with a certificate by an authority made for the test.
#include "fault_gate.hpp"
#include "server_case.hpp"

namespace slipway::db::tests {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class postgres_tls : public postgres_case {
 protected:
  void SetUp() override {
    std::string why_not;
    secure_ = postgres_server::own({.tls = true}, why_not);
    if (secure_ == nullptr) GTEST_SKIP() << "SKIPPED LOUDLY: " << why_not;
    settings_.url = secure_->url() + "postgres";
    settings_.connect_attempts = 2;
    settings_.connect_timeout = 3s;
    open();
    run(db_->script("create role locked login password 'right'"));
  }
  std::string url(std::string const& host, std::string const& password, std::string const& more) const {
    return "postgres://locked:" + password + "@" + host + ":" + std::to_string(secure_->port()) + "/postgres?" + more;
  }
  std::string authority(char const* name) const { return "sslrootcert=" + secure_->directory() + "/" + name; }
  std::pair<exit_code, std::string> refused(std::string const& where) {
    auto s = settings_;
    s.url = where;
    return refusal(s);
  }

  std::unique_ptr<postgres_server> secure_;
};

TEST_F(postgres_tls, a_certificate_that_is_right_and_a_password_by_scram) {
  for (auto const* more : {"&channel_binding=require", ""}) {
    settings_.url = url("localhost", "right", "sslmode=verify-full&" + authority("ca.crt") + more);
    open();
    auto const session = run(
        db_->query("select s.ssl, s.version, (select rolname = 'locked' from pg_roles where rolname = current_user) "
                   "from pg_stat_ssl s where s.pid = pg_backend_pid()"));
    EXPECT_TRUE(session[0].get<bool>(0));
    EXPECT_EQ(session[0].get<std::string>(1), "TLSv1.3");
    EXPECT_TRUE(session[0].get<bool>(2));
  }
  // Answers of many records, in and out of transactions.
  auto const count = [](database& db) -> task<std::int64_t> {
    std::int64_t sum = 0;
    co_await all_at_once(20, [&](int) -> task<> {
      return [](database& d, std::int64_t& out) -> task<> {
        for (auto row : co_await d.query("select i, repeat('x', 100) from generate_series(1, 5000) i"))
          out += row.get<std::int64_t>(0);
      }(db, sum);
    });
    co_return sum;
  };
  EXPECT_EQ(run(count(*db_)), 20ll * 5000 * 5001 / 2);
  run(db_->transaction([](transaction& tx) -> task<> {
    auto const big = co_await tx.query("select repeat('y', 3000000)");
    EXPECT_EQ(big[0].get<std::string>(0).size(), 3'000'000u);
  }));
}

TEST_F(postgres_tls, a_certificate_of_another_authority) {
  auto const [code, message] = refused(url("localhost", "right", "sslmode=verify-full&" + authority("other.crt")));
  EXPECT_EQ(code, exit_code::config);
  EXPECT_THAT(message,
              AllOf(HasSubstr("certificate verify failed"), HasSubstr("sslrootcert"), Not(HasSubstr("right@"))));
}

TEST_F(postgres_tls, a_certificate_for_another_host) {
  auto const [code, message] = refused(url("127.0.0.1", "right", "sslmode=verify-full&" + authority("ca.crt")));
  EXPECT_EQ(code, exit_code::config);
  EXPECT_THAT(message, AllOf(HasSubstr("127.0.0.1"), HasSubstr("does not match host name")));
  // The authority alone is right.
  EXPECT_EQ(refused(url("127.0.0.1", "right", "sslmode=verify-ca&" + authority("ca.crt"))).first, exit_code::ok);
}

TEST_F(postgres_tls, no_authority_at_all) {
  auto const [code, message] = refused(url("localhost", "right", "sslmode=verify-full&" + authority("absent.crt")));
  EXPECT_EQ(code, exit_code::config);
  EXPECT_THAT(message, HasSubstr("absent.crt"));
}

TEST_F(postgres_tls, a_wrong_password) {
  auto const [code, message] = refused(url("localhost", "wrong", "sslmode=verify-full&" + authority("ca.crt")));
  EXPECT_EQ(code, exit_code::config);
  EXPECT_THAT(message, AllOf(HasSubstr("password authentication failed"), Not(HasSubstr("wrong"))));
}

TEST_F(postgres_tls, a_server_without_encryption) {
  std::string why_not;
  auto* plain = postgres_server::shared(why_not);
  ASSERT_NE(plain, nullptr);
  if (!plain->is_ours()) GTEST_SKIP() << "SKIPPED LOUDLY: this needs a server of our own";
  auto const [code, message] = refused(plain->url() + "postgres?sslmode=require");
  EXPECT_EQ(code, exit_code::config);
  EXPECT_THAT(message, HasSubstr("does not support SSL"));
}

}  // namespace
}  // namespace slipway::db::tests
