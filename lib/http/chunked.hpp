// The chunked transfer coding (RFC 9112, section 7.1), both ways. Sans I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace slipway::http {

// Decodes in place and piece by piece: chunk data that is there is moved to the front of what was given. Strict:
// lines end with CRLF, sizes have 1 to 16 hexadecimal digits, extensions and trailers are bounded and, having been
// checked for form, dropped (a trailer that nobody asked for may be dropped: RFC 9110, section 6.5.1).
class chunked_decoder {
 public:
  static constexpr std::size_t max_extensions = 4'096;  // bytes, of the whole body: pays for no work beside data
  static constexpr std::size_t max_trailers = 8'192;    // bytes

  struct progress {
    std::size_t data;      // decoded bytes, now at the front
    std::size_t consumed;  // bytes of the input that were used up
  };
  // After `malformed` or `finished`, nothing more is decoded.
  progress decode(char* bytes, std::size_t size) noexcept;

  bool finished() const noexcept { return state_ == state::finished; }
  bool malformed() const noexcept { return state_ == state::malformed; }
  void reset() noexcept { *this = {}; }

 private:
  enum class state : std::uint8_t {
    size_first,
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_first,
    trailer_name,
    trailer_value,
    trailer_lf,
    end_lf,
    finished,
    malformed,
  };
  void step(char c) noexcept;
  void begin_extension(char c) noexcept;

  std::uint64_t left_ = 0;  // of the chunk
  std::size_t extensions_ = 0, trailers_ = 0;
  std::uint8_t digits_ = 0;
  state state_ = state::size_first;
};

// "1f\r\n" before the data of a chunk; "\r\n" follows it, and `last_chunk` the whole.
struct chunk_head {
  explicit chunk_head(std::size_t size) noexcept;
  std::string_view text() const noexcept { return {text_, size_}; }

 private:
  char text_[2 * sizeof(std::size_t) + 2];
  std::size_t size_;
};
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

}  // namespace slipway::http
