#pragma once

#include "services/users.hpp"

#include <slipway/api/parameters.hpp>
#include <slipway/api/results.hpp>

namespace app::controllers {

class users {
 public:
  explicit users(services::users& service) : service_{service} {}

  task<result<created<user_view>>> create(body<sign_up> in);
  task<result<user_view>> show(scope who, path<id_of<user>> id);
  task<result<user_view>> show_me(scope who);
  task<result<user_view>> change_me(scope who, body<profile_change> in);
  task<result<no_content>> change_my_password(scope who, client from, body<password_change> in);
  task<result<no_content>> close_me(scope who);
  task<result<page<user_view>>> list(query<user_query> in);

 private:
  services::users& service_;
};

}  // namespace app::controllers
