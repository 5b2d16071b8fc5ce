// Calls to other servers over HTTP: pooled connections, deadlines, safe retries, a circuit breaker for each host,
// and a guard against being led to addresses inside our own network. One set of connections for each shard.
//
//   http_client::client http{shards, {.user_agent = "notes/1.0"}};
//   auto answer = co_await http.send({.url = "https://api.example.com/v1/rates"});
#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/core/random.hpp>
#include <slipway/core/secret.hpp>
#include <slipway/core/task.hpp>
#include <slipway/http_client/circuit_breaker.hpp>
#include <slipway/http_client/retry.hpp>
#include <slipway/runtime/shards.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::metrics {
class registry;
}

namespace slipway::http_client {

enum class failure : std::uint8_t {
  invalid,          // the URL, a header or the scheme is not one that we send; never retried
  resolve,          // the name has no address
  connect,          // nobody answers there
  tls,              // the certificate or the handshake is not good
  timeout,          // the request's own time limit passed (the context's is a cancelled_error)
  interrupted,      // the connection broke after something was sent, or what came was not HTTP
  too_large,        // the answer's head or body is larger than allowed
  circuit_open,     // the host has failed too often lately and is left alone for a while
  overloaded,       // too many requests of this shard are under way
  refused_address,  // it leads to an address that is not allowed
  too_many_redirects,
  stopped_by_sink,
};
std::string_view to_string(failure f) noexcept;

// No answer came. It is an unavailable_error: left alone, the caller's client gets 503. The text names the host and
// never the path, the query or a header.
class request_error : public unavailable_error {
 public:
  request_error(failure why, std::string const& what, std::chrono::seconds retry_after = std::chrono::seconds{1})
      : unavailable_error{what, retry_after}, why_{why} {}
  failure why() const noexcept { return why_; }

 private:
  failure why_;
};

struct header {
  std::string name, value;
};

struct request {
  std::string method = "GET";
  std::string url;  // http or https
  std::vector<header> headers;
  std::string body;
  std::chrono::milliseconds timeout{0};  // of everything, retries included; zero: the client's
  std::size_t max_body = 0;              // bytes of the answer's body; zero: the client's
  bool idempotent = false;               // may be sent twice though its method says no (an Idempotency-Key says so too)
  int redirects = 0;                     // how many may be followed
  // Gets the body of a 2xx answer piece by piece, on the shard; false ends the transfer (stopped_by_sink). A request
  // whose sink has had a piece is not sent again.
  std::function<bool(std::string_view)> sink;
};

struct response {
  int status = 0;
  std::vector<header> headers;
  std::string body;
  int attempts = 1;
  std::string url;  // where it came from in the end
  // The first of that name, compared without case; empty when absent.
  std::string_view header(std::string_view name) const noexcept;
  bool ok() const noexcept { return status >= 200 && status < 300; }
};

struct settings {
  std::string user_agent = "slipway";
  std::chrono::milliseconds timeout{10'000}, connect_timeout{3'000};
  std::size_t max_head = 65'536, max_body = 8 << 20;      // bytes
  unsigned connections_per_host = 32, connections = 256;  // for each shard; further requests wait for one
  unsigned in_flight = 1'024;                             // for each shard; more is failure::overloaded
  std::chrono::seconds idle_connection{60};

  retry_settings retry;
  breaker_settings breaker;

  bool private_addresses = false;           // may connect to loopback, private, link-local and metadata addresses
  bool redirect_to_private = false;         // may be led there by a redirect
  std::vector<std::string> allowed_ranges;  // CIDR ("10.1.0.0/16") that may be connected to in spite of the above

  std::string ca_file;                     // PEM; empty: the system's
  std::string certificate_file, key_file;  // ours, where the other side wants one
  bool verify_tls = true;                  // off only for tests
  std::string proxy;                       // "http://host:port", for every call; it then decides about addresses
  bool proxy_from_environment = false;     // needs libcurl 8.7; what NO_PROXY exempts is held to the rules above
};

struct client_counters {  // summed over shards
  std::uint64_t requests = 0, retries = 0, failures = 0, connections = 0, breaker_refusals = 0;
  std::int64_t in_flight = 0;
};

class client {
 public:
  // `on`, and `registry` if any, must outlive this. Throws startup_error(exit_code::config) for settings that cannot
  // work (an unreadable CA file, a malformed range, proxy_from_environment with a libcurl before 8.7).
  client(shards& on, settings s, metrics::registry* registry = nullptr, clock_source const& clock = system_clock(),
         random_source& random = system_random());
  client(client const&) = delete;
  client& operator=(client const&) = delete;
  // Ends what is still under way. Not on a shard.
  ~client();

  // Any answer is a response, also 404 and 500. Throws request_error when none came, and cancelled_error when the
  // context was cancelled or its deadline passed. On a shard.
  task<response> send(request r);

  client_counters counters() const noexcept;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace slipway::http_client
