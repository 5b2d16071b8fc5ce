#include "bench/server/handlers.hpp"

#include <algorithm>

namespace bench {

using namespace slipway::db;

std::int32_t handlers::number() { return static_cast<std::int32_t>(random_.next64() % 10'000) + 1; }

task<> handlers::plaintext(http::exchange& x) const {
  x.answer(200, "text/plain", "Hello, World!");
  co_return;
}

task<result<message>> handlers::json() { co_return message{"Hello, World!"}; }

task<result<world>> handlers::any() { return db_.from<world>().where(col<&world::id> == number()).one(); }

task<result<world>> handlers::one() { return any(); }

task<result<std::vector<world>>> handlers::several(int count) {
  std::vector<world> rows;
  rows.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) rows.push_back(co_await ok(any()));
  co_return std::move(rows);
}

task<result<std::vector<world>>> handlers::queries(query<count_query> in) { return several(in->n); }

task<result<std::vector<world>>> handlers::updates(query<count_query> in) {
  auto rows = co_await ok(several(in->n));
  // In the order of their ids: two transactions that change the same rows cannot wait for each other.
  std::ranges::sort(rows, {}, &world::id);
  co_await db_.transaction([&](db::transaction& tx) -> task<> {
    for (auto& row : rows) {
      row.random_number = number();
      co_await tx.update<world>()
          .set(col<&world::random_number>, row.random_number)
          .where(col<&world::id> == row.id)
          .run();
    }
  });
  co_return std::move(rows);
}

task<result<payload>> handlers::fortunes() {
  auto rows = co_await db_.from<fortune>().all();
  rows.push_back({0, "Additional fortune added at request time."});
  std::ranges::sort(rows, {}, &fortune::message);
  std::string page =
      "<!doctype html><html><head><title>Fortunes</title></head><body><table><tr><th>id</th><th>message</th></tr>";
  for (auto const& row : rows) {
    page.append("<tr><td>").append(std::to_string(row.id)).append("</td><td>");
    escape_html(row.message, page);
    page.append("</td></tr>");
  }
  page.append("</table></body></html>");
  co_return payload{.media_type = "text/html; charset=utf-8", .bytes = std::move(page)};
}

task<result<accepted_order>> handlers::validated(body<order> in) {
  co_return accepted_order{in->amount * in->quantity};
}

void escape_html(std::string_view text, std::string& out) {
  for (char const c : text) {
    switch (c) {
      case '&': out.append("&amp;"); break;
      case '<': out.append("&lt;"); break;
      case '>': out.append("&gt;"); break;
      case '"': out.append("&quot;"); break;
      case '\'': out.append("&#39;"); break;
      default: out.push_back(c);
    }
  }
}

}  // namespace bench
