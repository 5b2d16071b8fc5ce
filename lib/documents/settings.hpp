// Where documents are kept.
#pragma once

#include <slipway/meta/description.hpp>

#include <chrono>
#include <string>

namespace slipway::documents {

struct settings {
  std::string url;
  std::string module;
  unsigned connections = 8;
  unsigned queue = 256;
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds timeout{30'000};
};
BOOST_DESCRIBE_STRUCT(settings, (), (url, module, connections, queue, connect_timeout, timeout))

}  // namespace slipway::documents

template <>
inline constexpr auto slipway::rules_of<slipway::documents::settings> = rules(
    field(&slipway::documents::settings::url)
        .optional()
        .sensitive()
        .help("Empty: in the SQL database of database.url. Or mongodb://user:password@host:27017/database?tls=true, or "
              "mongodb+srv://"),
    field(&slipway::documents::settings::module)
        .optional()
        .help("The file of the module with MongoDB's driver. Empty: slipway_mongodb.so beside the program, in "
              "../lib/slipway "
              "from there, or where the system looks"),
    field(&slipway::documents::settings::connections)
        .minimum(1)
        .maximum(1000)
        .help("MongoDB: how many requests are at work at once, each on a connection and a thread, for all shards "
              "together; and as many transactions"),
    field(&slipway::documents::settings::queue)
        .minimum(1)
        .maximum(1'000'000)
        .help("MongoDB: requests that may wait; more are answered with 503"),
    field(&slipway::documents::settings::connect_timeout)
        .minimum(1)
        .maximum(3'600'000)
        .help("MongoDB: how long to look for a server that can answer"),
    field(&slipway::documents::settings::timeout)
        .minimum(1)
        .maximum(3'600'000)
        .help("MongoDB: the longest that one request may take, whatever its request's deadline"));
