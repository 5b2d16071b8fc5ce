// Statements that add rows.
#include <slipway/db/foreign_keys.hpp>
#include <slipway/db/row_values.hpp>
#include <slipway/db/sql_writer.hpp>
#include <slipway/db/without_returning.hpp>

#include <algorithm>

namespace slipway::db::detail {
namespace {

void add_values(core& shared, values& to, table_info const& info, void* row, bool without_key) {
  auto const members = info.row->members;
  if (info.encrypted == 0) [[likely]] {
    for (std::size_t i = 0; i < members.size(); ++i)
      if (!without_key || i != info.key) to.push_back(value::of(*members[i].of, members[i].at(row)));
    return;
  }
  for (std::uint8_t i = 0; i < static_cast<std::uint8_t>(members.size()); ++i)
    if (!without_key || i != info.key) to.push_back(column_value(shared, info, row, i));
}

void insert_into(sql_writer& out, table_info const& info, bool without_key, std::size_t rows) {
  out.text = "insert into ";
  out.name(info.name);
  out.text += " (";
  auto const members = static_cast<std::uint8_t>(info.row->members.size());
  bool first = true;
  for (std::uint8_t i = 0; i < members; ++i)
    if (!without_key || i != info.key) out.text += (std::exchange(first, false) ? "" : ", ") + out.column(info, i);
  out.text += ") values ";
  for (std::size_t r = 0; r < rows; ++r) {
    out.text += r == 0 ? "(" : ", (";
    first = true;
    for (std::uint8_t i = 0; i < members; ++i)
      if (!without_key || i != info.key)
        out.text += (std::exchange(first, false) ? "" : ", ") + out.placeholder(info, i);
    out.text += ')';
  }
}

// MySQL's ON DUPLICATE KEY UPDATE fires for whatever unique key is hit. So a row is only overwritten when it is the
// one with the same values in `columns`, and else left as it is: the caller finds out which. IGNORE would let through
// more than duplicates: what is too long or missing would be cut or made up.
void add_on_duplicate(sql_writer& out, table_info const& info, on_conflict conflict, std::string_view columns) {
  if (conflict == on_conflict::fail) return;
  out.text += " on duplicate key update ";
  std::string same;
  for (auto const c : columns) {
    auto const column = out.column(info, static_cast<std::uint8_t>(c));
    same += (same.empty() ? "" : " and ") + column + " = values(" + column + ")";
  }
  bool first = true;
  for (std::uint8_t i = 0; i < static_cast<std::uint8_t>(info.row->members.size()) && conflict == on_conflict::replace;
       ++i) {
    if (i == info.key || i == info.created_at || columns.find(static_cast<char>(i)) != std::string_view::npos) continue;
    auto const column = out.column(info, i);
    out.text += (std::exchange(first, false) ? "" : ", ") + column + " = if(" + same + ", ";
    out.text += i == info.version ? column + " + 1" : "values(" + column + ")";
    out.text += ", " + column + ")";
  }
  auto const any = out.column(info, info.key != no_column ? info.key : 0);
  if (first) out.text += any + " = " + any;
}

void add_on_conflict(sql_writer& out, table_info const& info, on_conflict conflict, std::string_view columns) {
  if (out.kind == dialect::mysql) return add_on_duplicate(out, info, conflict, columns);
  if (conflict == on_conflict::ignore) out.text += " on conflict do nothing";
  if (conflict != on_conflict::replace) return;
  out.text += " on conflict (";
  for (std::size_t i = 0; i < columns.size(); ++i)
    out.text += (i == 0 ? "" : ", ") + out.column(info, static_cast<std::uint8_t>(columns[i]));
  out.text += ") do update set ";
  bool first = true;
  for (std::uint8_t i = 0; i < static_cast<std::uint8_t>(info.row->members.size()); ++i) {
    if (i == info.key || i == info.created_at || columns.find(static_cast<char>(i)) != std::string_view::npos) continue;
    auto const column = out.column(info, i);
    if (!std::exchange(first, false)) out.text += ", ";
    out.text += column + " = ";
    if (i == info.version)
      out.text += out.column(source_info{&info, {}}, i) + " + 1";
    else
      out.text += "excluded." + column;
  }
  if (first) {
    auto const column = out.column(info, static_cast<std::uint8_t>(columns[0]));
    out.text += column + " = excluded." + column;
  }
  out.text += " returning ";
  out.columns(info);
}

}  // namespace

task<bool> insert_row(core& shared, link& to, table_info const& info, void* row, on_conflict conflict,
                      std::string conflict_columns, std::source_location at) {
  complete_new_row(shared, info, row);
  auto const without_key = key_is_given(info, row);
  values parameters;
  parameters.reserve(info.row->members.size());
  add_values(shared, parameters, info, row, without_key);
  shape_key key{info, 20};
  key.add(static_cast<char>(conflict));
  key.add(static_cast<char>(without_key ? 1 : 0));
  key.add(conflict_columns);
  auto const returns_key = without_key && conflict != on_conflict::replace;
  auto const returning = shared.kind != dialect::mysql;
  auto text = find_or_make(shared, key, parameters, [&] {
    sql_writer out{shared.kind};
    insert_into(out, info, without_key, 1);
    add_on_conflict(out, info, conflict, conflict_columns);
    if (returns_key && returning) out.text += " returning " + out.column(info, info.key);
    return std::move(out.text);
  });
  if (!returning && conflict == on_conflict::replace) {
    if (!co_await upsert_and_read(shared, to, info, row, conflict_columns, *text.what, parameters, without_key, at))
      co_await insert_row(shared, to, info, row, on_conflict::fail, {},
                          at);  // another key stands against it: says which
    co_return true;
  }
  rows done;
  std::exception_ptr refused;
  try {
    done = co_await run{shared, to, std::move(text), parameters, at};
  } catch (constraint_error const& e) {
    if (!is_unnamed_foreign_key(e)) throw;
    refused = std::current_exception();
  }
  if (refused) co_await name_foreign_key(shared, to, info, row, std::move(refused));
  if (conflict == on_conflict::replace)
    read_row(shared, info, row, done, 0);
  else if (returns_key && !returning && done.affected() > 0)
    write_key(info, row, done.inserted(0));
  else if (returns_key && !done.empty())
    read_cell(*info.row->members[info.key].of, member_of(info, row, info.key), done.at(0, 0), info.column(info.key));
  co_return done.affected() > 0;
}

task<> insert_rows(core& shared, link& to, table_info const& info, std::size_t count,
                   void* (*row_at)(void*, std::size_t), void* list, std::source_location at) {
  // Far below the engines' limits of parameters (32,766 and 65,535), and enough to make the round trip cheap.
  auto const at_once = std::max<std::size_t>(1, 8192 / info.row->members.size());
  for (std::size_t begin = 0; begin < count;) {
    complete_new_row(shared, info, row_at(list, begin));
    auto const without_key = key_is_given(info, row_at(list, begin));
    auto end = begin;
    values parameters;
    for (; end < count && end - begin < at_once; ++end) {
      auto* row = row_at(list, end);
      complete_new_row(shared, info, row);
      if (key_is_given(info, row) != without_key) break;
      add_values(shared, parameters, info, row, without_key);
    }
    // A text of its own for each number of rows: not worth preparing.
    sql_writer out{shared.kind};
    insert_into(out, info, without_key, end - begin);
    auto const returning = shared.kind != dialect::mysql;
    if (without_key && returning) out.text += " returning " + out.column(info, info.key);
    auto made = statement_ref::unkept(make_statement(std::move(out.text), parameters));
    auto const done = co_await run{shared, to, std::move(made), parameters, at, end - begin};
    for (std::size_t i = 0; without_key && !returning && i < end - begin; ++i)
      write_key(info, row_at(list, begin + i), done.inserted(i));
    for (std::size_t i = 0; without_key && i < done.size(); ++i)
      read_cell(*info.row->members[info.key].of, member_of(info, row_at(list, begin + i), info.key), done.at(i, 0),
                info.column(info.key));
    begin = end;
  }
}

}  // namespace slipway::db::detail
