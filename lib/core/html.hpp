// Text into HTML: the one thing that must never be forgotten.
#pragma once

#include <string>
#include <string_view>

namespace slipway {

// Appends the text with & < > " and ' as entities: safe as content and in a quoted attribute.
void append_html(std::string& out, std::string_view text);

}  // namespace slipway
