#include <slipway/content/codec.hpp>

#include "codecs.hpp"

#include <slipway/core/assert.hpp>

namespace slipway::content {

std::unique_ptr<encoder> make_encoder(coding c, int level, std::size_t size) {
  switch (c) {
    case coding::gzip: return make_gzip_encoder(level);
    case coding::brotli: return make_brotli_encoder(level, size);
    case coding::zstd: return make_zstd_encoder(level, size);
    case coding::identity: break;
  }
  must(false, "identity has no encoder");
  return nullptr;
}

}  // namespace slipway::content
