#include <slipway/core/encoding.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/core/random.hpp>

#include <sys/random.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <vector>

namespace slipway {
namespace {

class kernel_random final : public random_source {
 public:
  // One system call serves many small requests: each thread keeps a block and hands it out once.
  void fill(std::span<std::byte> out) override {
    thread_local constinit std::byte block[512];
    thread_local constinit std::size_t used = sizeof block;
    if (out.size() > sizeof block / 4) return read(out);
    if (sizeof block - used < out.size()) {
      read(block);
      used = 0;
    }
    std::memcpy(out.data(), block + used, out.size());
    std::memset(block + used, 0, out.size());  // handed out once: a later leak of the block must not show it
    used += out.size();
  }

 private:
  static void read(std::span<std::byte> out) {
    while (!out.empty()) {
      auto const got = ::getrandom(out.data(), out.size(), 0);
      if (got > 0) {
        out = out.subspan(static_cast<std::size_t>(got));
      } else if (errno != EINTR) {
        throw startup_error{exit_code::os, std::string{"getrandom failed: "} + std::strerror(errno) +
                                               ". The kernel must give entropy; check seccomp rules and /dev/urandom."};
      }
    }
  }
};

}  // namespace

random_source& system_random() noexcept {
  static constinit kernel_random instance;
  return instance;
}

std::uint64_t random_source::next64() {
  std::uint64_t value = 0;
  fill(std::as_writable_bytes(std::span{&value, 1}));
  return value;
}

std::uint64_t random_source::below(std::uint64_t bound) {
  // Values above the last whole multiple of `bound` are drawn again, so that every result is equally likely.
  auto const limit = bound * (UINT64_MAX / bound);
  auto value = next64();
  while (value >= limit) value = next64();
  return value % bound;
}

std::string random_source::token(std::size_t bytes) {
  std::vector<std::byte> raw(bytes);
  fill(raw);
  return base64url(raw);
}

seeded_random::seeded_random(std::uint64_t seed) noexcept {
  for (auto& word : state_) {  // splitmix64, as the generator's authors advise
    seed += 0x9e3779b97f4a7c15u;
    auto z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    word = z ^ (z >> 31);
  }
}

void seeded_random::fill(std::span<std::byte> out) {
  while (!out.empty()) {
    auto const value = std::rotl(state_[1] * 5, 7) * 9;
    auto const t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    auto const n = std::min(out.size(), sizeof value);
    std::memcpy(out.data(), &value, n);
    out = out.subspan(n);
  }
}

}  // namespace slipway
