// Which servers may answer a command that changes nothing.
#pragma once

#include <boost/describe/enum.hpp>

#include <cstdint>

namespace slipway::redis {

enum class read_from : std::uint8_t {
  primary,         // what was written before is seen
  prefer_replica,  // a replica that is near enough (redis.replica_lag), else the primary
  replica,         // a replica, else unavailable_error: the primary is kept free of reads
};
BOOST_DESCRIBE_ENUM(read_from, primary, prefer_replica, replica)

}  // namespace slipway::redis
