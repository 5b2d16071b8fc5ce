// A client on one shard, and what its tests ask of it.
#pragma once

#include <slipway/http_client/client.hpp>

#include "test_server.hpp"

#include <gmock/gmock.h>

namespace slipway::http_client {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

inline settings local(settings s = {}) {
  s.private_addresses = true;
  s.retry.first_wait = 1ms;
  return s;
}

struct Client : testing::Test {
  shards on{1};

  response get(client& c, request r) { return on.run(c.send(std::move(r))); }
  // The failure that the request ends with; an answer fails the test.
  failure fails(client& c, request r) {
    try {
      auto const a = get(c, std::move(r));
      ADD_FAILURE() << "an answer came: " << a.status;
    } catch (request_error const& error) {
      EXPECT_THAT(error.what(), Not(HasSubstr("secret")));
      return error.why();
    }
    return failure::invalid;
  }
};

inline task<response> within(client& c, request r, context& operation) {
  co_await detail::with_context{&operation};
  co_return co_await c.send(std::move(r));
}

inline std::string nobody() {
  test_server gone{[](auto const&, int) { return answer(200); }};
  return gone.url();
}

}  // namespace slipway::http_client
