// Query strings, paths, cookies and the lists of negotiation: whatever comes, nothing is read beyond the text, and what
// is encoded again decodes to the same.
#include <slipway/content/cookies.hpp>
#include <slipway/content/negotiation.hpp>
#include <slipway/content/urlencoded.hpp>
#include <slipway/core/encoding.hpp>
#include <slipway/http/percent.hpp>

#include "../safe_open.hpp"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

using namespace slipway;
using namespace slipway::content;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  // A copy of exactly this size: reading past its end is seen.
  auto const copy = std::make_unique<char[]>(size);
  std::copy_n(reinterpret_cast<char const*>(data), size, copy.get());
  std::string_view const text{copy.get(), size};
  arena memory;
  if (auto const pairs = decode_form(text, memory)) {
    auto const written = encode_form(*pairs);
    auto const again = decode_form(written, memory);
    if (!again || again->size() > pairs->size()) std::abort();
    if (encode_form(*again) != written) std::abort();
  }
  if (auto const path = http::percent_decode(text, memory)) {
    if (is_safe_path(*path) &&
        (path->contains("..") && (path->starts_with("../") || path->contains("/../") || *path == "..")))
      std::abort();
    // A NUL as it is passes, since no request line can hold one; encoded it is refused.
    if (!path->contains('\0') && http::percent_decode(percent_encode(*path), memory) != *path) std::abort();
  }
  constexpr std::array codings{coding::zstd, coding::brotli, coding::gzip};
  (void)choose_coding(text, codings);
  constexpr std::array<std::string_view, 2> types{"application/json", "text/html; charset=utf-8"};
  (void)choose_media_type(text, types);
  http::field const field{"Cookie", text};
  http::request r;
  r.fields = {&field, 1};
  (void)find_cookie(r, "session");
  try {
    auto const line = to_set_cookie({.name = "a", .value = text, .path = "/"});
    if (line.find_first_of("\r\n") != line.npos || line.find(';') != text.size() + 2) std::abort();
  } catch (std::invalid_argument const&) {
    return 0;
  }
  return 0;
}
