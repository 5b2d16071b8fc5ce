// Accounts: signing up, the own profile, leaving, and what administrators see.
#pragma once

#include "models/user.hpp"
#include "repositories/refresh_tokens.hpp"
#include "repositories/users.hpp"

#include <slipway/auth/passwords.hpp>
#include <slipway/core/task.hpp>

namespace app::services {

class users {
 public:
  users(repositories::users& rows, repositories::refresh_tokens& tokens, auth::passwords& passwords,
        clock_source const& clock)
      : rows_{rows}, tokens_{tokens}, passwords_{passwords}, clock_{clock} {}

  // conflict email_taken.
  task<result<user>> register_new(sign_up in);
  // not_found once the account is gone, though its token may live on for minutes.
  task<result<user>> show(scope who);
  task<result<user>> change_profile(scope who, profile_change change);
  // Closes the account: it can no longer log in, and its sessions end.
  task<result<void>> close(scope who);
  task<result<page<user>>> list(user_query query);

 private:
  repositories::users& rows_;
  repositories::refresh_tokens& tokens_;
  auth::passwords& passwords_;
  clock_source const& clock_;
};

// Addresses are compared without regard to case, as people expect.
std::string normal_email(std::string_view email);

}  // namespace app::services
