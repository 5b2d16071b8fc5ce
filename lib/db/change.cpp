// Statements that change rows.
#include <slipway/db/without_returning.hpp>

#include <algorithm>
#include <cstring>

namespace slipway::db::detail {
namespace {

void* member_of(table_info const& info, void* row, std::uint8_t column) noexcept {
  return info.row->members[column].at(row);
}

bool is_integer(table_info const& info, std::uint8_t column) noexcept {
  return info.row->members[column].of->what == meta::kind::integer;
}

// An integer key of zero is given by the database.
bool key_is_given(table_info const& info, void* row) noexcept {
  return info.key != no_column && is_integer(info, info.key) &&
         meta::read_integer(*info.row->members[info.key].of, member_of(info, row, info.key)) == 0;
}

void write_key(table_info const& info, void* row, std::int64_t number) {
  cell given;
  given.kind = value_kind::integer;
  given.integer = number;
  read_cell(*info.row->members[info.key].of, member_of(info, row, info.key), given, info.column(info.key));
}

// What the database layer keeps by itself: id, timestamps, version.
void complete_new_row(core& shared, table_info const& info, void* row) {
  if (info.key != no_column && info.row->members[info.key].of->what == meta::kind::uuid) {
    auto& id = *static_cast<uuid*>(member_of(info, row, info.key));
    if (id.is_nil()) id = make_uuid7(shared.clock, shared.random);
  }
  if (info.created_at != no_column) {
    auto const now = shared.clock.now();
    for (auto column : {info.created_at, info.updated_at}) {
      auto& t = *static_cast<time_point*>(member_of(info, row, column));
      if (t == time_point{}) t = now;
    }
  }
  if (info.version != no_column) {
    auto const& type = *info.row->members[info.version].of;
    auto* version = member_of(info, row, info.version);
    if (meta::read_integer(type, version) == 0) meta::write_integer(type, version, 1);
  }
}

void add_values(values& to, table_info const& info, void* row, bool without_key) {
  auto const members = info.row->members;
  for (std::size_t i = 0; i < members.size(); ++i)
    if (!without_key || i != info.key) to.push_back(value::of(*members[i].of, members[i].at(row)));
}

void insert_into(sql_writer& out, table_info const& info, bool without_key, std::size_t rows) {
  out.text = "insert into ";
  out.name(info.name);
  out.text += " (";
  bool first = true;
  for (std::size_t i = 0; i < info.row->members.size(); ++i)
    if (!without_key || i != info.key)
      out.text += (std::exchange(first, false) ? "" : ", ") + quoted(info.row->members[i].name);
  out.text += ") values ";
  auto const columns = info.row->members.size() - (without_key ? 1 : 0);
  for (std::size_t r = 0; r < rows; ++r) {
    out.text += r == 0 ? "(" : ", (";
    for (std::size_t c = 0; c < columns; ++c) out.text += (c == 0 ? "" : ", ") + out.placeholder();
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
    auto const column = quoted(info.column(static_cast<std::uint8_t>(c)));
    same += (same.empty() ? "" : " and ") + column + " = values(" + column + ")";
  }
  bool first = true;
  for (std::uint8_t i = 0; i < info.row->members.size() && conflict == on_conflict::replace; ++i) {
    if (i == info.key || i == info.created_at || columns.find(static_cast<char>(i)) != std::string_view::npos) continue;
    auto const column = quoted(info.column(i));
    out.text += (std::exchange(first, false) ? "" : ", ") + column + " = if(" + same + ", ";
    out.text += i == info.version ? column + " + 1" : "values(" + column + ")";
    out.text += ", " + column + ")";
  }
  auto const any = quoted(info.column(info.key != no_column ? info.key : 0));
  if (first) out.text += any + " = " + any;
}

void add_on_conflict(sql_writer& out, table_info const& info, on_conflict conflict, std::string_view columns) {
  if (out.kind == dialect::mysql) return add_on_duplicate(out, info, conflict, columns);
  if (conflict == on_conflict::ignore) out.text += " on conflict do nothing";
  if (conflict != on_conflict::replace) return;
  out.text += " on conflict (";
  for (std::size_t i = 0; i < columns.size(); ++i)
    out.text += (i == 0 ? "" : ", ") + quoted(info.column(static_cast<std::uint8_t>(columns[i])));
  out.text += ") do update set ";
  bool first = true;
  for (std::uint8_t i = 0; i < info.row->members.size(); ++i) {
    if (i == info.key || i == info.created_at || columns.find(static_cast<char>(i)) != std::string_view::npos) continue;
    auto const column = quoted(info.column(i));
    if (!std::exchange(first, false)) out.text += ", ";
    out.text += column + " = ";
    if (i == info.version) {
      out.name(info.name);
      out.text += "." + column + " + 1";
    } else {
      out.text += "excluded." + column;
    }
  }
  if (first)
    out.text += quoted(info.column(static_cast<std::uint8_t>(columns[0]))) + " = excluded." +
                quoted(info.column(static_cast<std::uint8_t>(columns[0])));
  out.text += " returning ";
  out.columns(info);
}

statement_ref find_or_make(core& shared, shape_key const& key, values const& parameters, auto make_text) {
  auto& cache = shared.statements.local();
  if (auto const* found = cache.find(key.view())) return {found, nullptr};
  auto made = std::make_unique<statement>();
  made->sql = make_text();
  for (auto const& v : parameters) made->signature.push_back(v.kind());
  return cache.keep(key.view(), std::move(made));
}

// updated_at and version change with every change of a row.
void add_bookkeeping(sql_writer& out, table_info const& info, std::string_view sets) {
  if (info.updated_at != no_column && sets.find(static_cast<char>(info.updated_at)) == std::string_view::npos)
    out.text += ", " + quoted(info.column(info.updated_at)) + " = " + out.placeholder();
  if (info.version != no_column && sets.find(static_cast<char>(info.version)) == std::string_view::npos)
    out.text += ", " + quoted(info.column(info.version)) + " = " + quoted(info.column(info.version)) + " + 1";
}

std::string change_text(change_state const& s, change_state::kind what, bool returning) {
  sql_writer out{s.shared.kind};
  auto deleted = s.deleted;
  if (what == change_state::kind::purge) {
    out.text = "delete from ";
    out.name(s.info.name);
    deleted = deleted_rows::with;
  } else {
    out.text = "update ";
    out.name(s.info.name);
    out.text += " set ";
    for (std::size_t i = 0; i < s.sets.size(); ++i)
      out.text += (i == 0 ? "" : ", ") + quoted(s.info.column(static_cast<std::uint8_t>(s.sets[i]))) + " = " +
                  out.placeholder();
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

}  // namespace

void change_state::set(std::uint8_t column, value v) {
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
  key.add(static_cast<char>(returning ? 1 : 0));
  key.add(static_cast<char>(deleted));
  key.add(static_cast<char>(sets.size()));
  key.add(sets);
  key.add(where.code);
  return run{shared, to, find_or_make(shared, key, parameters_, [&] { return change_text(*this, what, returning); }),
             parameters_};
}

task<std::int64_t> change_rows(change_ptr change, change_state::kind what) {
  auto const done = co_await change->apply(what, false);
  co_return done.affected();
}

task<std::vector<rows>> change_and_read(change_ptr change, change_state::kind what) {
  if (change->shared.kind == dialect::mysql) co_return co_await change_in_steps(*change, what);
  std::vector<rows> out;
  out.push_back(co_await change->apply(what, true));
  co_return out;
}

task<bool> insert_row(core& shared, link& to, table_info const& info, void* row, on_conflict conflict,
                      std::string conflict_columns) {
  complete_new_row(shared, info, row);
  auto const without_key = key_is_given(info, row);
  values parameters;
  parameters.reserve(info.row->members.size());
  add_values(parameters, info, row, without_key);
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
    if (returns_key && returning) out.text += " returning " + quoted(info.column(info.key));
    return std::move(out.text);
  });
  if (!returning && conflict == on_conflict::replace) {
    if (!co_await upsert_and_read(shared, to, info, row, conflict_columns, *text.what, parameters, without_key))
      co_await insert_row(shared, to, info, row, on_conflict::fail, {});  // another key stands against it: says which
    co_return true;
  }
  auto const done = co_await run{shared, to, std::move(text), parameters};
  if (conflict == on_conflict::replace)
    read_row(info, row, done, 0);
  else if (returns_key && !returning && done.affected() > 0)
    write_key(info, row, done.inserted(0));
  else if (returns_key && !done.empty())
    read_cell(*info.row->members[info.key].of, member_of(info, row, info.key), done.at(0, 0), info.column(info.key));
  co_return done.affected() > 0;
}

task<> insert_rows(core& shared, link& to, table_info const& info, std::size_t count,
                   void* (*row_at)(void*, std::size_t), void* list) {
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
      add_values(parameters, info, row, without_key);
    }
    // A text of its own for each number of rows: not worth preparing.
    auto made = std::make_unique<statement>();
    sql_writer out{shared.kind};
    insert_into(out, info, without_key, end - begin);
    auto const returning = shared.kind != dialect::mysql;
    if (without_key && returning) out.text += " returning " + quoted(info.column(info.key));
    made->sql = std::move(out.text);
    for (auto const& v : parameters) made->signature.push_back(v.kind());
    auto const* what = made.get();
    auto const done = co_await run{shared, to, statement_ref{what, std::move(made)}, parameters};
    for (std::size_t i = 0; without_key && !returning && i < end - begin; ++i)
      write_key(info, row_at(list, begin + i), done.inserted(i));
    for (std::size_t i = 0; without_key && i < done.size(); ++i)
      read_cell(*info.row->members[info.key].of, member_of(info, row_at(list, begin + i), info.key), done.at(i, 0),
                info.column(info.key));
    begin = end;
  }
}

task<result<void>> update_row(core& shared, link& to, table_info const& info, void* row) {
  if (info.key == no_column)
    throw error{"rows of " + std::string{info.name} + " cannot be updated: the table has no primary key"};
  change_state change{shared, to, info};
  auto const members = info.row->members;
  for (std::uint8_t i = 0; i < members.size(); ++i)
    if (i != info.key && i != info.created_at && i != info.updated_at && i != info.version && i != info.deleted_at)
      change.set(i, value::of(*members[i].of, members[i].at(row)));
  auto const add_equal = [&](untyped_condition& c, std::uint8_t column) {
    untyped_condition one;
    one.add(operation_code::equal, column);
    one.values.push_back(value::of(*members[column].of, members[column].at(row)));
    c.join(std::move(one), operation_code::conjunction);
  };
  add_equal(change.where, info.key);
  if (info.version != no_column) add_equal(change.where, info.version);
  if (shared.kind == dialect::mysql) {
    untyped_condition by_key;
    add_equal(by_key, info.key);
    if (co_await update_and_read(change, std::move(by_key), row)) co_return result<void>{};
  } else if (auto const changed = co_await change.apply(change_state::kind::update, true); !changed.empty()) {
    read_row(info, row, changed, 0);
    co_return result<void>{};
  }
  if (info.version == no_column) co_return fault::not_found();
  select_state there{shared, to, info};
  add_equal(there.where, info.key);
  auto const still = co_await there.fetch(select_state::wanted::exists);
  if (still.empty()) co_return fault::not_found();
  co_return fault::precondition_failed("version_conflict");
}

}  // namespace slipway::db::detail
