#include <slipway/core/clock.hpp>

namespace slipway {
namespace {

class real_clock final : public clock_source {
 public:
  time_point now() const noexcept override {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  }
  std::chrono::steady_clock::time_point steady() const noexcept override { return std::chrono::steady_clock::now(); }
};

}  // namespace

clock_source const& system_clock() noexcept {
  static constinit real_clock const instance;
  return instance;
}

}  // namespace slipway
