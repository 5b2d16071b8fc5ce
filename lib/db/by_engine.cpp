#include <slipway/db/by_engine.hpp>

namespace slipway::db {

std::string filled(std::string_view pattern, std::initializer_list<std::string_view> what) {
  constexpr std::size_t width = std::string_view{"{0}"}.size();
  std::string out;
  auto size = pattern.size();
  for (auto const each : what) size += each.size();
  out.reserve(size);
  for (;;) {
    auto const open = pattern.find('{');
    out += pattern.substr(0, open);
    if (open == std::string_view::npos) return out;
    out += what.begin()[pattern[open + 1] - '0'];
    pattern.remove_prefix(open + width);
  }
}

}  // namespace slipway::db
