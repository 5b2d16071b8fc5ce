// Settings that contradict each other, or the models.
#include <slipway/sharding/cluster_parts.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/db/value_words.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace slipway::sharding {
namespace {

[[noreturn]] void refuse(std::string const& what) { throw startup_error{exit_code::config, what}; }

bool is_name(std::string_view name) noexcept {
  return std::ranges::all_of(
      name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; });
}

// No two alike, and none below all keys.
bool is_ascending(std::vector<std::string> const& bounds) noexcept {
  return std::ranges::adjacent_find(bounds, std::greater_equal{}) == bounds.end() &&
         (bounds.empty() || !bounds.front().empty());
}

struct key_words {
  std::string_view setting, one, bounds;
};
constexpr key_words words_of(key_kind k) noexcept {
  switch (k) {
    case key_kind::number: return {"number", "whole number", "whole numbers (times in microseconds since 1970)"};
    case key_kind::id: return {"id", "UUID", "UUIDs"};
    default: return {"text", "text", "text"};
  }
}

// What keys of this kind are. Nothing: it cannot be a key.
std::optional<key_kind> keys_of(db::value_kind k) noexcept {
  switch (k) {
    case db::value_kind::text: return key_kind::text;
    case db::value_kind::uuid: return key_kind::id;
    case db::value_kind::integer:
    case db::value_kind::time:
    case db::value_kind::boolean: return key_kind::number;
    default: return std::nullopt;
  }
}

}  // namespace

// As keys have them.
void decode_ranges(settings& s) {
  for (auto& bound : s.ranges) {
    auto const k = key::of_text(bound, s.range_keys);
    if (!k)
      refuse(fmt::format("sharding.ranges: '{}' is no {}, as sharding.range_keys says, and no hexadecimal after 0x",
                         bound, words_of(s.range_keys).one));
    bound = k->octets();
  }
}

void check_settings(settings const& s) {
  if (s.nodes.empty()) refuse("sharding.nodes is empty: name the databases that hold sharded tables");
  for (auto n = s.nodes.begin(); n != s.nodes.end(); ++n) {
    if (!is_name(n->name))
      refuse(fmt::format("sharding.nodes: '{}' is no name: lower-case letters, digits, '-' and '_'", n->name));
    if (std::find_if(s.nodes.begin(), n, [&](auto const& o) { return o.name == n->name || o.url == n->url; }) != n)
      refuse(fmt::format("sharding.nodes: '{}' has the name or the URL of another node", n->name));
  }
  if (s.strategy == strategy::range && (s.slots != s.ranges.size() + 1 || !is_ascending(s.ranges)))
    refuse(fmt::format("sharding.ranges: {} slots need {} bounds in ascending order", s.slots, s.slots - 1));
  if (s.strategy != strategy::range && !s.ranges.empty())
    refuse("sharding.ranges: bounds are for the strategy range alone");
  for (auto const& t : s.tables)
    for (auto const& name : {t.name, t.slot, t.key, t.by})
      if (!std::ranges::all_of(name, [](char c) { return is_name({&c, 1}) || (c >= 'A' && c <= 'Z'); }))
        refuse(fmt::format("sharding.tables: '{}' is no name of a table or column", name));
  if (s.max_age < s.refresh) refuse("sharding.max_age is shorter than sharding.refresh");
}

void check_keys(settings const& s, tables const& all) {
  if (s.strategy != strategy::range) return;
  for (auto const& t : all) {
    if (!t.by_column) continue;
    auto const keys = keys_of(*t.by_column);
    if (keys == s.range_keys) continue;
    auto const column = fmt::format("{}.{}, the key of its model, is {}", t.name, t.by, db::word_for(*t.by_column));
    if (!keys)
      refuse(
          fmt::format("sharding.strategy is range, but {}: only text, integers, times and UUIDs have ranges. Shard "
                      "the table by another column.",
                      column));
    refuse(
        fmt::format("sharding.range_keys is {}, but {}: no row would lie in the range that the bounds mean. Set "
                    "sharding.range_keys to {}, and write the bounds in sharding.ranges as {}, or their octets "
                    "after 0x.",
                    words_of(s.range_keys).setting, column, words_of(*keys).setting, words_of(*keys).bounds));
  }
}

}  // namespace slipway::sharding
