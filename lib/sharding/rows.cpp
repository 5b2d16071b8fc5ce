#include <slipway/sharding/rows.hpp>

#include <fmt/format.h>

namespace slipway::sharding {

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
