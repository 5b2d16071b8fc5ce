#include "routes/routes.hpp"

namespace app::routes {

void users(router& r, controllers::users& c) {
  r.post ("/v1/users",    c, &controllers::users::create,    {.summary = "Sign up",             .access = everyone,  .limit = 20_per_minute, .faults = {conflict("email_taken")}, .name = "users.create", .idempotency_key = true});
  r.get  ("/v1/users",    c, &controllers::users::list,      {.summary = "List the users",      .access = needs(permission::users_read),  .faults = {malformed("bad_cursor")}, .name = "users.list", .sparse = true});
  r.get  ("/v1/users/me", c, &controllers::users::show_me,   {.summary = "Show the own profile", .access = signed_in, .faults = {not_found}, .name = "users.me.show"});
  r.get  ("/v1/users/{id}", c, &controllers::users::show,    {.summary = "Show a user", .description = "The own account, or any for who may read users.", .access = signed_in, .name = "users.show"});
  r.patch("/v1/users/me", c, &controllers::users::change_me, {.summary = "Change the own profile", .access = signed_in, .faults = {not_found}, .name = "users.me.change"});
  r.post ("/v1/users/me/password", c, &controllers::users::change_my_password, {.summary = "Change the own password", .description = "Ends all other sessions.", .access = signed_in, .limit = 20_per_minute, .faults = {not_found, too_many_requests("too_many_attempts")}, .name = "users.me.password"});
  r.del  ("/v1/users/me", c, &controllers::users::close_me,  {.summary = "Close the account",   .access = signed_in, .faults = {not_found}, .name = "users.me.close"});
}

}  // namespace app::routes
