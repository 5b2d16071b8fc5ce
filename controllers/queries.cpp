#include "controllers/queries.hpp"

namespace app::controllers {

task<result<slow_statements_view>> queries::slow() {
  slow_statements_view out{.count = slow_.count(), .statements = {}};
  for (auto& s : slow_.recent()) {
    slow_statement_view one{.at = s.at,
                            .sql = std::move(s.sql),
                            .place = std::move(s.place),
                            .correlation_id = std::move(s.correlation_id),
                            .took_ms = static_cast<double>(s.took.count()) / 1000,
                            .rows = s.rows,
                            .error = std::move(s.error),
                            .plan = std::move(s.plan),
                            .no_plan = std::move(s.no_plan),
                            .advice = {}};
    for (auto& a : s.advised) one.advice.push_back({a.table, a.columns, a.rows, a.sql});
    out.statements.push_back(std::move(one));
  }
  co_return out;
}

}  // namespace app::controllers
