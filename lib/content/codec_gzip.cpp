#include "codecs.hpp"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace slipway::content {
namespace {

class gzip_encoder final : public encoder {
 public:
  explicit gzip_encoder(int level) {
    constexpr int window_bits = 15 + 16;  // 16: with gzip's header and trailer
    constexpr int memory_level = 8;
    if (deflateInit2(&stream_, level, Z_DEFLATED, window_bits, memory_level, Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::runtime_error{"zlib cannot make an encoder: out of memory"};
  }
  gzip_encoder(gzip_encoder const&) = delete;
  gzip_encoder& operator=(gzip_encoder const&) = delete;
  ~gzip_encoder() override { deflateEnd(&stream_); }

  void write(std::string_view in, step how, std::string& out) override {
    auto const mode = how == step::finish ? Z_FINISH : how == step::flush ? Z_SYNC_FLUSH : Z_NO_FLUSH;
    std::size_t taken = 0;
    int status = Z_OK;
    do {
      auto const portion = std::min<std::size_t>(in.size() - taken, std::numeric_limits<uInt>::max());
      auto const is_last = taken + portion == in.size();
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data() + taken));  // zlib does not write to it
      stream_.avail_in = static_cast<uInt>(portion);
      auto const used = out.size();
      auto const room = std::max<std::size_t>(256, std::min<std::size_t>(in.size() / 2 + 64, 64 * 1024));
      out.resize(used + room);
      stream_.next_out = reinterpret_cast<Bytef*>(out.data() + used);
      stream_.avail_out = static_cast<uInt>(room);
      status = deflate(&stream_, is_last ? mode : Z_NO_FLUSH);
      taken += portion - stream_.avail_in;
      out.resize(used + room - stream_.avail_out);
      if (status == Z_STREAM_ERROR) throw std::runtime_error{"zlib refuses to encode"};
      // With room left in the output, everything given has been taken and flushed.
    } while (taken < in.size() || (status != Z_STREAM_END && (stream_.avail_out == 0 || how == step::finish)));
  }

  void reset(std::size_t) override { deflateReset(&stream_); }

 private:
  z_stream stream_{};
};

}  // namespace

std::unique_ptr<encoder> make_gzip_encoder(int level) { return std::make_unique<gzip_encoder>(level); }

}  // namespace slipway::content
