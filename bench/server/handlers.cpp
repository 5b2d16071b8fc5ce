#include "bench/server/handlers.hpp"

#include <slipway/core/all.hpp>
#include <slipway/core/html.hpp>

#include <algorithm>

namespace bench {

using namespace slipway::db;

std::int32_t handlers::number(std::uint64_t most) { return static_cast<std::int32_t>(random_.next64() % most) + 1; }

task<> handlers::plaintext(http::exchange& x) const {
  x.answer(200, "text/plain", "Hello, World!");
  co_return;
}

task<result<message>> handlers::json() { co_return message{"Hello, World!"}; }

task<result<world>> handlers::any() { return db_.find<world>(number()); }

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
  // In the order of their ids: two changes of the same rows cannot wait for each other.
  std::ranges::sort(rows, {}, &world::id);
  for (auto& row : rows) row.random_number = number();
  co_await ok(db_.update_many(rows, col<&world::random_number>));
  co_return std::move(rows);
}

task<result<payload>> handlers::fortunes() {
  auto rows = co_await db_.from<fortune>().all();
  rows.push_back({0, "Additional fortune added at request time."});
  std::ranges::sort(rows, {}, &fortune::message);
  std::string page;
  page.reserve(2048);
  page = "<!doctype html><html><head><title>Fortunes</title></head><body><table><tr><th>id</th><th>message</th></tr>";
  for (auto const& row : rows) {
    page.append("<tr><td>").append(std::to_string(row.id)).append("</td><td>");
    append_html(page, row.message);
    page.append("</td></tr>");
  }
  page.append("</table></body></html>");
  co_return payload{.media_type = "text/html; charset=utf-8", .bytes = std::move(page)};
}

task<result<entry>> handlers::insert() {
  co_return co_await db_.insert(entry{.owner_id = number(), .title = "An entry of some length, as people write them"});
}

task<result<author_view>> handlers::eager() {
  auto found = co_await ok(db_.from<author>().where(col<&author::id> == number(100)).with<&author::books>().one());
  co_return author_view{found.id, std::move(found.name), found.books.take()};
}

task<result<transfer_view>> handlers::transaction() {
  auto const id = number(), amount = number(100);
  co_return co_await db_.transaction([=](db::transaction& tx) -> task<result<transfer_view>> {
    auto from = co_await ok(tx.from<account>().where(col<&account::id> == id).for_update().one());
    from.balance -= amount;
    auto const [kept, made] =
        co_await ok(all(tx.update(from), tx.insert(transfer{.account_id = id, .amount = amount})));
    co_return transfer_view{id, kept.balance, made.id};
  });
}

task<result<accepted_order>> handlers::validated(body<order> in) {
  co_return accepted_order{in->amount * in->quantity};
}

}  // namespace bench
