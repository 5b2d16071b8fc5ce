// Accounts: signing up, the own profile, leaving, and what administrators see.
#pragma once

#include "models/user.hpp"
#include "repositories/preferences.hpp"
#include "repositories/refresh_tokens.hpp"
#include "repositories/users.hpp"
#include "services/listeners.hpp"

#include <slipway/auth/breach.hpp>
#include <slipway/auth/passwords.hpp>
#include <slipway/auth/throttle.hpp>
#include <slipway/core/task.hpp>

namespace app::services {

class users {
 public:
  struct parts {
    db::session& db;
    repositories::users& rows;
    repositories::refresh_tokens& tokens;
    repositories::preferences& preferences;
    auth::passwords& passwords;
    auth::breach_check& breaches;
    auth::throttle& throttle;
    session_listener& listener;
    clock_source const& clock;
  };
  explicit users(parts p) : parts_{p} {}

  // conflict email_taken; invalid (/password breached) for a password that is known from a breach.
  task<result<user>> register_new(sign_up in);
  // The own account, or any for who may read users: others get not_found, which tells nobody who has one. So do all once
  // the account is gone, though its token may live on for minutes.
  task<result<user>> show(scope who, id_of<user> id);
  task<result<user>> change_profile(scope who, profile_change change);
  // Ends all sessions but the one that asks. invalid: /current_password wrong_password, /new_password breached;
  // too_many_requests after many failures, which count together with those of logging in.
  task<result<void>> change_password(scope who, password_change in, std::string network);
  // Closes the account: its sessions end, and all that it had is removed with it, notes and preferences too. The address
  // may sign up again, as somebody new. Where a store fails in the middle, closing it again does the rest. not_found once
  // it is closed.
  task<result<void>> close(scope who);
  task<result<page<user>>> list(user_query query);

 private:
  static fault wrong_password();
  task<result<void>> require_unbreached(secret<std::string> password, std::string pointer);

  parts parts_;
};

// Addresses are compared without regard to case, as people expect.
std::string normal_email(std::string_view email);

}  // namespace app::services
