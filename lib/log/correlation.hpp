// Correlation ids: what ties a request's lines, its answer and the client's complaint together.
#pragma once

#include <slipway/core/random.hpp>

#include <array>
#include <cstdint>
#include <string_view>

namespace slipway::log {

// Whether an id from outside (X-Request-Id) may be taken over: 1 to 128 characters, each a letter, a digit or one
// of -._~:/+=@, so it can be put into a header, a log and a command line without harm.
bool acceptable_correlation_id(std::string_view text) noexcept;

// Makes ids of 16 hexadecimal digits. One for each shard: not for several threads at once. Ids of one maker never
// repeat before 2^64; those of different makers meet as seldom as random ones.
class correlation_ids {
 public:
  static constexpr std::size_t size = 16;
  explicit correlation_ids(random_source& random = system_random()) : key_{random.next64()}, next_{random.next64()} {}

  // Writes `size` characters and returns them as a view of `out`.
  std::string_view write(char* out) noexcept;
  std::array<char, size> next() noexcept {
    std::array<char, size> text;
    write(text.data());
    return text;
  }

 private:
  std::uint64_t key_;
  std::uint64_t next_;
};

}  // namespace slipway::log
