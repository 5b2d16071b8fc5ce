// Statements that change or remove rows.
#include <slipway/db/foreign_keys.hpp>
#include <slipway/db/row_values.hpp>
#include <slipway/db/sql_writer.hpp>
#include <slipway/db/without_returning.hpp>

namespace slipway::db::detail {
namespace {

// updated_at and version change with every change of a row.
void add_bookkeeping(sql_writer& out, table_info const& info, std::string_view sets) {
  if (info.updated_at != no_column && sets.find(static_cast<char>(info.updated_at)) == std::string_view::npos)
    out.text += ", " + out.column(info, info.updated_at) + " = " + out.placeholder();
  if (info.version != no_column && sets.find(static_cast<char>(info.version)) == std::string_view::npos)
    out.text += ", " + out.column(info, info.version) + " = " + out.column(info, info.version) + " + 1";
}

std::string change_text(change_state const& s, change_state::kind what, bool returning) {
  sql_writer out{s.shared.kind};
  auto deleted = s.deleted;
  if (what == change_state::kind::purge) {
    out.text = "delete from ";
    out.name(s.info.name);
    if (deleted == deleted_rows::without) deleted = deleted_rows::with;
  } else {
    out.text = "update ";
    out.name(s.info.name);
    out.text += " set ";
    for (std::size_t i = 0; i < s.sets.size(); ++i) {
      auto const index = static_cast<std::uint8_t>(s.sets[i]);
      out.text += (i == 0 ? "" : ", ") + out.column(s.info, index) + " = " + out.placeholder(s.info, index);
    }
    add_bookkeeping(out, s.info, s.sets);
    if (what == change_state::kind::restore) deleted = deleted_rows::only;
    if (what == change_state::kind::soft_remove) deleted = deleted_rows::without;
  }
  out.where(s.info, s.where.code, deleted);
  if (returning) {
    out.text += " returning ";
    out.columns(s.info);
  }
  return std::move(out.text);
}

void add_equal(core& shared, table_info const& info, void* row, untyped_condition& to, std::uint8_t column) {
  untyped_condition one;
  one.add(operation_code::equal, column);
  one.values.push_back(column_value(shared, info, row, column));
  to.join(std::move(one), operation_code::conjunction);
}

}  // namespace

void change_state::set(std::uint8_t column, value v) {
  if ((info.encrypted >> column & 1) != 0) v = sealed(shared, info, column, v);
  put(column, std::move(v));
}

void change_state::put(std::uint8_t column, value v) {
  auto const found = sets.find(static_cast<char>(column));
  if (found != std::string::npos) {
    new_values[found] = std::move(v);
    return;
  }
  sets.push_back(static_cast<char>(column));
  new_values.push_back(std::move(v));
}

run change_state::apply(kind what, bool returning) {
  auto const now = shared.clock.now();
  if (what == kind::soft_remove) set(info.deleted_at, now);
  if (what == kind::restore) set(info.deleted_at, value::null(value_kind::time));
  if (what != kind::purge && sets.empty()) throw error{"an update of " + std::string{info.name} + " sets nothing"};
  parameters_ = std::move(new_values);
  if (what != kind::purge && info.updated_at != no_column &&
      sets.find(static_cast<char>(info.updated_at)) == std::string::npos)
    parameters_.push_back(now);
  for (auto& v : where.values) parameters_.push_back(std::move(v));

  shape_key key{info, static_cast<char>(what)};
  key.add(static_cast<char>(static_cast<int>(deleted) | (returning ? 4 : 0)));
  key.add(static_cast<char>(sets.size()));
  key.add(sets);
  key.add(where.code);
  auto text = find_or_make(shared, key, parameters_, [&] { return change_text(*this, what, returning); });
  return run{shared, to, std::move(text), parameters_, at};
}

task<std::int64_t> change_rows(change_ptr change, change_state::kind what) {
  auto const changed = co_await change->apply(what, false);
  co_return changed.affected();
}

task<std::vector<rows>> change_and_read(change_ptr change, change_state::kind what) {
  if (change->shared.kind == dialect::mysql) co_return co_await change_in_steps(*change, what);
  std::vector<rows> out;
  out.push_back(co_await change->apply(what, true));
  co_return out;
}

task<result<void>> update_row(core& shared, link& to, table_info const& info, void* row,
                              untyped_condition const& provided, std::source_location at) {
  if (info.key == no_column)
    throw error{"rows of " + std::string{info.name} + " cannot be updated: the table has no primary key"};
  change_state change{shared, to, info};
  change.at = at;
  auto const members = info.row->members;
  for (std::uint8_t i = 0; i < static_cast<std::uint8_t>(members.size()); ++i)
    if (i != info.key && i != info.created_at && i != info.updated_at && i != info.version && i != info.deleted_at)
      change.put(i, column_value(shared, info, row, i));
  add_equal(shared, info, row, change.where, info.key);
  if (info.version != no_column) add_equal(shared, info, row, change.where, info.version);
  if (!provided.code.empty()) change.where.join(untyped_condition{provided}, operation_code::conjunction);
  if (shared.kind == dialect::mysql) {
    untyped_condition by_key;
    add_equal(shared, info, row, by_key, info.key);
    if (co_await update_and_read(change, std::move(by_key), row)) co_return result<void>{};
    co_return co_await why_not_changed(shared, to, info, row, deleted_rows::without, provided, at);
  }
  rows changed;
  std::exception_ptr refused;
  try {
    changed = co_await change.apply(change_state::kind::update, true);
  } catch (constraint_error const& e) {
    if (!is_unnamed_foreign_key(e)) throw;
    refused = std::current_exception();
  }
  if (refused) co_await name_foreign_key(shared, to, info, row, std::move(refused));
  if (!changed.empty()) {
    read_row(shared, info, row, changed, 0);
    co_return result<void>{};
  }
  co_return co_await why_not_changed(shared, to, info, row, deleted_rows::without, provided, at);
}

task<result<void>> remove_row(core& shared, link& to, table_info const& info, void* row, change_state::kind what,
                              std::source_location at) {
  if (info.key == no_column)
    throw error{"rows of " + std::string{info.name} + " cannot be removed one by one: the table has no primary key"};
  change_state change{shared, to, info};
  change.at = at;
  auto const seen = what == change_state::kind::purge ? deleted_rows::with : deleted_rows::without;
  add_equal(shared, info, row, change.where, info.key);
  if (info.version != no_column) add_equal(shared, info, row, change.where, info.version);
  if (shared.kind == dialect::mysql) {
    auto const parts = co_await change_in_steps(change, what);
    if (parts.empty()) co_return co_await why_not_changed(shared, to, info, row, seen, {}, at);
    read_row(shared, info, row, parts.front(), 0);
    co_return result<void>{};
  }
  auto const changed = co_await change.apply(what, true);
  if (changed.empty()) co_return co_await why_not_changed(shared, to, info, row, seen, {}, at);
  read_row(shared, info, row, changed, 0);
  co_return result<void>{};
}

task<result<void>> why_not_changed(core& shared, link& to, table_info const& info, void* row, deleted_rows deleted,
                                   untyped_condition const& provided, std::source_location at) {
  if (info.version == no_column) co_return fault::not_found();
  select_state there{shared, to, info};
  there.at = at;
  there.deleted = deleted;
  add_equal(shared, info, row, there.where, info.key);
  if (!provided.code.empty()) there.where.join(untyped_condition{provided}, operation_code::conjunction);
  auto const still = co_await there.fetch(select_state::wanted::exists);
  if (still.empty()) co_return fault::not_found();
  co_return fault::precondition_failed("version_conflict");
}

}  // namespace slipway::db::detail
