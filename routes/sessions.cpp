#include "routes/routes.hpp"

namespace app::routes {

void sessions(router& r, controllers::sessions& c) {
  r.post("/v1/auth/login",   c, &controllers::sessions::log_in,  {.summary = "Log in",  .access = everyone, .limit = 30_per_minute, .faults = {unauthenticated("bad_credentials"), too_many_requests("too_many_attempts")}, .name = "auth.login"});
  r.post("/v1/auth/refresh", c, &controllers::sessions::renew,   {.summary = "Get new tokens", .access = everyone, .limit = 60_per_minute, .faults = {unauthenticated("bad_refresh_token")}, .name = "auth.refresh"});
  r.post("/v1/auth/logout",  c, &controllers::sessions::log_out, {.summary = "Log out", .access = everyone, .limit = 60_per_minute, .name = "auth.logout"});
  r.get ("/v1/users/me/sessions",      c, &controllers::sessions::list, {.summary = "List the own sessions", .access = signed_in, .name = "users.me.sessions.list", .tag = "users"});
  r.del ("/v1/users/me/sessions/{id}", c, &controllers::sessions::end,  {.summary = "End one of the own sessions", .access = signed_in, .faults = {not_found}, .name = "users.me.sessions.end", .tag = "users"});
  r.get ("/.well-known/jwks.json", c, &controllers::sessions::jwks, {.summary = "The public keys of access tokens", .access = everyone, .name = "auth.keys", .tag = "auth", .answer_media_type = "application/jwk-set+json"});
}

}  // namespace app::routes
