// The encoders, one file each; reached through make_encoder.
#pragma once

#include <slipway/content/codec.hpp>

namespace slipway::content {

std::unique_ptr<encoder> make_gzip_encoder(int level);
std::unique_ptr<encoder> make_brotli_encoder(int level, std::size_t size);
std::unique_ptr<encoder> make_zstd_encoder(int level, std::size_t size);

}  // namespace slipway::content
