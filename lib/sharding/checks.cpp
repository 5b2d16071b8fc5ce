// Settings that contradict each other, or the models.
#include <slipway/sharding/cluster_parts.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/db/value_words.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace slipway::sharding {
namespace {

// Its first word is the setting's name.
[[noreturn]] void refuse(std::string const& what) {
  throw setting_error{what.substr(0, what.find_first_of(": ")), what};
}

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

namespace {

// `may_be`: what keys in this column are; none: nothing that has ranges.
void check_kind(settings const& s, std::vector<key_kind> const& may_be, std::string const& column) {
  if (std::ranges::find(may_be, s.range_keys) != may_be.end()) return;
  if (may_be.empty())
    refuse(
        fmt::format("sharding.strategy is range, but {}: only text, integers, times and UUIDs have ranges. Shard "
                    "the table by another column.",
                    column));
  auto const fits = words_of(may_be.front());
  refuse(
      fmt::format("sharding.range_keys is {}, but {}: no row would lie in the range that the bounds mean. Set "
                  "sharding.range_keys to {}, and write the bounds in sharding.ranges as {}, or their octets "
                  "after 0x.",
                  words_of(s.range_keys).setting, column, fits.setting, fits.bounds));
}

bool is_one_of(std::string_view type, std::initializer_list<std::string_view> names) noexcept {
  return std::ranges::find(names, type) != names.end();
}

// Of types for which there is a sharding_octets, as the node's schema makes them.
std::vector<key_kind> keys_in_postgres(std::string_view type) {
  if (is_one_of(type, {"text", "varchar", "bpchar", "citext"})) return {key_kind::text};
  if (is_one_of(type, {"int2", "int4", "int8", "bool", "timestamptz"})) return {key_kind::number};
  if (type == "uuid") return {key_kind::id};
  return {};
}

// By SQLite's rules of affinity (https://sqlite.org/datatype3.html, 3.1). Nothing: a declared type that says nothing
// about what is stored.
std::optional<std::vector<key_kind>> keys_in_sqlite(std::string_view type) {
  auto const has = [type](std::string_view word) { return type.find(word) != type.npos; };
  if (has("int")) return std::vector{key_kind::number};
  if (has("char") || has("clob") || has("text")) return std::vector{key_kind::text};
  if (has("blob")) return std::vector{key_kind::id, key_kind::text};  // octets
  if (has("real") || has("floa") || has("double")) return std::vector<key_kind>{};
  return std::nullopt;
}

constexpr char const* postgres_columns =
    "select a.attname::text, coalesce(b.typname, t.typname)::text from pg_attribute a join pg_type t on t.oid = "
    "a.atttypid left join pg_type b on b.oid = t.typbasetype where a.attrelid = to_regclass(quote_ident($1)) and "
    "a.attnum > 0 and not a.attisdropped";
constexpr char const* sqlite_columns = "select name, lower(type) from pragma_table_xinfo($1)";

}  // namespace

void check_keys(settings const& s, tables const& all) {
  if (s.strategy != strategy::range) return;
  for (auto const& t : all) {
    if (!t.by_column) continue;
    auto const keys = keys_of(*t.by_column);
    check_kind(s, keys ? std::vector{*keys} : std::vector<key_kind>{},
               fmt::format("{}.{}, the key of its model, is {}", t.name, t.by, db::word_for(*t.by_column)));
  }
}

task<> check_columns(db::session& node, settings s, tables all) {
  if (s.strategy != strategy::range) co_return;
  auto const is_sqlite = node.dialect() == db::dialect::sqlite;
  for (auto const& t : all) {
    if (t.by_column || t.by.empty()) continue;
    auto const columns = co_await node.query(is_sqlite ? sqlite_columns : postgres_columns, {t.name});
    if (columns.empty()) continue;
    std::optional<std::string> type;
    for (auto const& row : columns)
      if (row.get<std::string>(0) == t.by) type = row.get<std::string>(1);
    if (!type)
      refuse(
          fmt::format("sharding.tables: the table {0} has no column {1}, by which it would be sharded (by: {1}). "
                      "Name the column with the key that decides the slot.",
                      t.name, t.by));
    auto const keys = is_sqlite ? keys_in_sqlite(*type) : keys_in_postgres(*type);
    if (keys)
      check_kind(
          s, *keys,
          fmt::format("{}.{}, by which sharding.tables shards the table, is of the type {}", t.name, t.by, *type));
  }
}

}  // namespace slipway::sharding
