// A value that cannot be printed, logged or serialised: reading it takes the word `reveal`, which a reviewer can
// search for. Its memory is wiped when it goes.
#pragma once

#include <string>
#include <utility>

namespace slipway {

// Wipes `bytes` bytes at `memory`; the compiler may not leave it out.
void wipe(void* memory, std::size_t bytes) noexcept;

template <class T>
class secret;

template <>
class secret<std::string> {
 public:
  secret() = default;
  explicit secret(std::string value) noexcept : value_{std::move(value)} {}
  secret(secret const&) = default;
  secret(secret&& other) noexcept : value_{std::move(other.value_)} { other.clear(); }
  secret& operator=(secret other) noexcept {
    value_.swap(other.value_);
    return *this;
  }
  ~secret() { clear(); }

  std::string const& reveal() const noexcept { return value_; }
  bool empty() const noexcept { return value_.empty(); }
  void clear() noexcept {
    wipe(value_.data(), value_.capacity());
    value_.clear();
  }

 private:
  std::string value_;
};

}  // namespace slipway
