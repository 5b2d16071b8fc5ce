// Token buckets in Redis: exact over all processes that use the same server. Each decision is one script, that is one
// round trip and one step that nobody else can come between.
#pragma once

#include <slipway/core/task.hpp>
#include <slipway/redis/client.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace slipway::limits {

struct pace {
  std::chrono::microseconds cost{0};  // of one token
  std::chrono::microseconds span{0};  // of a full bucket
};

struct decision {
  std::chrono::microseconds wait{0};  // zero: taken; else how long until there is a token
  std::uint64_t left = 0;             // tokens
};

class shared_buckets {
 public:
  // `cache` must outlive this.
  explicit shared_buckets(redis::client& cache);
  // Takes one token of `key`. Throws what the client throws; the token may have been taken then.
  task<decision> take(std::string key, pace p);

 private:
  redis::client& cache_;
  redis::script script_;
};

}  // namespace slipway::limits
