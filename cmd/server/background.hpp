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
  background(slipway::shard& on, slipway::task<> work) : on_{on} {
    on_.spawn(run(std::move(work), ended_), &operation_);
  }
  background(background const&) = delete;
  background& operator=(background const&) = delete;
  ~background() {
    // Both have to be over before the members go: the work, and the call that cancelled it (which the work may
    // outrun, because it is resumed from there).
    std::binary_semaphore told{0};
    on_.post([this, &told] {
      operation_.cancel(slipway::cancel_reason::shutdown);
      told.release();
    });
    told.acquire();
    ended_.acquire();
  }

 private:
  static slipway::task<> run(slipway::task<> work, std::binary_semaphore& ended) {
    try {
      auto inside = std::move(work);  // gone before the end is told
      co_await std::move(inside);
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
