// A new row, a row with the hundred rows that belong to it, and a transaction, through Drogon's client.
#include "data.h"

using namespace drogon;

namespace {

Task<HttpResponsePtr> insert(HttpRequestPtr) {
  auto const owner = number();
  auto made = co_await app().getFastDbClient()->execSqlCoro(
      "insert into entry (owner_id, title) values ($1, $2) returning id", owner, entry_text);
  Json::Value out;
  out["id"] = static_cast<Json::Int64>(made[0][std::size_t{0}].as<std::int64_t>());
  out["owner_id"] = owner;
  out["title"] = entry_text;
  co_return HttpResponse::newHttpJsonResponse(std::move(out));
}

Task<HttpResponsePtr> eager(HttpRequestPtr) {
  auto client = app().getFastDbClient();
  auto const id = number(100);
  auto found = co_await client->execSqlCoro("select id, name from author where id = $1", id);
  auto books = co_await client->execSqlCoro("select id, author_id, title, pages from book where author_id = $1", id);
  Json::Value out, list{Json::arrayValue};
  out["id"] = found[0][std::size_t{0}].as<int>();
  out["name"] = found[0][std::size_t{1}].as<std::string>();
  for (auto const& row : books) {
    Json::Value book;
    book["id"] = row[std::size_t{0}].as<int>();
    book["author_id"] = row[std::size_t{1}].as<int>();
    book["title"] = row[std::size_t{2}].as<std::string>();
    book["pages"] = row[std::size_t{3}].as<int>();
    list.append(std::move(book));
  }
  out["books"] = std::move(list);
  co_return HttpResponse::newHttpJsonResponse(std::move(out));
}

Task<HttpResponsePtr> transaction(HttpRequestPtr) {
  auto const id = number(), amount = number(100);
  auto tx = co_await app().getFastDbClient()->newTransactionCoro();
  auto found = co_await tx->execSqlCoro("select balance from account where id = $1 for update", id);
  auto const balance = found[0][std::size_t{0}].as<std::int64_t>() - amount;
  co_await tx->execSqlCoro("update account set balance = $1 where id = $2", balance, id);
  auto made = co_await tx->execSqlCoro("insert into transfer (account_id, amount) values ($1, $2) returning id", id, amount);
  co_await committed{std::move(tx)};
  Json::Value out;
  out["account_id"] = id;
  out["balance"] = static_cast<Json::Int64>(balance);
  out["transfer_id"] = static_cast<Json::Int64>(made[0][std::size_t{0}].as<std::int64_t>());
  co_return HttpResponse::newHttpJsonResponse(std::move(out));
}

}  // namespace

void add_data_routes(HttpAppFramework& to) {
  to.registerHandler("/insert", [](HttpRequestPtr r) -> Task<HttpResponsePtr> { return insert(r); }, {Get})
      .registerHandler("/eager", [](HttpRequestPtr r) -> Task<HttpResponsePtr> { return eager(r); }, {Get})
      .registerHandler("/transaction", [](HttpRequestPtr r) -> Task<HttpResponsePtr> { return transaction(r); }, {Get});
}
