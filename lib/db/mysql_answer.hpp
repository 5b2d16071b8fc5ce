// The rows of one statement while they are filled, and then behind `rows`.
#pragma once

#include <boost/mysql/results.hpp>

#include <cstdint>

namespace slipway::db::detail {

struct my_answer {
  boost::mysql::results found;
  std::int64_t affected = 0;
  std::uint64_t first_id = 0;  // that AUTO_INCREMENT gave
  std::uint64_t id_step = 1;
};

}  // namespace slipway::db::detail
