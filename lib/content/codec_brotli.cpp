#include "codecs.hpp"

#include <brotli/encode.h>

#include <algorithm>
#include <bit>
#include <new>
#include <stdexcept>

namespace slipway::content {
namespace {

// Level 4 here is as fast as gzip's 6 and smaller; above 9 brotli's memory and time grow without measure.
constexpr int largest_window = 20;  // 1 MB

class brotli_encoder final : public encoder {
 public:
  brotli_encoder(int level, std::size_t size) : level_{level} { start(size); }

  void write(std::string_view in, step how, std::string& out) override {
    auto const operation = how == step::finish  ? BROTLI_OPERATION_FINISH
                           : how == step::flush ? BROTLI_OPERATION_FLUSH
                                                : BROTLI_OPERATION_PROCESS;
    auto const* next = reinterpret_cast<std::uint8_t const*>(in.data());
    auto available = in.size();
    for (;;) {
      std::size_t none = 0;
      if (!BrotliEncoderCompressStream(state_.get(), operation, &available, &next, &none, nullptr, nullptr))
        throw std::runtime_error{"brotli refuses to encode"};
      std::size_t size = 0;
      auto const* bytes = BrotliEncoderTakeOutput(state_.get(), &size);
      out.append(reinterpret_cast<char const*>(bytes), size);
      if (available == 0 && !BrotliEncoderHasMoreOutput(state_.get())) return;
    }
  }

  void reset(std::size_t size) override { start(size); }

 private:
  struct destroy {
    void operator()(BrotliEncoderState* s) const noexcept { BrotliEncoderDestroyInstance(s); }
  };
  void start(std::size_t size) {
    state_.reset(BrotliEncoderCreateInstance(nullptr, nullptr, nullptr));
    if (!state_) throw std::bad_alloc{};
    // A window no larger than the text saves most of the memory of small answers.
    auto const window =
        size == 0 ? largest_window : std::clamp(static_cast<int>(std::bit_width(size)), 16, largest_window);
    BrotliEncoderSetParameter(state_.get(), BROTLI_PARAM_QUALITY, static_cast<std::uint32_t>(level_));
    BrotliEncoderSetParameter(state_.get(), BROTLI_PARAM_LGWIN, static_cast<std::uint32_t>(window));
    if (size != 0)
      BrotliEncoderSetParameter(state_.get(), BROTLI_PARAM_SIZE_HINT,
                                static_cast<std::uint32_t>(std::min<std::size_t>(size, 1u << 30)));
  }

  int level_;
  std::unique_ptr<BrotliEncoderState, destroy> state_;
};

}  // namespace

std::unique_ptr<encoder> make_brotli_encoder(int level, std::size_t size) {
  return std::make_unique<brotli_encoder>(level, size);
}

}  // namespace slipway::content
