// Which database, and how much of it.
#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/core/random.hpp>
#include <slipway/db/codec.hpp>
#include <slipway/db/driver.hpp>
#include <slipway/meta/description.hpp>

#include <chrono>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::db {

// One statement that is over, for logs, traces and metrics.
struct query_event {
  std::string_view sql;  // the text with its placeholders; parameters are not told
  std::chrono::steady_clock::time_point began;
  std::chrono::steady_clock::duration duration;
  std::size_t rows = 0;
  std::string_view error{};  // empty: it went well
  context* operation = nullptr;
  std::source_location at;                  // the line that asked
  std::span<value_kind const> signature{};  // the kinds of its parameters
  bool is_batch = false;                    // writes several rows at once: insert_many, update_many
  bool continues = false;                   // where another stopped: a page behind a cursor, a stream's next rows
};

// Called on the shard that asked, once for each statement; must be cheap and must not throw.
class observer {
 public:
  virtual ~observer() = default;
  virtual void on_query(query_event const& event) noexcept = 0;
};

// Which of several replicas a read goes to.
enum class replica_policy : std::uint8_t { round_robin, least_lag };
BOOST_DESCRIBE_ENUM(replica_policy, round_robin, least_lag)

struct settings {
  std::string url = "sqlite:var/app.db";
  std::vector<std::string> replicas;
  db::replica_policy replica_policy = db::replica_policy::round_robin;
  std::uint64_t replica_lag_bytes = 16 << 20;
  std::chrono::milliseconds replica_lag{5'000};
  std::chrono::milliseconds replica_check{200};
  unsigned connections = 4;
  unsigned pipelines = 1;
  unsigned queue = 1024;
  std::chrono::milliseconds acquire_timeout{5'000};
  std::chrono::milliseconds statement_timeout{30'000};
  std::chrono::milliseconds connect_timeout{5'000};
  unsigned connect_attempts = 5;
  std::chrono::milliseconds connection_lifetime{1'800'000};
  std::chrono::milliseconds idle_check{30'000};
  unsigned repeated_statements = 0;

  // Not from files: set by whoever builds the object graph. What is pointed at must outlive the database.
  bool create = true;  // SQLite: makes a file that is not there
  observer* watch = nullptr;
  clock_source const* clock = nullptr;  // null: the system's
  random_source* random = nullptr;
  column_codec* codec = nullptr;  // for encrypted columns
};
BOOST_DESCRIBE_STRUCT(settings, (),
                      (url, replicas, replica_policy, replica_lag_bytes, replica_lag, replica_check, connections,
                       pipelines, queue, acquire_timeout, statement_timeout, connect_timeout, connect_attempts,
                       connection_lifetime, idle_check, repeated_statements))

}  // namespace slipway::db

template <>
inline constexpr auto slipway::rules_of<slipway::db::settings> = rules(
    field(&slipway::db::settings::url)
        .min_length(1)
        .sensitive()
        .help("sqlite:<file>, sqlite::memory:, or postgres:// or mysql:// with "
              "user:password@host:port/database?sslmode=verify-full"),
    field(&slipway::db::settings::replicas)
        .sensitive()
        .help("PostgreSQL: URLs of streaming replicas of that server, for reads. What is promoted becomes the primary"),
    field(&slipway::db::settings::replica_policy)
        .help("Which replica a read goes to: each in turn, or the one that has replayed most"),
    field(&slipway::db::settings::replica_lag_bytes)
        .minimum(1)
        .unit("bytes")
        .help("A replica that lacks more of the primary's log gets no reads"),
    field(&slipway::db::settings::replica_lag).minimum(1).help("A replica that is further behind gets no reads"),
    field(&slipway::db::settings::replica_check)
        .minimum(10)
        .maximum(10'000)
        .help("How often each server is asked for its part and its place in the log"),
    field(&slipway::db::settings::connections)
        .minimum(1)
        .maximum(1000)
        .help("PostgreSQL, MySQL: how many transactions of a shard may run at once, each on a connection of its own"),
    field(&slipway::db::settings::pipelines)
        .minimum(1)
        .maximum(64)
        .help("PostgreSQL: connections that all other statements of a shard share. MySQL: so many connections more "
              "than transactions may have"),
    field(&slipway::db::settings::queue)
        .minimum(1)
        .maximum(1'000'000)
        .help("Statements of a shard that may wait; more are answered with 503"),
    field(&slipway::db::settings::acquire_timeout)
        .minimum(1)
        .help("How long a transaction waits for a connection, or for SQLite's writer"),
    field(&slipway::db::settings::statement_timeout)
        .minimum(1)
        .help("The longest that one statement may run, whatever its request's deadline"),
    field(&slipway::db::settings::connect_timeout).minimum(1).help("How long one attempt to connect may take"),
    field(&slipway::db::settings::connect_attempts)
        .minimum(1)
        .maximum(1000)
        .help("Attempts to connect at the start before giving up"),
    field(&slipway::db::settings::connection_lifetime)
        .minimum(1'000)
        .help(
            "PostgreSQL, MySQL: how old a connection may grow before it is replaced; each gets its own part of chance"),
    field(&slipway::db::settings::idle_check)
        .minimum(100)
        .help("PostgreSQL, MySQL: a connection that was not used for so long is asked for a sign of life"),
    field(&slipway::db::settings::repeated_statements)
        .maximum(1'000'000)
        .help("For development: a request that runs one statement more often than this is named in the log, with the "
              "line of the source that asks; 0: nobody counts"));
