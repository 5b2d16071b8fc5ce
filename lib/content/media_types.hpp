// Media types by file name, and which of them shrink when compressed.
#pragma once

#include <string_view>

namespace slipway::content {

// By the extension, in any case: "text/html; charset=utf-8" for "a/b.HTML"; "application/octet-stream" when unknown.
std::string_view media_type_of(std::string_view file_name) noexcept;
// text/*, JSON, XML, JavaScript, WebAssembly, SVG and the +json, +xml families; not text/event-stream.
bool is_compressible(std::string_view media_type) noexcept;

}  // namespace slipway::content
