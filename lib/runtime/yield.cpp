#include <slipway/runtime/yield.hpp>

#include <slipway/core/one_shot.hpp>
#include <slipway/runtime/shard.hpp>

#include <memory>

namespace slipway {

task<> yield() {
  one_shot done;
  // Null once the wait is over: when the operation is cancelled, its turn comes all the same.
  struct waiting {
    std::shared_ptr<one_shot*> shared;
    ~waiting() { *shared = nullptr; }
  } const on_leaving{std::make_shared<one_shot*>(&done)};
  shard::current().post([shared = on_leaving.shared] {
    if (*shared != nullptr) (*shared)->fire();
  });
  co_await done;
}

}  // namespace slipway
