#include <slipway/db/foreign_keys.hpp>

#include <slipway/db/row_values.hpp>
#include <slipway/db/sql_writer.hpp>

#include <map>

namespace slipway::db::detail {
namespace {

struct foreign_key {
  std::string parent;
  std::vector<std::string> from, to;
};

task<rows> ask(core& shared, link& to, std::string sql, values parameters) {
  auto text = shared.text(std::move(sql), parameters, true);
  co_return co_await run{shared, to, std::move(text), parameters, std::source_location::current()};
}

task<std::vector<foreign_key>> keys_of(core& shared, link& to, std::string table) {
  auto const found = co_await ask(
      shared, to, R"(select "id", "table", "from", "to" from pragma_foreign_key_list($1) order by "id", "seq")",
      {std::move(table)});
  std::map<std::int64_t, foreign_key> all;
  for (auto const& r : found) {
    auto& key = all[r.get<std::int64_t>(0)];
    key.parent = r.get<std::string>(1);
    key.from.push_back(r.get<std::string>(2));
    if (auto column = r.get<std::optional<std::string>>(3)) key.to.push_back(std::move(*column));
  }
  std::vector<foreign_key> out;
  for (auto& [id, key] : all) {
    if (key.to.empty()) {  // it names the parent alone: its primary key is meant
      auto const columns =
          co_await ask(shared, to, "select name from pragma_table_info($1) where pk > 0 order by pk", {key.parent});
      for (auto const& r : columns) key.to.push_back(r.get<std::string>(0));
    }
    if (key.to.size() == key.from.size()) out.push_back(std::move(key));
  }
  co_return out;
}

// Whether the row's values are nowhere in the parent; false when one is null.
task<bool> leads_nowhere(core& shared, link& to, table_info const& info, void* row, foreign_key key) {
  sql_writer out{shared.kind};
  out.text = "select 1 from ";
  out.name(key.parent);
  values parameters;
  for (std::size_t i = 0; i < key.from.size(); ++i) {
    auto const* member = info.row->find(key.from[i]);
    if (member == nullptr) co_return false;
    auto v = column_value(shared, info, row, static_cast<std::uint8_t>(member - info.row->members.data()));
    if (v.is_null()) co_return false;
    out.text += (i == 0 ? " where " : " and ") + quoted(key.to[i]) + " = " + out.placeholder();
    parameters.push_back(std::move(v));
  }
  auto const there = co_await ask(shared, to, std::move(out.text), std::move(parameters));
  co_return there.empty();
}

}  // namespace

task<> name_foreign_key(core& shared, link& to, table_info const& info, void* row, std::exception_ptr refused) {
  if (shared.kind != dialect::sqlite) std::rethrow_exception(refused);
  std::string name;
  for (auto& key : co_await keys_of(shared, to, std::string{info.name})) {
    if (!co_await leads_nowhere(shared, to, info, row, key)) continue;
    for (auto const& column : key.from)
      name.append(name.empty() ? "" : ",").append(info.name).append(".").append(column);
    break;
  }
  try {
    std::rethrow_exception(refused);
  } catch (constraint_error const& e) {
    if (name.empty()) throw;
    throw constraint_error{constraint_kind::foreign_key, "foreign_key(" + name + ")", e.what(), e.code()};
  }
}

}  // namespace slipway::db::detail
