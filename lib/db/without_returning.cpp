#include <slipway/db/without_returning.hpp>

#include <slipway/db/row_values.hpp>
#include <slipway/runtime/shard.hpp>

#include <algorithm>

namespace slipway::db::detail {
namespace {

constexpr unsigned attempts = 5;
constexpr std::size_t keys_at_once = 4096;  // what a condition may list

untyped_condition equal(std::uint8_t column, value v) {
  untyped_condition out;
  out.add(operation_code::equal, column);
  out.values.push_back(std::move(v));
  return out;
}

// A key as it came, as a parameter.
value key_of(table_info const& info, rows const& from, std::size_t index) {
  auto const& member = info.row->members[info.key];
  auto const c = from.at(index, info.key);
  switch (kind_of(*member.of)) {
    case value_kind::integer: return c.integer;
    case value_kind::time: return time_point{std::chrono::microseconds{c.integer}};
    case value_kind::uuid: {
      uuid id;
      read_cell(*member.of, &id, c, member.name);
      return id;
    }
    case value_kind::text: return c.text;
    default: break;
  }
  throw error{"the key " + std::string{member.name} + " of " + std::string{info.name} +
              " has a type that cannot be one"};
}

// Reads rows and holds them until the transaction ends, whatever others have done since it began.
run locked_rows(core& shared, link& to, table_info const& info, untyped_condition where, deleted_rows deleted,
                select_ptr& state, std::source_location at) {
  state.reset(new select_state{shared, to, info});
  state->at = at;
  state->where = std::move(where);
  state->deleted = deleted;
  state->lock = lock_mode::update;
  return state->fetch(select_state::wanted::rows);
}

// The three changes, inside a transaction.
task<> change_rows_in(link& in, change_state const& change, change_state::kind what, deleted_rows seen,
                      std::vector<rows>& out) {
  auto const& info = change.info;
  out.clear();
  select_ptr state;
  auto const found = co_await locked_rows(change.shared, in, info, change.where, seen, state, change.at);
  for (std::size_t begin = 0; begin < found.size(); begin += keys_at_once) {
    values keys;
    for (auto i = begin; i < std::min(found.size(), begin + keys_at_once); ++i) keys.push_back(key_of(info, found, i));
    untyped_condition these;
    add_list(these, info.key, std::move(keys));
    if (what == change_state::kind::purge)
      out.push_back(co_await locked_rows(change.shared, in, info, these, seen, state, change.at));
    change_state part{change.shared, in, info};
    part.sets = change.sets;
    part.new_values = change.new_values;
    part.where = these;
    part.deleted = deleted_rows::with;
    part.at = change.at;
    co_await part.apply(what, false);
    if (what != change_state::kind::purge)
      out.push_back(
          co_await locked_rows(change.shared, in, info, std::move(these), deleted_rows::with, state, change.at));
  }
}

task<> update_in(link& in, change_state const& change, untyped_condition key, void* row, bool& done) {
  change_state mine{change.shared, in, change.info};
  mine.sets = change.sets;
  mine.new_values = change.new_values;
  mine.where = change.where;
  mine.deleted = change.deleted;
  mine.at = change.at;
  auto const changed = co_await mine.apply(change_state::kind::update, false);
  done = changed.affected() > 0;
  if (!done) co_return;
  select_ptr state;
  auto const now =
      co_await locked_rows(change.shared, in, change.info, std::move(key), deleted_rows::with, state, change.at);
  if (now.empty()) throw error{"an updated row of " + std::string{change.info.name} + " was not found again"};
  read_row(change.shared, change.info, row, now, 0);
}

struct upsert_request {
  core& shared;
  table_info const& info;
  void* row;
  std::string const& columns;
  statement const& insert;
  values const& parameters;
  bool key_is_given;
  std::source_location at;
};

task<> upsert_in(link& in, upsert_request const& what, bool& done) {
  auto const& info = what.info;
  auto const changed = co_await run{what.shared, in, statement_ref{&what.insert, nullptr}, what.parameters, what.at};
  untyped_condition which;
  if (changed.affected() == 1 && info.key != no_column) {  // inserted: a null in `columns` would not find it
    which = equal(info.key,
                  what.key_is_given ? value{changed.inserted(0)} : column_value(what.shared, info, what.row, info.key));
  } else {
    for (auto const c : what.columns) {
      auto const column = static_cast<std::uint8_t>(c);
      which.join(equal(column, column_value(what.shared, info, what.row, column)), operation_code::conjunction);
    }
  }
  select_ptr state;
  auto const now = co_await locked_rows(what.shared, in, info, std::move(which), deleted_rows::with, state, what.at);
  done = !now.empty();
  if (done) read_row(what.shared, info, what.row, now, 0);
}

}  // namespace

task<> in_one_transaction(core& shared, link& to, std::function<task<>(link&)> work) {
  if (&to != static_cast<link*>(shared.database.get())) co_return co_await work(to);
  for (unsigned attempt = 1;; ++attempt) {
    auto inside = co_await shared.database->begin({});
    std::exception_ptr error;
    try {
      co_await work(*inside);
      co_await inside->commit();
      co_return;
    } catch (...) {
      error = std::current_exception();
    }
    co_await inside->rollback();
    if (attempt >= attempts || !may_repeat(error)) std::rethrow_exception(error);
    co_await sleep_for(pause_before_attempt(shared, attempt));
  }
}

task<std::vector<rows>> change_in_steps(change_state& change, change_state::kind what) {
  auto const& info = change.info;
  if (info.key == no_column)
    throw error{"changed rows of " + std::string{info.name} + " cannot be given back: the table has no primary key"};
  auto const seen = what == change_state::kind::purge         ? deleted_rows::with
                    : what == change_state::kind::restore     ? deleted_rows::only
                    : what == change_state::kind::soft_remove ? deleted_rows::without
                                                              : change.deleted;
  std::vector<rows> out;
  co_await in_one_transaction(change.shared, change.to,
                              [&](link& in) { return change_rows_in(in, change, what, seen, out); });
  co_return out;
}

task<bool> update_and_read(change_state& change, untyped_condition key, void* row) {
  bool done = false;
  co_await in_one_transaction(change.shared, change.to,
                              [&](link& in) { return update_in(in, change, key, row, done); });
  co_return done;
}

task<bool> upsert_and_read(core& shared, link& to, table_info const& info, void* row, std::string const& columns,
                           statement const& insert, values const& parameters, bool key_is_given,
                           std::source_location at) {
  bool done = false;
  upsert_request const what{shared, info, row, columns, insert, parameters, key_is_given, at};
  co_await in_one_transaction(shared, to, [&](link& in) { return upsert_in(in, what, done); });
  co_return done;
}

}  // namespace slipway::db::detail
