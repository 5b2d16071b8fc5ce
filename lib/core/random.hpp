// Randomness, injected. The system's source is for secrets; the seeded one is for tests only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace slipway {

class random_source {
 public:
  virtual ~random_source() = default;
  // Fills `out`. Throws startup_error(exit_code::os) when the system has no entropy to give.
  virtual void fill(std::span<std::byte> out) = 0;

  std::uint64_t next64();
  // Uniform in [0, bound); bound must be above zero.
  std::uint64_t below(std::uint64_t bound);
  // `bytes` random bytes as base64url without padding: 32 bytes make a token nobody guesses.
  std::string token(std::size_t bytes);
};

// getrandom(2). Safe for any thread.
random_source& system_random() noexcept;

// The same sequence for the same seed (xoshiro256**). Never for secrets.
class seeded_random final : public random_source {
 public:
  explicit seeded_random(std::uint64_t seed) noexcept;
  void fill(std::span<std::byte> out) override;

 private:
  std::uint64_t state_[4];
};

}  // namespace slipway
