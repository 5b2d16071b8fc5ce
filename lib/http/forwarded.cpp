#include <slipway/core/ascii.hpp>
#include <slipway/http/forwarded.hpp>

#include <algorithm>

namespace slipway::http {
namespace {

// Cuts the last element off a list; a separator inside a quoted string does not count.
std::string_view take_last(std::string_view& list, char separator) noexcept {
  auto cut = std::string_view::npos;
  bool quoted = false;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i] == '"') quoted = !quoted;
    if (list[i] == separator && !quoted) cut = i;
  }
  auto const last = cut == std::string_view::npos ? list : list.substr(cut + 1);
  list = cut == std::string_view::npos ? std::string_view{} : list.substr(0, cut);
  return trim(last);
}

// Nothing, or a colon and a port: digits, or a name (RFC 7239, section 6).
bool is_port(std::string_view text) noexcept {
  return text.empty() || (text.front() == ':' && std::ranges::all_of(text.substr(1), [](char c) {
                            auto const low = ascii_lower(c);
                            return (c >= '0' && c <= '9') || (low >= 'a' && low <= 'z') || c == '.' || c == '_' ||
                                   c == '-';
                          }));
}

// "192.0.2.1", "192.0.2.1:443", "[2001:db8::1]:443", "2001:db8::1", each perhaps in quotes.
std::optional<address> node_address(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  if (text.starts_with('[')) {
    auto const end = text.find(']');
    if (end == std::string_view::npos || !is_port(text.substr(end + 1))) return std::nullopt;
    return address::parse(text.substr(1, end - 1));
  }
  if (std::ranges::count(text, ':') != 1) return address::parse(text);
  auto const colon = text.find(':');
  return is_port(text.substr(colon)) ? address::parse(text.substr(0, colon)) : std::nullopt;
}

std::optional<bool> scheme(std::string_view text) noexcept {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  if (equal_names(text, "https")) return true;
  if (equal_names(text, "http")) return false;
  return std::nullopt;
}

// Each element is found by going through all that is left of its list.
constexpr int most_hops = 32, most_pairs = 8;

struct hop {
  std::optional<address> from;
  std::optional<bool> secure;
};

hop read_hop(std::string_view element) {
  hop out;
  for (int pairs = 0; !element.empty(); ++pairs) {
    if (pairs == most_pairs) return {};
    auto const pair = take_last(element, ';');
    auto const equals = pair.find('=');
    if (equals == std::string_view::npos) continue;
    auto const name = pair.substr(0, equals), value = pair.substr(equals + 1);
    if (equal_names(name, "for")) out.from = node_address(value);
    if (equal_names(name, "proto")) out.secure = scheme(value);
  }
  return out;
}

// Walks a chain from its end until it meets somebody who is not a trusted proxy.
template <class Read>
void walk(std::span<field const> fields, std::string_view name, std::span<network const> trusted, forwarded_client& out,
          Read read) {
  int hops = 0;
  for (auto i = fields.size(); i-- != 0;) {
    if (!equal_names(fields[i].name, name)) continue;
    // A quote that the client left open would join what it wrote to what the proxy in front of us added to the line.
    if (std::ranges::count(fields[i].value, '"') % 2 != 0) return;
    for (auto list = fields[i].value; !list.empty();) {
      if (++hops > most_hops) return;
      hop const h = read(take_last(list, ','));
      if (!h.from) return;  // hidden or malformed: what lies behind it cannot be believed
      out.client = h.from;
      if (h.secure) out.secure = h.secure;
      if (!is_trusted(*h.from, trusted)) return;
    }
  }
}

}  // namespace

bool is_trusted(address const& a, std::span<network const> trusted) noexcept {
  return std::ranges::any_of(trusted, [&](network const& n) { return n.has(a); });
}

forwarded_client read_forwarded(std::span<field const> fields, std::span<network const> trusted) {
  auto const has = [&](std::string_view name) {
    return std::ranges::any_of(fields, [&](field const& f) { return equal_names(f.name, name); });
  };
  forwarded_client standard, usual;
  walk(fields, "Forwarded", trusted, standard, read_hop);
  walk(fields, "X-Forwarded-For", trusted, usual, [](std::string_view text) { return hop{node_address(text), {}}; });
  for (auto const& f : fields)
    if (equal_names(f.name, "X-Forwarded-Proto")) {
      auto list = f.value;
      if (auto const s = scheme(take_last(list, ','))) usual.secure = s;
    }
  if (!has("Forwarded")) return usual;
  if (has("X-Forwarded-For") && standard.client != usual.client) return {};
  if (standard.secure && usual.secure && *standard.secure != *usual.secure) return {};
  return standard;
}

}  // namespace slipway::http
