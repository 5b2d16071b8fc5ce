#include <slipway/content/ranges.hpp>

#include <slipway/content/fields.hpp>
#include <slipway/core/time.hpp>

#include <algorithm>

namespace slipway::content {
namespace {

enum class reading : std::uint8_t { good, beyond, malformed };

// Digits alone; a number too large for any file is the largest there is, not an error.
std::optional<std::uint64_t> position(std::string_view text) noexcept {
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    auto const digit = static_cast<std::uint64_t>(c - '0');
    value = value > (~std::uint64_t{0} - digit) / 10 ? ~std::uint64_t{0} : value * 10 + digit;
  }
  return value;
}

reading read_one(std::string_view text, std::uint64_t size, byte_range& out) noexcept {
  auto const dash = text.find('-');
  if (dash == std::string_view::npos) return reading::malformed;
  auto const first_text = text.substr(0, dash), last_text = text.substr(dash + 1);
  if (first_text.empty()) {
    auto const suffix = position(last_text);
    if (!suffix) return reading::malformed;
    if (*suffix == 0 || size == 0) return reading::beyond;
    out.length = std::min(*suffix, size);
    out.first = size - out.length;
    return reading::good;
  }
  auto const first = position(first_text);
  auto const last = last_text.empty() ? std::optional{~std::uint64_t{0}} : position(last_text);
  if (!first || !last || *last < *first) return reading::malformed;
  if (*first >= size) return reading::beyond;
  out.first = *first;
  out.length = std::min(*last, size - 1) - *first + 1;
  return reading::good;
}

bool overlap(std::vector<byte_range> ranges) {
  std::ranges::sort(ranges, {}, &byte_range::first);
  for (std::size_t i = 1; i < ranges.size(); ++i)
    if (ranges[i - 1].first + ranges[i - 1].length > ranges[i].first) return true;
  return false;
}

}  // namespace

range_choice choose_ranges(std::string_view header, std::uint64_t size, std::size_t limit) {
  using enum range_choice::kind;
  if (header.data() == nullptr) return {};
  auto const [unit, set] = split(header, '=');
  if (!http::equal_names(unit, "bytes") || set.empty()) return {};
  range_choice choice{partial};
  std::size_t count = 0;
  pieces list{set};
  for (std::string_view text; list.next(text);) {
    if (++count > limit) return {};
    byte_range r;
    switch (read_one(text, size, r)) {
      case reading::good: choice.ranges.push_back(r); break;
      case reading::beyond: break;
      case reading::malformed: return {};
    }
  }
  if (count == 0) return {};
  if (choice.ranges.empty() || overlap(choice.ranges)) return {unsatisfiable};
  return choice;
}

bool if_range_holds(std::string_view if_range, validators const& now) noexcept {
  if (if_range.data() == nullptr) return true;
  if_range = trim(if_range);
  if (if_range.starts_with('"') || if_range.starts_with("W/")) {
    auto const asked = entity_tag::parse(if_range), current = entity_tag::parse(now.etag);
    return asked && current && strong_match(*asked, *current);
  }
  // Section 13.1.5 wants an exact match. A client that holds a tag sends the tag; the date is for those that keep none.
  auto const date = from_http_date(if_range);
  return date && now.last_modified && *date == *now.last_modified;
}

std::string content_range(byte_range r, std::uint64_t size) {
  return "bytes " + std::to_string(r.first) + '-' + std::to_string(r.first + r.length - 1) + '/' + std::to_string(size);
}

std::string unsatisfied_range(std::uint64_t size) { return "bytes */" + std::to_string(size); }

}  // namespace slipway::content
