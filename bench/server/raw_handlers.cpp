#include "bench/server/raw_handlers.hpp"

#include <slipway/core/all.hpp>
#include <slipway/db/postgres_array.hpp>

#include <algorithm>

namespace bench {
namespace {

std::int32_t small(db::cell const& from) { return static_cast<std::int32_t>(from.integer); }

}  // namespace

std::int32_t raw_handlers::number(std::uint64_t most) { return static_cast<std::int32_t>(random_.next64() % most) + 1; }

task<world> raw_handlers::any() {
  auto const found = co_await db_.query("select id, random_number from world where id = $1", {number()});
  co_return world{small(found.at(0, 0)), small(found.at(0, 1))};
}

task<result<world>> raw_handlers::one() { co_return co_await any(); }

task<std::vector<world>> raw_handlers::several(int count) {
  std::vector<world> rows;
  rows.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) rows.push_back(co_await any());
  co_return rows;
}

task<result<std::vector<world>>> raw_handlers::queries(query<count_query> in) { co_return co_await several(in->n); }

task<result<std::vector<world>>> raw_handlers::updates(query<count_query> in) {
  auto rows = co_await several(in->n);
  std::ranges::sort(rows, {}, &world::id);
  db::detail::pg_array ids{db::value_kind::integer, rows.size()}, numbers{db::value_kind::integer, rows.size()};
  for (auto& row : rows) {
    row.random_number = number();
    ids.add(row.id);
    numbers.add(row.random_number);
  }
  co_await db_.execute(
      "update world set random_number = v.n from unnest($1::bigint[], $2::bigint[]) as v (id, n) where world.id = v.id",
      {ids.take(), numbers.take()});
  co_return std::move(rows);
}

task<result<entry>> raw_handlers::insert() {
  entry row{.owner_id = number(), .title = "An entry of some length, as people write them"};
  auto const made = co_await db_.query_once("insert into entry (owner_id, title) values ($1, $2) returning id",
                                            {row.owner_id, row.title});
  row.id = made.at(0, 0).integer;
  co_return std::move(row);
}

task<result<author_view>> raw_handlers::eager() {
  auto const id = number(100);
  auto const [found, books] =
      co_await all(db_.query("select id, name from author where id = $1", {id}),
                   db_.query("select id, author_id, title, pages from book where author_id = $1", {id}));
  author_view out{small(found.at(0, 0)), std::string{found.at(0, 1).text}, {}};
  out.books.reserve(books.size());
  for (std::size_t i = 0; i < books.size(); ++i)
    out.books.push_back(
        {small(books.at(i, 0)), small(books.at(i, 1)), std::string{books.at(i, 2).text}, small(books.at(i, 3))});
  co_return std::move(out);
}

task<result<transfer_view>> raw_handlers::transaction() {
  auto const id = number(), amount = number(100);
  co_return co_await db_.transaction([=](db::transaction& tx) -> task<result<transfer_view>> {
    auto const found = co_await tx.query("select id, balance from account where id = $1 for update", {id});
    auto const balance = found.at(0, 1).integer - amount;
    auto const [changed, made] = co_await all(
        tx.execute("update account set balance = $1 where id = $2", {balance, id}),
        tx.query_once("insert into transfer (account_id, amount) values ($1, $2) returning id", {id, amount}));
    co_return transfer_view{id, balance, made.at(0, 0).integer};
  });
}

}  // namespace bench
