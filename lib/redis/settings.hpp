// Which Redis, and how much of it.
#pragma once

#include <slipway/core/context.hpp>
#include <slipway/core/random.hpp>
#include <slipway/meta/description.hpp>
#include <slipway/redis/reading.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace slipway::redis {

// One command that is over, for logs, traces and metrics.
struct command_event {
  std::string_view name;   // "GET"; keys and values are not told
  std::string_view place;  // "127.0.0.1:6379"
  std::chrono::steady_clock::time_point began;
  std::chrono::steady_clock::duration duration;
  std::string_view error;  // its code ("WRONGTYPE", "unavailable", "cancelled"); empty: it went well
  context* operation = nullptr;
};

// Called on the shard that asked, once for each command; must be cheap and must not throw.
class observer {
 public:
  virtual ~observer() = default;
  virtual void on_command(command_event const& event) noexcept = 0;
};

struct settings {
  std::string url;
  std::string user;
  std::string password;
  std::string sentinel_user;
  std::string sentinel_password;
  std::string prefix;
  std::string client_name = "slipway";
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
  bool required = true;
  std::uint32_t queue = 4096;
  std::uint32_t own_connections = 16;
  std::chrono::milliseconds request_timeout{2'000};
  std::chrono::milliseconds connect_timeout{2'000};
  std::chrono::milliseconds outage_patience{500};
  std::chrono::milliseconds health_interval{5'000};
  std::uint32_t connect_attempts = 5;
  redis::read_from read_from = redis::read_from::primary;
  std::chrono::milliseconds replica_lag{5'000};
  std::chrono::milliseconds replica_check{500};
  std::uint64_t max_reply = 64 << 20;
  std::uint32_t max_elements = 1'000'000;

  // Not from files: set by whoever builds the object graph. They must outlive the client.
  observer* watch = nullptr;
  random_source* random = nullptr;  // null: the system's
};
BOOST_DESCRIBE_STRUCT(settings, (),
                      (url, user, password, sentinel_user, sentinel_password, prefix, client_name, ca_file,
                       certificate_file, key_file, required, queue, own_connections, request_timeout, connect_timeout,
                       outage_patience, health_interval, connect_attempts, read_from, replica_lag, replica_check,
                       max_reply, max_elements))

}  // namespace slipway::redis

template <>
inline constexpr auto slipway::rules_of<slipway::redis::settings> = rules(
    field(&slipway::redis::settings::url)
        .optional()
        .sensitive()
        .help("redis://user:password@host:6379/0, rediss:// for TLS, redis+unix:///run/redis.sock, "
              "redis+sentinel://host:26379,host2/master-name/0 or redis+cluster://host:6379,host2. Empty: no Redis."),
    field(&slipway::redis::settings::user)
        .optional()
        .help("Instead of the URL's; empty: the URL's, or the default user."),
    field(&slipway::redis::settings::password).optional().sensitive().help("Instead of the URL's."),
    field(&slipway::redis::settings::sentinel_user)
        .optional()
        .help("Of the Sentinels themselves, if they ask for one."),
    field(&slipway::redis::settings::sentinel_password).optional().sensitive().help("Of the Sentinels themselves."),
    field(&slipway::redis::settings::prefix)
        .optional()
        .max_length(200)
        .help("Stands before every key, so that several services can share a server."),
    field(&slipway::redis::settings::client_name)
        .optional()
        .max_length(64)
        .help("What CLIENT LIST shows for our connections; no blanks."),
    field(&slipway::redis::settings::ca_file)
        .optional()
        .help("PEM file of the authorities whose certificates are trusted; empty: the system's."),
    field(&slipway::redis::settings::certificate_file)
        .optional()
        .help("Our own certificate (PEM), if the server asks."),
    field(&slipway::redis::settings::key_file).optional().help("The key of our own certificate (PEM)."),
    field(&slipway::redis::settings::required)
        .help("Whether the service refuses to start, and is unready, without Redis."),
    field(&slipway::redis::settings::queue)
        .minimum(1)
        .maximum(1'000'000)
        .unit("commands")
        .help("How many of a shard may wait for one server; more are answered with 503."),
    field(&slipway::redis::settings::own_connections)
        .minimum(1)
        .maximum(10'000)
        .help("Connections for blocking commands and watched transactions, for each shard and server."),
    field(&slipway::redis::settings::request_timeout)
        .minimum(100)
        .help("The longest that one command may take; a server that is silent for this long is given up."),
    field(&slipway::redis::settings::connect_timeout).minimum(100).help("How long one attempt to connect may take."),
    field(&slipway::redis::settings::outage_patience)
        .help("How long a command waits for a connection that was just lost, before it fails."),
    field(&slipway::redis::settings::health_interval)
        .minimum(100)
        .help("After this long without traffic a connection is asked for a sign of life."),
    field(&slipway::redis::settings::connect_attempts)
        .minimum(1)
        .maximum(1000)
        .help("Attempts to connect at the start before giving up."),
    field(&slipway::redis::settings::read_from)
        .help("Who answers commands that only read: the primary, a replica where one is near enough (prefer_replica), "
              "or replicas alone. What replicas answer may be a moment old. Sentinel and cluster only."),
    field(&slipway::redis::settings::replica_lag)
        .minimum(200)
        .maximum(60'000)
        .help("A replica whose answers may be older than this gets no reads."),
    field(&slipway::redis::settings::replica_check)
        .minimum(100)
        .maximum(10'000)
        .help("How often primaries and replicas are asked how far they are, when replicas are read from."),
    field(&slipway::redis::settings::max_reply)
        .minimum(1024)
        .unit("bytes")
        .help("A larger answer ends its connection."),
    field(&slipway::redis::settings::max_elements)
        .minimum(16)
        .help("An answer of more elements, nested ones included, ends its connection."));
