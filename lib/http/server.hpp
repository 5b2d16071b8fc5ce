// The HTTP/1.1 server: RFC 9110, RFC 9112. One listener for each shard and address (SO_REUSEPORT).
#pragma once

#include <slipway/http/router.hpp>
#include <slipway/runtime/shards.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace slipway::http {

struct tls_settings {
  std::string certificate_file;  // PEM, the chain; empty: no TLS
  std::string key_file;
  std::string minimum_version = "1.2";
  struct host {  // by SNI
    std::string name, certificate_file, key_file;
  };
  std::vector<host> hosts;
};

struct server_settings {
  std::vector<std::string> listen{"127.0.0.1:8080"};  // "host:port", "[::1]:port", "unix:/path"; port 0: any free one
  std::string listen_key = "http.listen";             // what messages about these call the setting; none itself
  tls_settings tls;
  bool proxy_protocol = false;                      // v2 header required from trusted peers
  std::vector<std::string> trusted_proxies;         // CIDR: Forwarded / X-Forwarded-* believed from these only
  std::vector<std::string> hosts;                   // when not empty: another Host is 421
  std::size_t max_head = 16'384;                    // bytes of request line and fields: 431
  std::size_t max_uri = 8'192;                      // 414
  std::size_t max_fields = 64;                      // 431
  std::size_t max_connections = 20'000;             // for each process; above: the longest idle one goes, else 503
  std::size_t max_in_flight = 10'000;               // requests; above: 503
  std::chrono::milliseconds head_timeout{10'000};   // from the first byte to the end of the head: 408
  std::chrono::milliseconds body_timeout{30'000};   // between two pieces of a body: 408
  std::chrono::milliseconds idle_timeout{75'000};   // between two requests
  std::chrono::milliseconds write_timeout{30'000};  // a peer that does not read
  std::size_t write_rate = 1'024;                   // bytes a second that a peer must read after that; zero: any
  std::chrono::milliseconds drain_delay{0};         // unready, still accepting: waited for by whoever calls stop()
  std::chrono::milliseconds drain_limit{20'000};    // then the time for requests in flight
};

struct server_counters {  // summed over shards; for metrics
  std::uint64_t accepted = 0, open = 0, idle = 0, in_flight = 0, requests = 0, refused = 0, timed_out = 0,
                malformed = 0, bytes_in = 0, bytes_out = 0;
};

class server {
 public:
  // `table` and `layers` must outlive the server and are read by every shard.
  // `error_page` fills the response of whatever never reached a handler (400, 404, 405, 408, ...): status is set, and
  // the body, where it is not empty, is a constant text that says why.
  struct parts {
    router const& table;
    std::vector<middleware*> layers;  // outermost first; run for unmatched requests too
    std::function<void(exchange&)> error_page;
    std::function<void(exchange&, std::exception_ptr)> on_exception;  // turns what a handler threw into a response
    // A response whose stream failed behind its head, and which is cut therefore: only a log can be told. Also called
    // with the cancelled_error of a reader who left. Must not throw.
    std::function<void(exchange const&, std::exception_ptr)> on_broken_stream{};
  };
  // Throws startup_error for settings that cannot be (checks.hpp).
  server(shards& on, server_settings settings, parts what);
  server(server const&) = delete;
  server& operator=(server const&) = delete;
  ~server();

  // Binds and begins to accept. Throws startup_error that says what to do: port taken, no permission, bad address,
  // unreadable certificate.
  void start();
  // The addresses in use, as "127.0.0.1:8080": with the real port where 0 was asked for.
  std::vector<std::string> addresses() const;
  // Two phases, the first at once: stops accepting and closes idle connections, lets requests in flight finish (each
  // answer says Connection: close), cancels what is left at `drain_limit`. Returns the number of requests that were cut.
  std::size_t stop();
  // Reads the certificates again; the old ones stay in use for open connections, and for all when the new ones are
  // bad (throws startup_error).
  void reload_certificates();
  // Takes over what may change while it serves: the time-outs, max_connections and max_in_flight. Each shard has its
  // own copy; connections that wait are held to the new times. Not from a shard's thread.
  void change(server_settings const& now);
  server_counters counters() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace slipway::http
