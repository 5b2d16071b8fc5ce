// Sessions as a person lives through them, on an empty database in memory and a clock that the test moves.
#include "services/sessions.hpp"
#include "models/collections.hpp"
#include "services/users.hpp"

#include <slipway/documents/sql_store.hpp>
#include <slipway/migrations/migrator.hpp>
#include <slipway/runtime/shards.hpp>

#include <gtest/gtest.h>

#include <map>

namespace {

using namespace app;
using namespace std::chrono_literals;

// Hashing that costs nothing and counts its work.
class counted_passwords final : public auth::passwords {
 public:
  task<std::string> hash(secret<std::string> password) override { co_return "hash of " + password.reveal(); }
  task<bool> verify(secret<std::string> password, std::optional<std::string> phc) override {
    ++checks;
    bool const good = phc && phc->ends_with("hash of " + password.reveal());
    if (auto const other = std::exchange(meanwhile, {})) co_await other();
    if (fails) std::rethrow_exception(fails);
    co_return good;
  }
  bool needs_rehash(std::string_view) const noexcept override { return old_hashes; }
  int checks = 0;
  bool old_hashes = false;
  std::function<task<>()> meanwhile;  // what others do while a password is compared, once
  std::exception_ptr fails;
};

class breached_one final : public auth::breach_check {
 public:
  task<bool> knows(secret<std::string> password) override { co_return password.reveal() == "breached"; }
};

// Remembers who was told to have ended.
class ended_sessions final : public services::session_listener {
 public:
  void session_ended(id_of<user>, uuid session) override { ended.push_back(session); }
  void sessions_ended(id_of<user>, std::optional<uuid> except) override { all_but.push_back(except); }
  std::vector<uuid> ended;
  std::vector<std::optional<uuid>> all_but;
};

class sessions : public testing::Test {
 protected:
  sessions() {
    on.run(migrations::migrator{database, migrations::files_in(SLIPWAY_MIGRATIONS)}.up());
    on.run(documents_->prepare(all_collections()));
    auto made = on.run(users.register_new({.email = "Ada@Example.com", .password = password("right"), .name = "Ada"}));
    ada = made->id;
  }
  static secret<std::string> password(std::string text) { return secret<std::string>{std::move(text)}; }
  result<token_pair> log_in(std::string email, std::string word) {
    return on.run(service.log_in({.email = std::move(email), .password = password(std::move(word))}, "192.0.2.1"));
  }
  result<token_pair> renew(std::string token) {
    return on.run(service.renew({.refresh_token = password(std::move(token))}));
  }
  static std::string_view code(result<token_pair> const& r) { return r ? "" : r.error().code(); }

  manual_clock clock{time_point{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}}};
  shards on{1};
  db::database database = db::connect({.url = "sqlite::memory:"}, on);
  repositories::users user_rows{database};
  repositories::refresh_tokens token_rows{database};
  std::unique_ptr<documents::store> documents_ = documents::make_sql_store(database, clock);
  repositories::preferences preference_rows{*documents_};
  counted_passwords passwords;
  ended_sessions heard;
  auth::key_ring keys{{{auth::key::generate(auth::algorithm::eddsa), time_point{}, {}}}, 24h, clock};
  auth::token_issuer issuer{{}, keys, clock};
  auth::throttle_in_memory throttle{{}, clock};
  breached_one breaches;
  services::users users{
      {database, user_rows, token_rows, preference_rows, passwords, breaches, throttle, heard, clock}};
  services::sessions service{{database, user_rows, token_rows, passwords, issuer, throttle, {}, heard, clock}};
  id_of<user> ada;
};

TEST_F(sessions, an_address_is_one_account_in_any_case) {
  EXPECT_TRUE(log_in("ada@example.COM", "right"));
  auto again = on.run(users.register_new({.email = "ADA@example.com", .password = password("x"), .name = "Other"}));
  EXPECT_EQ(again.error().code(), "email_taken");
}

TEST_F(sessions, an_unknown_address_costs_the_same_work_and_gets_the_same_answer) {
  auto const wrong = log_in("ada@example.com", "wrong");
  EXPECT_EQ(passwords.checks, 1);
  auto const unknown = log_in("nobody@example.com", "wrong");
  EXPECT_EQ(passwords.checks, 2);
  EXPECT_EQ(wrong.error().code(), unknown.error().code());
  EXPECT_EQ(wrong.error().more().detail, unknown.error().more().detail);
}

TEST_F(sessions, a_refresh_token_is_good_once_and_its_second_use_ends_the_family) {
  auto const first = log_in("ada@example.com", "right").value();
  auto const second = renew(first.refresh_token).value();
  EXPECT_NE(first.refresh_token, second.refresh_token);
  EXPECT_EQ(code(renew(first.refresh_token)), "bad_refresh_token");   // stolen, perhaps
  EXPECT_EQ(code(renew(second.refresh_token)), "bad_refresh_token");  // so nobody holds a good one now
  EXPECT_TRUE(log_in("ada@example.com", "right"));
}

TEST_F(sessions, logging_out_ends_one_session_and_closing_the_account_all) {
  auto const one = log_in("ada@example.com", "right").value(), two = log_in("ada@example.com", "right").value();
  EXPECT_TRUE(on.run(service.log_out({.refresh_token = password(one.refresh_token)})));
  EXPECT_EQ(code(renew(one.refresh_token)), "bad_refresh_token");
  auto const renewed = renew(two.refresh_token);
  ASSERT_TRUE(renewed);
  EXPECT_TRUE(on.run(users.close(scope{ada.value, {}})));
  EXPECT_EQ(code(renew(renewed->refresh_token)), "bad_refresh_token");
  EXPECT_EQ(code(log_in("ada@example.com", "right")), "bad_credentials");
}

TEST_F(sessions, an_account_that_could_not_be_closed_can_be_closed_again) {
  auto elsewhere = db::connect({.url = "sqlite::memory:"}, on);
  auto const store = documents::make_sql_store(elsewhere, clock);  // not prepared: it fails
  repositories::preferences rows{*store};
  services::users split{{database, user_rows, token_rows, rows, passwords, breaches, throttle, heard, clock}};
  auto const pair = log_in("ada@example.com", "right").value();
  EXPECT_THROW(on.run(split.close(scope{ada.value, {}})), db::error);
  EXPECT_TRUE(log_in("ada@example.com", "right")) << "it is there still";
  on.run(store->prepare(all_collections()));
  ASSERT_TRUE(on.run(split.close(scope{ada.value, {}})));
  EXPECT_EQ(code(renew(pair.refresh_token)), "bad_refresh_token");
  EXPECT_EQ(code(log_in("ada@example.com", "right")), "bad_credentials");
  EXPECT_EQ(on.run(split.close(scope{ada.value, {}})).error().kind(), fault_kind::not_found);
}

TEST_F(sessions, a_hash_that_another_log_in_made_better_meanwhile_is_no_other_password) {
  passwords.meanwhile = [&]() -> task<> { co_await user_rows.set_password_hash(ada, "better hash of right"); };
  EXPECT_TRUE(log_in("ada@example.com", "right"));
  EXPECT_EQ(passwords.checks, 2);
}

TEST_F(sessions, an_unused_session_runs_out) {
  auto const pair = log_in("ada@example.com", "right").value();
  clock.advance(std::chrono::days{15});
  EXPECT_EQ(code(renew(pair.refresh_token)), "bad_refresh_token");
}

TEST_F(sessions, many_failures_make_the_next_attempt_wait_and_do_no_work) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(code(log_in("ada@example.com", "wrong")), "bad_credentials");
  auto const checked = passwords.checks;
  auto const refused = log_in("ada@example.com", "right");
  EXPECT_EQ(code(refused), "too_many_attempts");
  EXPECT_GT(refused.error().more().retry_after.count(), 0);
  EXPECT_EQ(passwords.checks, checked);
  clock.advance(1h);
  EXPECT_TRUE(log_in("ada@example.com", "right"));
}

TEST_F(sessions, of_attempts_at_the_same_time_as_many_are_compared_as_one_after_the_other) {
  std::map<std::string, int> answers;
  passwords.meanwhile = [&]() -> task<> {
    for (int i = 0; i < 24; ++i) {
      auto const r = co_await service.log_in({.email = "ada@example.com", .password = password("wrong")}, "192.0.2.1");
      ++answers[std::string{code(r)}];
    }
    // The owner, who is elsewhere, gets in.
    EXPECT_TRUE(co_await service.log_in({.email = "ada@example.com", .password = password("right")}, "192.0.2.2"));
  };
  ++answers[std::string{code(log_in("ada@example.com", "wrong"))}];
  EXPECT_EQ(answers, (std::map<std::string, int>{{"bad_credentials", 5}, {"too_many_attempts", 20}}));
  EXPECT_EQ(passwords.checks, 6);
}

TEST_F(sessions, an_attempt_that_compared_nothing_does_not_count_and_one_whose_client_left_does) {
  passwords.fails = std::make_exception_ptr(unavailable_error{"too much to hash"});
  for (int i = 0; i < 25; ++i) EXPECT_THROW(log_in("ada@example.com", "right"), unavailable_error);
  passwords.fails = std::make_exception_ptr(cancelled_error{cancel_reason::client_gone});
  for (int i = 0; i < 5; ++i) EXPECT_THROW(log_in("ada@example.com", "wrong"), cancelled_error);
  passwords.fails = nullptr;
  EXPECT_EQ(code(log_in("ada@example.com", "right")), "too_many_attempts");
}

TEST_F(sessions, the_present_password_is_guessed_no_faster_than_at_a_login) {
  scope const who{ada.value, {}};
  std::map<std::string, int> answers;
  passwords.meanwhile = [&]() -> task<> {
    for (int i = 0; i < 24; ++i) {
      auto const r = co_await users.change_password(who, {password("wrong"), password("new")}, "192.0.2.1");
      ++answers[std::string{r ? "" : r.error().code()}];
    }
  };
  EXPECT_FALSE(on.run(users.change_password(who, {password("wrong"), password("new")}, "192.0.2.1")));
  EXPECT_EQ(answers, (std::map<std::string, int>{{"invalid", 4}, {"too_many_attempts", 20}}));
}

TEST_F(sessions, a_new_password_ends_all_other_sessions) {
  auto const here = log_in("ada@example.com", "right").value(), there = log_in("ada@example.com", "right").value();
  auto const hash = auth::hash_refresh_token(here.refresh_token);
  auto const family = on.run(token_rows.find_by_hash(*hash))->family;
  scope const who{ada.value, {}, family, time_point::max()};
  auto const change = [&](char const* from, char const* to) {
    auto const done = on.run(users.change_password(who, {password(from), password(to)}, "192.0.2.1"));
    return done ? std::string{}
                : done.error().more().fields.at(0).pointer + " " + done.error().more().fields.at(0).code;
  };
  EXPECT_EQ(change("wrong", "new"), "/current_password wrong_password");
  EXPECT_EQ(change("right", "breached"), "/new_password breached");
  EXPECT_TRUE(heard.all_but.empty());
  EXPECT_EQ(change("right", "new"), "");
  EXPECT_EQ(heard.all_but, std::vector{std::optional{family}});
  EXPECT_EQ(code(renew(there.refresh_token)), "bad_refresh_token");
  EXPECT_TRUE(renew(here.refresh_token));
  EXPECT_EQ(code(log_in("ada@example.com", "right")), "bad_credentials");
  EXPECT_TRUE(log_in("ada@example.com", "new"));
}

TEST_F(sessions, a_login_that_began_before_the_password_was_changed_comes_to_nothing) {
  auto const first = log_in("ada@example.com", "right");
  passwords.old_hashes = true;
  passwords.meanwhile = [&]() -> task<> {
    scope const who{ada.value, {}};
    EXPECT_TRUE(co_await users.change_password(who, {password("right"), password("another one")}, "192.0.2.2"));
  };
  EXPECT_EQ(code(log_in("ada@example.com", "right")), "bad_credentials");
  EXPECT_EQ(code(renew(first->refresh_token)), "bad_refresh_token");
  EXPECT_TRUE(log_in("ada@example.com", "another one"));
}

TEST_F(sessions, of_two_password_changes_at_once_one_is_done) {
  scope const who{ada.value, {}};
  passwords.meanwhile = [&]() -> task<> {
    EXPECT_TRUE(co_await users.change_password(who, {password("right"), password("the first one")}, "192.0.2.2"));
  };
  auto const second = on.run(users.change_password(who, {password("right"), password("the second one")}, "192.0.2.1"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), "invalid");
  EXPECT_TRUE(log_in("ada@example.com", "the first one"));
}

TEST_F(sessions, a_better_hash_is_kept_at_the_next_login) {
  passwords.old_hashes = true;
  EXPECT_TRUE(log_in("ada@example.com", "right"));
  EXPECT_TRUE(log_in("ada@example.com", "right"));
}

TEST_F(sessions, nobody_signs_up_with_a_breached_password) {
  auto const made =
      on.run(users.register_new({.email = "bob@example.com", .password = password("breached"), .name = "Bob"}));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().more().fields.at(0).code, "breached");
  EXPECT_FALSE(on.run(user_rows.exists("bob@example.com")));
}

TEST_F(sessions, whoever_listens_is_told_of_sessions_that_end) {
  auto const one = log_in("ada@example.com", "right").value();
  ASSERT_TRUE(on.run(service.log_out({.refresh_token = password(one.refresh_token)})));
  EXPECT_EQ(heard.ended.size(), 1u);
  auto const two = log_in("ada@example.com", "right").value();
  ASSERT_TRUE(renew(two.refresh_token));
  EXPECT_FALSE(renew(two.refresh_token));
  EXPECT_EQ(heard.ended.size(), 2u) << "a token that comes again ends its session";
  ASSERT_TRUE(on.run(users.close(scope{ada.value, {}})));
  EXPECT_EQ(heard.all_but, std::vector{std::optional<uuid>{}});
}

}  // namespace
