#include <slipway/content/lines.hpp>

#include <algorithm>
#include <utility>

namespace slipway::content {

void line_splitter::feed(std::string_view piece) noexcept {
  input_ = piece;
  last_ = piece.empty();
}

void line_splitter::keep(std::string_view part) {
  // One more than allowed tells that it is too long; the rest is passed over. A CR in front of the end is not counted.
  auto const room = longest_ + 2 - std::min(line_.size(), longest_ + 2);
  line_.append(part.substr(0, room));
}

std::optional<line_splitter::line> line_splitter::next() {
  if (std::exchange(given_, false)) line_.clear();
  auto const end = input_.find('\n');
  keep(input_.substr(0, end));
  if (end == std::string_view::npos) {
    input_ = {};
    if (!last_ || line_.empty()) return std::nullopt;
  } else {
    input_.remove_prefix(end + 1);
  }
  given_ = true;
  std::string_view text = line_;
  if (text.ends_with('\r')) text.remove_suffix(1);
  bool const too_long = text.size() > longest_;
  return line{text.substr(0, longest_), ++number_, too_long};
}

}  // namespace slipway::content
