#include <slipway/migrations/column_types.hpp>
#include <slipway/migrations/differences.hpp>
#include <slipway/migrations/indexes.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace slipway::migrations {
namespace {

using kind = difference::kind;

constexpr std::array<std::string_view, 4> of_the_chassis{"schema_*", "sharding_*", "document_*", "documents_*"};

bool is_named(std::string_view name, std::string_view pattern) noexcept {
  return pattern.ends_with('*') ? name.starts_with(pattern.substr(0, pattern.size() - 1)) : name == pattern;
}

class comparison {
 public:
  comparison(schema_state const& there, std::span<std::string const> unmanaged)
      : there_{there}, unmanaged_{unmanaged} {}

  void table(db::model const& m) {
    std::string const name{m.table->name};
    auto const* const state = there_.find(name);
    if (state == nullptr) return add({.what = kind::missing_table, .table = name, .model = &m});
    auto const& members = m.table->row->members;
    for (std::uint8_t i = 0; i < members.size(); ++i) column(m, i, *state);
    for (auto const& c : state->columns)
      if (m.table->row->find(c.name) == nullptr && !c.generated && !is_unmanaged(name + "." + c.name))
        add({.what = kind::unknown_column,
             .table = name,
             .column = c.name,
             .model = &m,
             .there = c.type,
             .blocks_inserts = !c.nullable && !c.has_default,
             .was_nullable = c.nullable});
    for (auto const& rule : m.table->indexes())
      if (!is_kept(*m.table, rule, *state) && !is_unmanaged(name + "." + index_name(*m.table, rule)))
        add({.what = kind::missing_index, .table = name, .model = &m, .index = &rule});
  }

  void unknown(db::models const& models) {
    for (auto const& t : there_.tables) {
      auto const has_model = std::ranges::any_of(models, [&](db::model const& m) { return m.table->name == t.name; });
      auto const is_ours = std::ranges::any_of(of_the_chassis, [&](auto p) { return is_named(t.name, p); });
      if (t.is_current && !has_model && !is_ours && !is_unmanaged(t.name))
        add({.what = kind::unknown_table, .table = t.name});
    }
  }

  std::vector<difference> take() { return std::move(found_); }

 private:
  void column(db::model const& m, std::uint8_t member, table_state const& state) {
    std::string const name{m.table->column(member)};
    difference d{.table = state.name, .column = name, .model = &m, .member = member};
    auto const* const there = state.find(name);
    auto const is_optional = migrations::is_optional(*m.table, member);
    if (there == nullptr) return add(d, kind::missing_column);
    d.there = there->type;
    d.was_nullable = there->nullable;
    auto const wanted = wanted_type(*m.table, member);
    if (!can_hold(there->type, wanted, there_.dialect)) {
      auto changed = d;
      changed.wanted = sql_type(wanted, there_.dialect, is_in_a_key(*m.table, member));
      changed.loses = !widens(there->type, wanted, there_.dialect);
      add(std::move(changed), kind::other_type);
    }
    if (there->generated) return;
    if (is_optional && !there->nullable) add(d, kind::must_be_nullable);
    if (!is_optional && there->nullable) add(d, kind::must_not_be_null);
  }

  void add(difference d, kind what) {
    d.what = what;
    add(std::move(d));
  }
  void add(difference d) { found_.push_back(std::move(d)); }
  bool is_unmanaged(std::string_view name) const noexcept {
    return std::ranges::any_of(unmanaged_, [name](std::string const& pattern) { return is_named(name, pattern); });
  }

  schema_state const& there_;
  std::span<std::string const> unmanaged_;
  std::vector<difference> found_;
};

std::string describe_index(difference const& d) {
  auto const& table = *d.model->table;
  auto const is_unique = d.index->unique;
  auto out = fmt::format("{} ({})", d.table, columns_of(table, *d.index));
  if (d.index->where)
    out += fmt::format(" where {} is {}null", table.column(*d.index->where), d.index->where_null ? "" : "not ");
  out += is_unique ? ": the model says that it is unique, the database does not"
                   : ": the model has an index, the database does not";
  if (d.duplicates > 0)
    out += fmt::format("; {} values are there more than once, settle them first: {}", d.duplicates,
                       duplicates_query(table, *d.index));
  return out;
}

}  // namespace

std::string describe(difference const& d) {
  auto const name = d.column.empty() ? d.table : d.table + "." + d.column;
  switch (d.what) {
    case kind::missing_table: return name + ": there is a model and no table";
    case kind::unknown_table: return name + ": there is a table and no model";
    case kind::missing_column: return name + ": the model has it, the database does not";
    case kind::unknown_column:
      return fmt::format("{}: the database has it ({}), the model does not{}", name, d.there,
                         d.blocks_inserts ? "; no row can be inserted without it" : "");
    case kind::other_type:
      return fmt::format("{}: the column is {}, which cannot hold what the model says: {}{}", name, d.there, d.wanted,
                         d.loses ? "; what is stored may not fit it" : "");
    case kind::must_be_nullable: return name + ": the model's member is optional, the column is NOT NULL";
    case kind::must_not_be_null: return name + ": the column may be null, the model's member may not";
    case kind::missing_index: return describe_index(d);
  }
  return name;
}

std::vector<difference> compare(db::models const& models, schema_state const& there,
                                std::span<std::string const> unmanaged) {
  comparison all{there, unmanaged};
  for (auto const& m : models) all.table(m);
  all.unknown(models);
  return all.take();
}

task<> count_duplicates(db::session& in, schema_state const& there, std::vector<difference>& found) {
  for (auto& d : found) {
    if (d.what != kind::missing_index || !d.index->unique) continue;
    auto const* const state = there.find(d.table);
    auto const is_there = [&](std::uint8_t column) { return state->find(d.model->table->column(column)) != nullptr; };
    if (state == nullptr || !std::ranges::all_of(d.index->columns(), is_there)) continue;
    if (d.index->where && !is_there(*d.index->where)) continue;
    auto const counted = co_await in.query_unkept(fmt::format(
        "SELECT count(*) FROM ({}) AS twice", duplicates_query(*d.model->table, *d.index, "count(*) AS times")));
    d.duplicates = counted[0].get<std::int64_t>(0);
  }
}

bool may_hold_renames(std::span<difference const> found) {
  auto const has = [&](kind what, std::string const* table) {
    return std::ranges::any_of(
        found, [&](difference const& d) { return d.what == what && (table == nullptr || d.table == *table); });
  };
  if (has(kind::missing_table, nullptr) && has(kind::unknown_table, nullptr)) return true;
  return std::ranges::any_of(found, [&](difference const& d) {
    return d.what == kind::missing_column && has(kind::unknown_column, &d.table);
  });
}

}  // namespace slipway::migrations
