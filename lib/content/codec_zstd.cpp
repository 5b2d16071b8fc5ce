#include "codecs.hpp"

#include <zstd.h>

#include <new>
#include <stdexcept>

namespace slipway::content {
namespace {

constexpr int largest_window = 20;  // 1 MB; a client may refuse more than 8 MB (RFC 9659)

void check(std::size_t code) {
  if (ZSTD_isError(code)) throw std::runtime_error{std::string{"zstd refuses to encode: "} + ZSTD_getErrorName(code)};
}

class zstd_encoder final : public encoder {
 public:
  zstd_encoder(int level, std::size_t size) : context_{ZSTD_createCCtx()} {
    if (!context_) throw std::bad_alloc{};
    check(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level));
    check(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_windowLog, largest_window));
    pledge(size);
  }

  void write(std::string_view in, step how, std::string& out) override {
    auto const operation = how == step::finish ? ZSTD_e_end : how == step::flush ? ZSTD_e_flush : ZSTD_e_continue;
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    std::size_t left = 0;
    do {
      auto const used = out.size();
      auto const room = ZSTD_CStreamOutSize() / 4;
      out.resize(used + room);
      ZSTD_outBuffer output{out.data() + used, room, 0};
      left = ZSTD_compressStream2(context_.get(), &output, &input, operation);
      out.resize(used + output.pos);
      check(left);
    } while (input.pos < input.size || (how != step::more && left != 0));
  }

  void reset(std::size_t size) override {
    check(ZSTD_CCtx_reset(context_.get(), ZSTD_reset_session_only));
    pledge(size);
  }

 private:
  struct destroy {
    void operator()(ZSTD_CCtx* c) const noexcept { ZSTD_freeCCtx(c); }
  };
  // A known size lets zstd take smaller tables, and is written into the frame.
  void pledge(std::size_t size) {
    if (size != 0) check(ZSTD_CCtx_setPledgedSrcSize(context_.get(), size));
  }

  std::unique_ptr<ZSTD_CCtx, destroy> context_;
};

}  // namespace

std::unique_ptr<encoder> make_zstd_encoder(int level, std::size_t size) {
  return std::make_unique<zstd_encoder>(level, size);
}

}  // namespace slipway::content
