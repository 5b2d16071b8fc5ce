// Logging in, staying logged in, logging out.
//
// Whoever begins, renews or ends sessions holds the row of their account meanwhile (repositories::users::hold), as does
// whoever changes the account: a session that is begun or renewed at the same moment cannot outlive the end of all.
#pragma once

#include "models/session.hpp"
#include "repositories/refresh_tokens.hpp"
#include "repositories/users.hpp"
#include "services/listeners.hpp"

#include <slipway/auth/passwords.hpp>
#include <slipway/auth/throttle.hpp>
#include <slipway/auth/tokens.hpp>
#include <slipway/core/task.hpp>

namespace app::services {

class sessions {
 public:
  struct parts {
    db::session& db;
    repositories::users& users;
    repositories::refresh_tokens& tokens;
    auth::passwords& passwords;
    auth::token_issuer& issuer;
    auth::throttle& throttle;
    auth::refresh_settings refresh;
    session_listener& listener;
    clock_source const& clock;
  };
  explicit sessions(parts p) : parts_{p} {}

  // unauthenticated bad_credentials, the same after the same work for an unknown address and a wrong password;
  // too_many_requests after many failures.
  task<result<token_pair>> log_in(login in, std::string network);
  // Rotates the token. unauthenticated bad_refresh_token; a token that was used before ends its whole family.
  task<result<token_pair>> renew(refresh in);
  // Ends the session that the token belongs to. Never says whether there was one.
  task<result<void>> log_out(refresh in);
  // The own sessions that can still be renewed, the last used first.
  task<result<page<session_view>>> list(scope who);
  // not_found for what is none of them. Access tokens that were given out hold until they expire.
  task<result<void>> end(scope who, uuid session);

 private:
  struct renewal {
    auth::refresh_verdict verdict;
    std::optional<token_pair> pair;
  };

  static fault bad_credentials();
  task<result<token_pair>> begin(user compared, std::optional<std::string> better_hash);
  task<renewal> renew_in(db::transaction& tx, refresh_token const& known);
  token_pair pair_of(user const& account, uuid family, secret<std::string> const& refresh_token) const;

  parts parts_;
};

}  // namespace app::services
