#include <slipway/sharding/rows.hpp>

#include <fmt/format.h>

namespace slipway::sharding {

std::string row_carrier::from_bound(rows_to_relabel const& what, db::dialect d, db::values& with) const {
  if (!what.bound) return "";
  with.push_back(*what.bound);
  return fmt::format(" and {} >= ${}", octets_in(table_, d), with.size());
}

task<bool> row_carrier::is_left(db::session& in, rows_to_relabel what) {
  db::values with{what.slot};
  auto const which = from_bound(what, in.dialect(), with);
  auto const found = co_await in.query(
      fmt::format("select 1 from {} where {} = $1{} limit 1", quoted(table_.name), quoted(table_.slot), which),
      std::move(with));
  co_return !found.empty();
}

task<std::unique_ptr<row_carrier>> make_carrier(db::session& in, table const& t) {
  return in.dialect() == db::dialect::sqlite ? make_sqlite_carrier(in, t) : make_postgres_carrier(in, t);
}

task<> forget_changes(db::session& in, std::vector<std::int64_t> ids) {
  // A few hundred to a statement.
  for (std::size_t from = 0; from < ids.size(); from += 500) {
    std::string marks;
    db::values list;
    for (auto i = from; i < std::min(ids.size(), from + 500); ++i) {
      list.emplace_back(ids[i]);
      marks += fmt::format("{}${}", marks.empty() ? "" : ", ", list.size());
    }
    co_await in.execute(fmt::format("delete from sharding_changes where id in ({})", marks), std::move(list));
  }
}

}  // namespace slipway::sharding
