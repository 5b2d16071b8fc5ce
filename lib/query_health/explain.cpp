#include <slipway/query_health/explain.hpp>

#include <slipway/core/ascii.hpp>
#include <slipway/query_health/engines.hpp>

#include <algorithm>
#include <cctype>

namespace slipway::query_health {

bool has_plan(std::string_view sql) noexcept {
  while (!sql.empty() && (std::isspace(static_cast<unsigned char>(sql.front())) || sql.front() == '('))
    sql.remove_prefix(1);
  return std::ranges::any_of(
      std::initializer_list<std::string_view>{"select", "insert", "update", "delete", "with", "values"},
      [sql](std::string_view word) {
        return sql.size() > word.size() && equal_in_any_case(sql.substr(0, word.size()), word);
      });
}

std::size_t parameters_of(std::string_view sql) noexcept {
  std::size_t most = 0;
  for (auto at = sql.find('$'); at != std::string_view::npos; at = sql.find('$', at + 1)) {
    std::size_t number = 0;
    for (auto i = at + 1; i < sql.size() && number < 10'000 && std::isdigit(static_cast<unsigned char>(sql[i])); ++i)
      number = number * 10 + static_cast<std::size_t>(sql[i] - '0');
    most = std::max(most, number);
  }
  return most;
}

task<plan> explain(db::database& on, std::string sql, std::vector<db::value_kind> signature,
                   std::chrono::milliseconds limit) {
  while (!sql.empty() && (sql.back() == ';' || std::isspace(static_cast<unsigned char>(sql.back())))) sql.pop_back();
  signature.resize(std::max(signature.size(), parameters_of(sql)), db::value_kind::none);
  switch (on.dialect()) {
    case db::dialect::sqlite: co_return co_await detail::explain_sqlite(on, std::move(sql), std::move(signature));
    case db::dialect::mysql: co_return co_await detail::explain_mysql(on, std::move(sql), std::move(signature));
    case db::dialect::postgres: break;
  }
  co_return co_await detail::explain_postgres(on, std::move(sql), std::move(signature), limit);
}

namespace detail {

std::string text_at(boost::json::object const& o, std::string_view name) {
  auto const* found = o.if_contains(name);
  return found != nullptr && found->is_string() ? std::string{std::string_view{found->get_string()}} : std::string{};
}

double number_at(boost::json::object const& o, std::string_view name, double otherwise) {
  auto const* found = o.if_contains(name);
  if (found == nullptr) return otherwise;
  if (found->is_double()) return found->get_double();
  if (found->is_int64()) return static_cast<double>(found->get_int64());
  if (found->is_uint64()) return static_cast<double>(found->get_uint64());
  return otherwise;
}

}  // namespace detail
}  // namespace slipway::query_health
