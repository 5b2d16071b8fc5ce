#include "controllers/sessions.hpp"

namespace app::controllers {

// RFC 6749, section 5.1: nobody keeps tokens on the way.
task<result<sessions::token_answer>> sessions::log_in(client from, body<login> in) {
  auto pair = co_await ok(service_.log_in(std::move(in.value), std::move(from.network)));
  co_return token_answer{200, std::move(pair), "no-store"};
}

task<result<sessions::token_answer>> sessions::renew(body<refresh> in) {
  co_return token_answer{200, co_await ok(service_.renew(std::move(in.value))), "no-store"};
}

task<result<no_content>> sessions::log_out(body<refresh> in) {
  co_await ok(service_.log_out(std::move(in.value)));
  co_return no_content{};
}

task<result<page<session_view>>> sessions::list(scope who) { return service_.list(who); }

task<result<no_content>> sessions::end(scope who, path<uuid> id) {
  co_await ok(service_.end(who, id.value));
  co_return no_content{};
}

task<result<payload>> sessions::jwks() {
  co_return payload{"application/jwk-set+json", keys_.jwks(), "public, max-age=300"};
}

}  // namespace app::controllers
