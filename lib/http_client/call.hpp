// Prepares one transfer and says how it ended. Private to the library.
#pragma once

#include <slipway/http_client/multi.hpp>
#include <slipway/http_client/target.hpp>

namespace slipway::http_client {

// One step of a request: the first, or one that a redirect asked for.
struct hop {
  target to;
  std::string method;
  bool with_body = true;
  bool redirected = false;
  bool same_origin = true;  // as the first: only then credentials go along
};

// Throws request_error(failure::invalid) when the method or a header is not one that can be sent.
void check(request const& r);

// Headers of our own ("traceparent: ...") beside those of the request.
void prepare(transfer& t, settings const& s, hop const& h, std::vector<header> const& own,
             std::chrono::milliseconds time_limit);

// Why the transfer failed; its code is not CURLE_OK. `tried_to_connect_only`: nothing was sent, so that it may be
// sent again whatever the method is.
struct cause {
  failure why;
  bool tried_to_connect_only;
  bool in_head = false;   // of too_large: the head, not the body,
  std::size_t limit = 0;  // is larger than so many bytes
};
cause cause_of(transfer const& t) noexcept;

// Whether this libcurl (8.7 or newer) tells a connection to a proxy from one to the target itself.
bool tells_proxies() noexcept;

bool same_name(std::string_view a, std::string_view b) noexcept;

}  // namespace slipway::http_client
