// Compresses answers whose client can take it. It sits outside whatever makes bodies and inside whatever counts bytes.
//
// A strong ETag becomes weak, because the bytes are others; If-Match of a tag that was weakened here is made strong
// again on its way in, so that lost-update protection works for compressed answers too. Answers that have a coding
// already, ranges, `Cache-Control: no-transform`, event streams and types that do not shrink are left alone.
#pragma once

#include <slipway/content/codec.hpp>
#include <slipway/content/fields.hpp>
#include <slipway/http/router.hpp>

#include <cstddef>
#include <memory>
#include <vector>

namespace slipway::content {

struct compression_settings {
  std::size_t min_size = 1024;           // bytes; smaller bodies cost more than they save
  std::size_t max_at_once = 256 * 1024;  // larger bodies are encoded piece by piece while they are sent
  int level = 4;                         // 1 fast to 9 small
  std::vector<coding> codings{coding::zstd, coding::brotli, coding::gzip};  // where the client has no preference
};

// `shards`: how many shards use it; each keeps its encoders. Requests with a Content-Encoding are 415 with the
// codings taken (none but identity) in Accept-Encoding, as RFC 9110, section 15.5.16 asks.
// Throws startup_error for a level out of range or identity among the codings.
std::unique_ptr<http::middleware> make_compression(compression_settings settings, unsigned shards,
                                                   error_page page = {});

// `inner` in another coding. `live`: each piece can be decoded when it arrives, at some cost in size.
std::unique_ptr<http::body_source> make_encoded_source(std::unique_ptr<http::body_source> inner,
                                                       std::unique_ptr<encoder> with, bool live);

}  // namespace slipway::content
