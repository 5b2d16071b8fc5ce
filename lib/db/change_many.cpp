// Many rows changed by their keys in one statement.
#include <slipway/db/errors.hpp>
#include <slipway/db/postgres_array.hpp>
#include <slipway/db/row_values.hpp>
#include <slipway/db/sql_writer.hpp>

#include <algorithm>

namespace slipway::db::detail {
namespace {

// Rows of one statement where each value is a parameter of its own: far below the engines' limits, and enough to
// make the round trip cheap. Arrays take more.
std::size_t rows_at_once(dialect kind, std::size_t columns) noexcept {
  return kind == dialect::postgres ? 10'000 : std::max<std::size_t>(1, 8192 / columns);
}

// What a row brings with it: its key, its version, and what is set.
std::string columns_of(table_info const& info, std::string_view sets) {
  std::string out{static_cast<char>(info.key)};
  if (info.version != no_column) out.push_back(static_cast<char>(info.version));
  return out.append(sets);
}

std::uint8_t index_of(char column) noexcept { return static_cast<std::uint8_t>(column); }

// How its values come. Those without a binary form of ours come as text.
value_kind kind_of_column(table_info const& info, char column) noexcept {
  if ((info.encrypted >> index_of(column) & 1) != 0) return value_kind::bytes;
  return kind_of(*info.row->members[index_of(column)].of);
}

// The i-th thing that a row brings, as its column wants it.
std::string brought(sql_writer const& out, table_info const& info, std::size_t i, char column) {
  auto name = "v.c" + std::to_string(i);
  if ((info.arrays >> index_of(column) & 1) != 0)
    return words::json_as_array(out.kind, name, words::array_type(*info.row->members[index_of(column)].of->element));
  if (out.kind != dialect::postgres) return name;
  switch (kind_of_column(info, column)) {
    case value_kind::decimal: return name + "::numeric";
    case value_kind::date: return name + "::date";
    default: return name;
  }
}

// The names of what is brought: c0 is the key.
std::string brought_names(std::size_t count) {
  std::string out = " (";
  for (std::size_t i = 0; i < count; ++i) out += (i == 0 ? "c" : ", c") + std::to_string(i);
  return out + ")";
}

// " set ...". MySQL wants to hear whose column it is; the others do not want to.
void add_sets(sql_writer& out, table_info const& info, std::string_view sets, std::size_t first) {
  auto const whose = std::string{out.kind == dialect::mysql ? "t." : ""};
  out.text += " set ";
  for (std::size_t i = 0; i < sets.size(); ++i)
    out.text += (i == 0 ? "" : ", ") + whose + out.column(info, index_of(sets[i])) + " = " +
                brought(out, info, first + i, sets[i]);
  if (info.updated_at != no_column)
    out.text += ", " + whose + out.column(info, info.updated_at) + " = " + out.placeholder();
  if (info.version != no_column) {
    auto const version = out.column(info, info.version);
    out.text += ", " + whose + version + " = t." + version + " + 1";
  }
}

// Which row belongs to which.
std::string match(sql_writer const& out, table_info const& info) {
  auto const equal = [&](std::size_t i, std::uint8_t column) {
    return "t." + out.column(info, column) + " = " + brought(out, info, i, static_cast<char>(column));
  };
  auto text = equal(0, info.key);
  if (info.version != no_column) text += " and " + equal(1, info.version);
  if (info.deleted_at != no_column) text += " and t." + out.column(info, info.deleted_at) + " is null";
  return text;
}

void add_update(sql_writer& out, table_info const& info) {
  out.text += "update ";
  out.name(info.name);
  out.text += " as t";
}

// An array for each column: one text for every number of rows.
std::string text_of_arrays(table_info const& info, std::string_view sets, std::string_view columns) {
  sql_writer lists{dialect::postgres}, out{dialect::postgres};
  for (auto const column : columns) {
    lists.text += (lists.text.empty() ? "" : ", ") + lists.placeholder();
    lists.text += "::";
    lists.text += cast_of(kind_of_column(info, column));
  }
  out.parameters = lists.parameters;
  add_update(out, info);
  add_sets(out, info, sets, columns.size() - sets.size());
  out.text += " from unnest(" + lists.text + ") as v" + brought_names(columns.size()) + " where " + match(out, info);
  return std::move(out.text);
}

// A parameter for each value.
std::string text_of_values(table_info const& info, std::string_view sets, std::string_view columns, std::size_t rows) {
  sql_writer out{dialect::sqlite};
  out.text = "with v" + brought_names(columns.size()) + " as (values ";
  for (std::size_t r = 0; r < rows; ++r) {
    out.text += r == 0 ? "(" : ", (";
    for (std::size_t c = 0; c < columns.size(); ++c) out.text += (c == 0 ? "" : ", ") + out.placeholder();
    out.text += ')';
  }
  out.text += ") ";
  add_update(out, info);
  add_sets(out, info, sets, columns.size() - sets.size());
  out.text += " from v where " + match(out, info);
  return std::move(out.text);
}

// The same for MySQL and MariaDB, which join instead.
std::string text_of_join(table_info const& info, std::string_view sets, std::string_view columns, std::size_t rows) {
  sql_writer out{dialect::mysql};
  add_update(out, info);
  out.text += " join (";
  for (std::size_t r = 0; r < rows; ++r) {
    out.text += r == 0 ? "select " : " union all select ";
    for (std::size_t c = 0; c < columns.size(); ++c)
      out.text += (c == 0 ? "" : ", ") + out.placeholder() + (r == 0 ? " as c" + std::to_string(c) : "");
  }
  out.text += ") as v on " + match(out, info);
  add_sets(out, info, sets, columns.size() - sets.size());
  return std::move(out.text);
}

struct list_of_rows {
  void* (*row_at)(void*, std::size_t);
  void* list;
  std::size_t begin, end;
};

values in_arrays(core& shared, table_info const& info, std::string_view columns, list_of_rows const& rows) {
  values out;
  for (auto const column : columns) {
    pg_array all{kind_of_column(info, column), rows.end - rows.begin};
    for (auto i = rows.begin; i < rows.end; ++i)
      all.add(column_value(shared, info, rows.row_at(rows.list, i), index_of(column)));
    out.push_back(all.take());
  }
  return out;
}

values one_by_one(core& shared, table_info const& info, std::string_view columns, list_of_rows const& rows) {
  values out;
  out.reserve((rows.end - rows.begin) * columns.size() + 1);
  for (auto i = rows.begin; i < rows.end; ++i)
    for (auto const column : columns)
      out.push_back(column_value(shared, info, rows.row_at(rows.list, i), index_of(column)));
  return out;
}

statement_ref statement_of(core& shared, table_info const& info, std::string_view sets, std::string_view columns,
                           std::size_t rows, values const& parameters) {
  if (shared.kind != dialect::postgres) {  // a text of its own for each number of rows: not worth preparing
    auto text = shared.kind == dialect::mysql ? text_of_join(info, sets, columns, rows)
                                              : text_of_values(info, sets, columns, rows);
    return statement_ref::unkept(make_statement(std::move(text), parameters));
  }
  auto& cache = shared.statements.local();
  shape_key key{info, 30};
  key.add(sets);
  if (auto const* found = cache.find(key.view())) return {found, nullptr};
  return cache.keep(key.view(), make_statement(text_of_arrays(info, sets, columns), parameters));
}

}  // namespace

std::string columns_to_update(table_info const& info) {
  std::string out;
  for (std::size_t i = 0; i < info.row->members.size(); ++i)
    if (i != info.key && i != info.created_at && i != info.updated_at && i != info.version && i != info.deleted_at)
      out.push_back(static_cast<char>(i));
  return out;
}

bool fits_one_statement(core& shared, table_info const& info, std::size_t rows) noexcept {
  return rows <= rows_at_once(shared.kind, info.row->members.size() + 2);
}

task<std::int64_t> update_rows(core& shared, link& to, table_info const& info, std::string sets, std::size_t count,
                               void* (*row_at)(void*, std::size_t), void* list, std::source_location at) {
  if (info.key == no_column)
    throw error{"rows of " + std::string{info.name} + " cannot be updated: the table has no primary key"};
  if (sets.empty()) throw error{"an update of " + std::string{info.name} + " sets nothing"};
  auto const columns = columns_of(info, sets);
  auto const at_once = rows_at_once(shared.kind, info.row->members.size() + 2);
  std::int64_t changed = 0;
  for (std::size_t begin = 0; begin < count; begin += at_once) {
    list_of_rows const rows{row_at, list, begin, std::min(count, begin + at_once)};
    auto parameters = shared.kind == dialect::postgres ? in_arrays(shared, info, columns, rows)
                                                       : one_by_one(shared, info, columns, rows);
    if (info.updated_at != no_column) parameters.push_back(shared.clock.now());
    auto text = statement_of(shared, info, sets, columns, rows.end - begin, parameters);
    auto const done = co_await run{shared, to, std::move(text), parameters, at, rows.end - begin};
    changed += done.affected();
  }
  co_return changed;
}

}  // namespace slipway::db::detail
