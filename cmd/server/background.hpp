// Work that goes on in the background of a shard while this object lives: its end is waited for.
#pragma once

#include <slipway/core/errors.hpp>
#include <slipway/runtime/shard.hpp>

#include <semaphore>
#include <utility>

namespace app {

class background {
 public:
  // `work` ends when its context is cancelled; any other exception that leaves it ends the process.
  background(slipway::shard& on, slipway::task<> work) : on_{on} { on_.spawn(run(std::move(work), ended_), &operation_); }
  background(background const&) = delete;
  background& operator=(background const&) = delete;
  ~background() {
    on_.post([this] { operation_.cancel(slipway::cancel_reason::shutdown); });
    ended_.acquire();
  }

 private:
  static slipway::task<> run(slipway::task<> work, std::binary_semaphore& ended) {
    try {
      co_await std::move(work);
    } catch (slipway::cancelled_error const&) {
      // That is how it ends.
    }
    ended.release();
  }

  slipway::shard& on_;
  slipway::context operation_;
  std::binary_semaphore ended_{0};
};

}  // namespace app
