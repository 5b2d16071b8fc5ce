#pragma once

#include "services/sessions.hpp"

#include <slipway/api/parameters.hpp>
#include <slipway/api/results.hpp>
#include <slipway/auth/key_ring.hpp>

namespace app::controllers {

class sessions {
 public:
  sessions(services::sessions& service, auth::key_ring const& keys) : service_{service}, keys_{keys} {}

  using token_answer = with_status<token_pair>;
  task<result<token_answer>> log_in(client from, body<login> in);
  task<result<token_answer>> renew(body<refresh> in);
  task<result<no_content>> log_out(body<refresh> in);
  task<result<page<session_view>>> list(scope who);
  task<result<no_content>> end(scope who, path<uuid> id);
  task<result<payload>> jwks();

 private:
  services::sessions& service_;
  auth::key_ring const& keys_;
};

}  // namespace app::controllers
