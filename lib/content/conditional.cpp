#include <slipway/content/conditional.hpp>

#include <slipway/content/fields.hpp>
#include <slipway/core/encoding.hpp>
#include <slipway/core/time.hpp>

#include <sodium.h>

#include <array>

namespace slipway::content {
namespace {

enum class found : std::uint8_t { yes, no, unreadable };

// A list of entity tags, or "*". Tags may hold commas inside their quotes, and no backslash escapes anything there.
template <class Match>
found search(std::string_view list, std::string_view etag, bool exists, Match match) noexcept {
  list = trim(list);
  if (list == "*") return exists ? found::yes : found::no;
  auto const current = entity_tag::parse(etag);
  bool any = false;
  while (!list.empty()) {
    if (list.front() == ',' || list.front() == ' ' || list.front() == '\t') {
      list.remove_prefix(1);
      continue;
    }
    auto const open = list.find('"');
    if (open == std::string_view::npos) return found::unreadable;
    auto const close = list.find('"', open + 1);
    if (close == std::string_view::npos) return found::unreadable;
    auto const tag = entity_tag::parse(list.substr(0, close + 1));
    if (!tag) return found::unreadable;
    if (exists && current && match(*tag, *current)) return found::yes;
    list.remove_prefix(close + 1);
    list = trim(list);
    if (!list.empty() && list.front() != ',') return found::unreadable;
    any = true;
  }
  return any ? found::no : found::unreadable;
}

}  // namespace

std::optional<entity_tag> entity_tag::parse(std::string_view text) noexcept {
  entity_tag tag;
  if (text.starts_with("W/")) {
    tag.weak = true;
    text.remove_prefix(2);
  }
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::nullopt;
  for (char c : text.substr(1, text.size() - 2))
    if (static_cast<unsigned char>(c) <= 0x20 || c == '"' || c == 0x7f) return std::nullopt;
  tag.opaque = text;
  return tag;
}

bool strong_match(entity_tag a, entity_tag b) noexcept { return !a.weak && !b.weak && a.opaque == b.opaque; }
bool weak_match(entity_tag a, entity_tag b) noexcept { return a.opaque == b.opaque; }

std::string make_etag(std::string_view bytes) {
  std::array<unsigned char, 16> digest;
  crypto_generichash(digest.data(), digest.size(), reinterpret_cast<unsigned char const*>(bytes.data()), bytes.size(),
                     nullptr, 0);
  return '"' + base64url(std::as_bytes(std::span{digest})) + '"';
}

std::string version_etag(std::uint64_t version) { return "\"v" + std::to_string(version) + '"'; }

preconditions preconditions::of(http::exchange& x) {
  return {all_values(x, "If-Match"), all_values(x, "If-None-Match"), x.request.header("If-Modified-Since"),
          x.request.header("If-Unmodified-Since"),
          x.request.verb == http::method::get || x.request.verb == http::method::head};
}

bool preconditions::empty() const noexcept {
  return if_match.data() == nullptr && if_none_match.data() == nullptr && if_modified_since.data() == nullptr &&
         if_unmodified_since.data() == nullptr;
}

verdict evaluate(preconditions const& p, validators const& now) noexcept {
  if (p.if_match.data() != nullptr) {
    if (search(p.if_match, now.etag, now.exists, strong_match) != found::yes) return verdict::precondition_failed;
  } else if (p.if_unmodified_since.data() != nullptr && now.last_modified) {
    auto const since = from_http_date(p.if_unmodified_since);
    if (since && *now.last_modified > *since) return verdict::precondition_failed;
  }
  if (p.if_none_match.data() != nullptr) {
    auto const hit = search(p.if_none_match, now.etag, now.exists, weak_match);
    if (p.read) return hit == found::yes ? verdict::not_modified : verdict::proceed;
    return hit == found::no ? verdict::proceed : verdict::precondition_failed;
  }
  if (p.read && p.if_modified_since.data() != nullptr && now.last_modified) {
    auto const since = from_http_date(p.if_modified_since);
    if (since && *now.last_modified <= *since) return verdict::not_modified;
  }
  return verdict::proceed;
}

bool apply_conditions(http::exchange& x, validators const& now) {
  if (!now.etag.empty()) x.response.add("ETag", x.copy(now.etag));
  if (now.last_modified) {
    auto* const text = static_cast<char*>(x.memory.allocate(http_date_size, 1));
    write_http_date(text, *now.last_modified);
    x.response.add("Last-Modified", {text, http_date_size});
  }
  auto const p = preconditions::of(x);
  if (p.empty()) return true;
  switch (evaluate(p, now)) {
    case verdict::proceed: return true;
    case verdict::not_modified: x.answer(304, {}, {}); return false;
    case verdict::precondition_failed: x.answer(412, {}, {}); return false;
  }
  return true;
}

}  // namespace slipway::content
