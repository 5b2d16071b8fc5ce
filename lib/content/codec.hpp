// Content codings for answers: gzip (RFC 1952), brotli (RFC 7932), zstd (RFC 8878). Memory for each encoder in use:
// gzip 270 KB, brotli and zstd below 4 MB at level 4; windows stay at 1 MB, well inside what RFC 9659 lets a client refuse.
#pragma once

#include <slipway/content/negotiation.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace slipway::content {

class encoder {
 public:
  enum class step {
    more,    // output may be held back
    flush,   // everything so far can be decoded from what was put out
    finish,  // the end of the stream
  };
  virtual ~encoder() = default;
  // Appends to `out`. After `finish` only `reset` may follow. Throws std::runtime_error when the library fails.
  virtual void write(std::string_view in, step how, std::string& out) = 0;
  // Ready for another stream. `size` is its whole length where that is known (0: unknown).
  virtual void reset(std::size_t size) = 0;
};

// `level` is 1 (fast) to 9 (small); `size` as in `reset`. Not for identity.
std::unique_ptr<encoder> make_encoder(coding c, int level, std::size_t size = 0);

}  // namespace slipway::content
