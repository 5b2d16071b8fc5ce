#include <slipway/documents/encoding.hpp>
#include <slipway/documents/sql_session.hpp>

#include <slipway/core/id.hpp>
#include <slipway/db/errors.hpp>

#include <algorithm>

namespace slipway::documents::detail {
namespace {

constexpr std::size_t rows_of_insert = 200;
constexpr std::size_t rows_of_batch = 500;

node without_id(node document) {
  document.erase("id");
  return document;
}

node with_id(node id, node document) {
  document.members.insert(document.members.begin(), {"id", std::move(id)});
  return document;
}

std::vector<node> documents_of(collection_info const& in, db::rows const& found) {
  std::vector<node> out;
  out.reserve(found.size());
  for (auto const row : found) out.push_back(with_id(key_node(in, row, 0), from_json(row[1].text)));
  return out;
}

std::string bounds(sql_text& text, find_request const& what) {
  auto out = " limit " + text.mark(db::value{what.limit});
  if (what.skip > 0) out += " offset " + text.mark(db::value{what.skip});
  return out;
}

bool adds(update_steps const& steps) {
  return std::ranges::any_of(steps.steps, [](update_step const& s) { return s.op == update_op::increment; });
}

// How each engine says that a sum leaves 64 bits: see words::integer_sum.
bool is_overflow(db::error const& e) {
  return e.code() == "22003" || std::string_view{e.what()}.find("malformed JSON") != std::string_view::npos;
}

node cell_node(collection_info const& in, db::row_view const& row, std::size_t column, path_info const* at,
               bool is_number) {
  if (row[column].is_null()) return {};
  if (at != nullptr && is_id(*at)) return key_node(in, row, column);
  auto const as = is_number ? sql_class::number : at == nullptr ? sql_class::integer : class_of(*at->of);
  switch (as) {
    case sql_class::integer: return node::of(row.get<std::int64_t>(column));
    case sql_class::number: return node::of(row.get<double>(column));
    case sql_class::boolean: return node::of(row.get<bool>(column));
    case sql_class::text: return node::of(row.get<std::string>(column));
    case sql_class::other: break;
  }
  throw db::error{"documents cannot be grouped by what is no single value"};
}

std::string column_of_key(sql_text const& text, path_info const& at) {
  auto place = text.place(at);
  return !is_id(at) && class_of(*at.of) == sql_class::integer ? words::as_integer(text.dialect, place) : place;
}

std::string column_of_value(sql_text const& text, group_request::value const& value) {
  auto const call = [&](char const* name) { return std::string{name} + "(" + text.place(*value.of) + ")"; };
  auto const typed = [&](std::string const& expression) {
    return class_of(*value.of->of) == sql_class::integer ? words::as_integer(text.dialect, expression) : expression;
  };
  switch (value.what) {
    case accumulator::count: return "count(*)";
    case accumulator::sum: return typed("coalesce(" + call("sum") + ", 0)");
    case accumulator::average: return words::as_number(text.dialect, call("avg"));
    case accumulator::least: return typed(call("min"));
    case accumulator::greatest: return typed(call("max"));
  }
  return "null";
}

}  // namespace

void rethrow_named(collection_info const& in, std::exception_ptr error) {
  try {
    std::rethrow_exception(std::move(error));
  } catch (db::constraint_error const& e) {
    if (e.kind() != db::constraint_kind::unique) throw;
    auto const named = [&](std::string const& label) {
      return db::constraint_error{db::constraint_kind::unique, "unique(" + label + ")", e.what(), e.code()};
    };
    for (auto const& index : in.indexes()) {
      if (e.name().find(index_name(in, index)) != std::string::npos) throw named(index_label(in, index));
      std::string columns;
      for (std::size_t i = 0; i < index.size; ++i)
        columns += (i > 0 ? "," : "") + table_of(in) + "." + column_of(*index.parts[i]);
      if (index.unique && e.is("unique(" + columns + ")")) throw named(index_label(in, index));
    }
    throw named(std::string{in.name} + ".id");
  }
}

task<std::vector<node>> sql_session::find(find_request what) {
  auto const& in = *what.in;
  sql_text text{db_.dialect(), in};
  std::string columns{"id"};
  if (what.only.empty()) {
    columns += ", body";
  } else {
    columns.append(", ").append(words::object_function[text.dialect]).append("(");
    bool first = true;
    for (auto const* at : what.only) {
      if (is_id(*at)) continue;
      columns.append(first ? "'" : ", '").append(at->dotted).append("', ").append(text.fragment(at->dotted));
      first = false;
    }
    columns += ")";
  }
  auto sql =
      "select " + columns + " from " + table_of(in) + " where " + text.condition(what.where) + text.order(what.order);
  sql += bounds(text, what);
  auto const found = co_await db_.query(std::move(sql), std::move(text.parameters));
  co_return documents_of(in, found);
}

task<std::int64_t> sql_session::count(collection_info const& in, filter_node where) {
  sql_text text{db_.dialect(), in};
  auto sql = "select count(*) from " + table_of(in) + " where " + text.condition(where);
  auto const found = co_await db_.query(std::move(sql), std::move(text.parameters));
  co_return found[0].get<std::int64_t>(0);
}

task<> sql_session::insert_rows(collection_info const& in, std::vector<node> const& documents) {
  std::exception_ptr error;
  try {
    for (std::size_t from = 0; from < documents.size(); from += rows_of_insert) {
      sql_text text{db_.dialect(), in};
      auto const own = text.written_columns();
      auto sql = "insert into " + table_of(in) + " (id, body";
      for (auto const* at : own) sql += ", " + column_of(*at);
      sql += ") values ";
      for (auto i = from; i < std::min(documents.size(), from + rows_of_insert); ++i) {
        auto const id = text.mark(key_value(in, *documents[i].find("id")));
        auto const body = text.mark(db::value{db::json_text{to_json(without_id(documents[i]))}});
        sql += (i > from ? ", (" : "(") + id + ", " + body;
        for (auto const* at : own) sql += ", " + part_text(text.dialect, body, *at);
        sql += ")";
      }
      co_await db_.execute(std::move(sql), std::move(text.parameters));
    }
  } catch (...) {
    error = std::current_exception();
  }
  if (error) rethrow_named(in, error);
}

task<> sql_session::insert(collection_info const& in, std::vector<node> documents) {
  if (!in.has_feed && documents.size() <= rows_of_insert) co_return co_await insert_rows(in, documents);
  co_await db_.transaction([&](db::transaction& tx) -> task<> {
    sql_session inside{tx, clock_};
    auto const last = in.has_feed ? co_await inside.lock_feed(in) : 0;
    co_await inside.insert_rows(in, documents);
    std::vector<happening> all;
    if (in.has_feed)
      for (auto const& each : documents) all.push_back({change_kind::inserted, *each.find("id"), each});
    co_await inside.record(in, last, std::move(all));
  });
}

task<std::optional<node>> sql_session::change_one(change_request what) {
  auto const& in = *what.in;
  if (by_hand(in)) {
    std::optional<node> out;
    co_await db_.transaction([&](db::transaction& tx) -> task<> {
      sql_session inside{tx, clock_};
      out = co_await inside.change_locked(what);
    });
    co_return out;
  }
  std::exception_ptr error;
  try {
    sql_text text{db_.dialect(), in};
    auto const body = what.replacement ? text.json(without_id(*what.replacement)) : text.changed(what.steps);
    auto sql = "update " + table_of(in) + " set " + text.assigned(body) + " where " + text.condition(what.where) +
               " returning id, body";
    auto const done = co_await db_.query_once(std::move(sql), std::move(text.parameters));
    if (!done.empty()) co_return std::move(documents_of(in, done).front());
  } catch (db::constraint_error const&) {
    error = std::current_exception();
  } catch (db::error const& e) {
    if (!adds(what.steps) || !is_overflow(e)) throw;
    throw db::input_error{"the sum leaves the range of 64 bits", e.code()};
  }
  if (error) rethrow_named(in, error);
  if (!what.otherwise) co_return std::nullopt;
  std::vector<node> one;
  one.push_back(*what.otherwise);
  co_await insert(in, std::move(one));
  co_return std::move(what.otherwise);
}

task<std::int64_t> sql_session::change_many(collection_info const& in, filter_node where, update_steps steps) {
  steps = completed(in, std::move(steps), clock_.now());
  if (steps.empty()) co_return co_await count(in, std::move(where));
  if (by_hand(in)) {
    co_return co_await db_.transaction([&](db::transaction& tx) -> task<std::int64_t> {
      sql_session inside{tx, clock_};
      co_return co_await inside.change_all_locked(in, where, steps);
    });
  }
  std::exception_ptr error;
  try {
    sql_text text{db_.dialect(), in};
    auto const body = text.changed(steps);
    auto sql = "update " + table_of(in) + " set " + text.assigned(body) + " where " + text.condition(where);
    co_return co_await db_.execute(std::move(sql), std::move(text.parameters));
  } catch (db::constraint_error const&) {
    error = std::current_exception();
  } catch (db::error const& e) {
    if (!adds(steps) || !is_overflow(e)) throw;
    throw db::input_error{"a sum leaves the range of 64 bits", e.code()};
  }
  rethrow_named(in, error);
}

task<std::int64_t> sql_session::remove(collection_info const& in, filter_node where) {
  if (in.has_feed) {
    co_return co_await db_.transaction([&](db::transaction& tx) -> task<std::int64_t> {
      sql_session inside{tx, clock_};
      co_return co_await inside.remove_locked(in, where);
    });
  }
  sql_text text{db_.dialect(), in};
  auto sql = "delete from " + table_of(in) + " where " + text.condition(where);
  co_return co_await db_.execute(std::move(sql), std::move(text.parameters));
}

task<std::vector<node>> sql_session::lock(collection_info const& in, filter_node where, std::optional<node> after,
                                          std::size_t limit) {
  sql_text text{db_.dialect(), in};
  auto sql = "select id, body from " + table_of(in) + " where " + text.condition(where);
  if (after) sql += " and id > " + text.mark(key_value(in, *after));
  sql += " order by id limit " + text.mark(db::value{limit});
  sql += words::for_update[text.dialect];
  auto const found = co_await db_.query_once(std::move(sql), std::move(text.parameters));
  co_return documents_of(in, found);
}

task<> sql_session::store(collection_info const& in, node document) {
  sql_text text{db_.dialect(), in};
  auto const id = key_value(in, *document.find("id"));
  auto const body = text.json(without_id(std::move(document)));
  auto sql = "update " + table_of(in) + " set " + text.assigned(body) + " where id = " + text.mark(id);
  std::exception_ptr error;
  try {
    co_await db_.execute(std::move(sql), std::move(text.parameters));
  } catch (...) {
    error = std::current_exception();
  }
  if (error) rethrow_named(in, error);
}

task<std::optional<node>> sql_session::change_locked(change_request what) {
  auto const& in = *what.in;
  auto const last = in.has_feed ? co_await lock_feed(in) : 0;
  auto found = co_await lock(in, what.where, {}, 1);
  std::vector<happening> all;
  std::optional<node> out;
  if (!found.empty()) {
    if (what.replacement)
      found.front() = *what.replacement;
    else
      apply(what.steps, found.front());
    co_await store(in, found.front());
    out = found.front();
  } else if (what.otherwise) {
    std::vector<node> one;
    one.push_back(*what.otherwise);
    co_await insert_rows(in, one);
    out = *what.otherwise;
  }
  if (out && in.has_feed)
    all.push_back({found.empty() ? change_kind::inserted : change_kind::changed, *out->find("id"), out});
  co_await record(in, last, std::move(all));
  co_return out;
}

task<std::int64_t> sql_session::change_all_locked(collection_info const& in, filter_node where, update_steps steps) {
  auto last = in.has_feed ? co_await lock_feed(in) : 0;
  std::int64_t count = 0;
  std::optional<node> after;
  for (;;) {
    auto found = co_await lock(in, where, after, rows_of_batch);
    std::vector<happening> all;
    for (auto& each : found) {
      apply(steps, each);
      co_await store(in, each);
      if (in.has_feed) all.push_back({change_kind::changed, *each.find("id"), each});
    }
    auto const size = static_cast<std::int64_t>(all.size());
    co_await record(in, last, std::move(all));
    last += size;
    count += static_cast<std::int64_t>(found.size());
    if (found.size() < rows_of_batch) co_return count;
    after = *found.back().find("id");
  }
}

task<std::int64_t> sql_session::remove_locked(collection_info const& in, filter_node where) {
  auto last = co_await lock_feed(in);
  std::int64_t count = 0;
  for (;;) {
    auto const found = co_await lock(in, where, {}, rows_of_batch);
    if (found.empty()) co_return count;
    sql_text text{db_.dialect(), in};
    auto sql = "delete from " + table_of(in) + " where id in (";
    std::vector<happening> all;
    for (std::size_t i = 0; i < found.size(); ++i) {
      sql += (i > 0 ? ", " : "") + text.mark(key_value(in, *found[i].find("id")));
      all.push_back({change_kind::removed, *found[i].find("id"), {}});
    }
    co_await db_.execute(sql + ")", std::move(text.parameters));
    auto const size = static_cast<std::int64_t>(all.size());
    co_await record(in, last, std::move(all));
    last += size;
    count += size;
  }
}

task<std::vector<node>> sql_session::group(group_request what) {
  auto const& in = *what.in;
  sql_text text{db_.dialect(), in};
  std::string columns, groups;
  for (auto const* key : what.keys) {
    columns.append(columns.empty() ? "" : ", ").append(column_of_key(text, *key));
    groups.append(groups.empty() ? " group by " : ", ").append(text.place(*key));
  }
  // Without keys there is one group, or none where there is nothing to count: as on MongoDB.
  if (what.keys.empty()) groups = " having count(*) > 0";
  for (auto const& value : what.values)
    columns.append(columns.empty() ? "" : ", ").append(column_of_value(text, value));
  auto sql = "select " + columns + " from " + table_of(in) + " where " + text.condition(what.where) + groups;
  for (std::size_t i = 0; i < what.order.size(); ++i)
    sql += (i == 0 ? " order by " : ", ") + std::to_string(what.order[i].column + 1) +
           std::string{(what.order[i].descends ? words::descending : words::ascending)[text.dialect]};
  sql += " limit " + text.mark(db::value{what.limit});
  auto const found = co_await db_.query(std::move(sql), std::move(text.parameters));
  std::vector<node> out;
  for (auto const row : found) {
    auto& list = out.emplace_back(node::list());
    for (std::size_t i = 0; i < what.keys.size(); ++i) list.items.push_back(cell_node(in, row, i, what.keys[i], false));
    for (std::size_t i = 0; i < what.values.size(); ++i)
      list.items.push_back(
          cell_node(in, row, what.keys.size() + i, what.values[i].of, what.values[i].what == accumulator::average));
  }
  co_return out;
}

}  // namespace slipway::documents::detail
