#include <slipway/content/builders.hpp>

#include <slipway/content/fields.hpp>
#include <slipway/content/urlencoded.hpp>
#include <slipway/core/encoding.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace slipway::content {
namespace {

bool is_uri_text(std::string_view text) noexcept {
  return std::ranges::all_of(
      text, [](char c) { return c > 0x20 && c < 0x7f && !std::string_view{"<>\"{}|\\^`"}.contains(c); });
}

void add_text(std::string& out, std::string_view name, std::string_view text) {
  if (text.empty()) return;
  if (!is_field_text(text)) throw std::invalid_argument{"a parameter of a link holds a control character"};
  bool const ascii = std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  // Beyond ASCII only the extended form says which characters they are (RFC 8187).
  out += ascii ? fmt::format("; {}={}", name, quote(text)) : fmt::format("; {}*=UTF-8''{}", name, percent_encode(text));
}

}  // namespace

links& links::add(std::string_view target, std::string_view relation, about what) {
  if (!is_uri_text(target)) throw std::invalid_argument{"the target of a link is not in the characters of a URI"};
  if (relation.empty() || !is_field_text(relation))
    throw std::invalid_argument{"a link needs a relation without control characters"};
  if (!text_.empty()) text_ += ", ";
  text_ += fmt::format("<{}>; rel={}", target, quote(relation));
  add_text(text_, "title", what.title);
  add_text(text_, "type", what.type);
  add_text(text_, "hreflang", what.hreflang);
  return *this;
}

std::string cache_control::text() const {
  std::string out;
  auto const flag = [&](bool set, std::string_view name) {
    if (!set) return;
    if (!out.empty()) out += ", ";
    out += name;
  };
  auto const seconds = [&](std::optional<std::chrono::seconds> const& value, std::string_view name) {
    if (!value) return;
    flag(true, name);
    out += fmt::format("={}", std::max<std::int64_t>(value->count(), 0));
  };
  flag(is_public, "public");
  flag(is_private, "private");
  flag(no_store, "no-store");
  flag(no_cache, "no-cache");
  flag(no_transform, "no-transform");
  seconds(max_age, "max-age");
  seconds(s_maxage, "s-maxage");
  flag(must_revalidate, "must-revalidate");
  flag(proxy_revalidate, "proxy-revalidate");
  flag(immutable, "immutable");
  seconds(stale_while_revalidate, "stale-while-revalidate");
  seconds(stale_if_error, "stale-if-error");
  return out;
}

std::string rate_limit_policy(std::string_view name, std::uint64_t quota, std::chrono::seconds window) {
  return fmt::format("{};q={};w={}", quote(name), quota, window.count());
}

std::string rate_limit_state(std::string_view name, std::uint64_t remaining, std::chrono::seconds until_reset) {
  return fmt::format("{};r={};t={}", quote(name), remaining, std::max<std::int64_t>(until_reset.count(), 0));
}

}  // namespace slipway::content
