// Whatever Range asks for lies within the representation, and no two parts of it overlap.
#include <slipway/content/ranges.hpp>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

using namespace slipway::content;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::uint64_t length = 0;
  if (size < sizeof length) return 0;
  std::memcpy(&length, data, sizeof length);
  std::string_view const text{reinterpret_cast<char const*>(data) + sizeof length, size - sizeof length};
  auto const choice = choose_ranges(text, length);
  if ((choice.what == range_choice::kind::partial) != !choice.ranges.empty() || choice.ranges.size() > max_ranges)
    std::abort();
  std::uint64_t sum = 0;
  for (auto const& r : choice.ranges) {
    if (r.length == 0 || r.first >= length || r.length > length - r.first) std::abort();
    if (r.length > length - sum) std::abort();
    sum += r.length;
  }
  preconditions const p{
      .if_match = text, .if_none_match = text, .if_modified_since = text, .if_unmodified_since = text};
  (void)evaluate(p, {"\"a\"", std::chrono::sys_seconds{}});
  (void)if_range_holds(text, {"\"a\"", std::chrono::sys_seconds{}});
  return 0;
}
