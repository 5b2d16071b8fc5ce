// One row and its relations: side by side where the query says the keys that they begin at, as that for `id == 7` does.
#include <slipway/core/all.hpp>
#include <slipway/db/row_values.hpp>

namespace slipway::db::detail {
namespace {

task<rows> rows_of(select_state& query) { co_return co_await query.fetch(select_state::wanted::rows); }

// What the query says of a column: that it equals this. Null, where it says nothing, or not as plainly.
value const* said_of(select_state const& query, std::uint8_t column) noexcept {
  value const* found = nullptr;
  std::size_t next_value = 0;
  for (std::size_t i = 0; i < query.where.code.size(); ++i) {
    auto const code = static_cast<operation_code>(query.where.code[i]);
    if (code == operation_code::conjunction) continue;
    if (code != operation_code::equal) return nullptr;
    if (static_cast<std::uint8_t>(query.where.code[++i]) == column) found = &query.where.values[next_value];
    ++next_value;
  }
  return found;
}

// Of other kinds, what is equal may differ: texts by their collation.
bool write_number_or_id(table_info const& info, void* row, std::uint8_t column, value const& from) {
  auto const& member = *info.row->members[column].of;
  auto const& type = member.what == meta::kind::optional ? *member.element : member;
  cell key;
  key.kind = from.kind();
  if (key.kind == value_kind::uuid && type.what == meta::kind::uuid)
    key.uuid = from.id().bytes.data();
  else if (key.kind == value_kind::integer && type.what == meta::kind::integer && meta::fits(type, from.integer()))
    key.integer = from.integer();
  else
    return false;
  read_cell(member, member_of(info, row, column), key, info.column(column));
  return true;
}

// Gives the row the keys that its relations begin at. False: the query does not say them all, so it has to be read first.
bool knows_keys(select_state const& query, void* row) {
  if (query.parts || !query.shared.questions_travel_together()) return false;
  for (auto const& step : *query.loads) {
    auto const column = step.what->local;
    auto const* said = step.what->what != relation_kind::belongs_to_any ? said_of(query, column) : nullptr;
    if (said == nullptr || said->is_null()) return false;
    if (!write_number_or_id(query.info, row, column, *said)) return false;
  }
  return true;
}

}  // namespace

task<bool> fetch_with_related(select_state& query, void* row) {
  if (knows_keys(query, row)) {
    auto const [found, nothing] = co_await all(
        rows_of(query), load_related(query.shared, query.to, query.info, row, 0, 1, *query.loads, query.at));
    if (found.empty()) co_return false;
    read_row(query.shared, query.info, row, found, 0);
    co_return true;
  }
  auto const found = co_await query.fetch(select_state::wanted::rows);
  if (found.empty()) co_return false;
  read_row(query.shared, query.info, row, found, 0);
  co_await load_related(query.shared, query.to, query.info, row, 0, 1, *query.loads, query.at);
  co_return true;
}

}  // namespace slipway::db::detail
