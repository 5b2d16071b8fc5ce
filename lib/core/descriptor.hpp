// A file descriptor of the system that is closed when its holder goes.
#pragma once

#include <utility>

namespace slipway {

class descriptor {
 public:
  descriptor() noexcept = default;
  // Takes over what open(2) and its like return: a negative number means that nothing is held.
  explicit descriptor(int number) noexcept : number_{number} {}
  descriptor(descriptor&& other) noexcept : number_{other.release()} {}
  // What was held is closed.
  descriptor& operator=(descriptor&& other) noexcept {
    descriptor before{std::exchange(number_, other.release())};
    return *this;
  }
  ~descriptor();

  explicit operator bool() const noexcept { return number_ >= 0; }
  int get() const noexcept { return number_; }
  // The number, which is the caller's to close from now on.
  int release() noexcept { return std::exchange(number_, -1); }

 private:
  int number_ = -1;
};

}  // namespace slipway
