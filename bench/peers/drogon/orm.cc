// The same through Drogon's ORM, with the models that drogon_ctl makes from the database (see prepare).
#include "data.h"

#include "Account.h"
#include "Author.h"
#include "Book.h"
#include "Entry.h"
#include "Transfer.h"
#include "World.h"

#include <algorithm>

using namespace drogon;
using namespace drogon_model::bench;

namespace {

Task<World> find(orm::DbClientPtr client) {
  orm::CoroMapper<World> worlds{client};
  co_return co_await worlds.findByPrimaryKey(number());
}

Task<HttpResponsePtr> one(HttpRequestPtr) {
  auto row = co_await find(app().getFastDbClient());
  co_return HttpResponse::newHttpJsonResponse(row.toJson());
}

Task<HttpResponsePtr> queries(HttpRequestPtr request) {
  auto client = app().getFastDbClient();
  Json::Value rows{Json::arrayValue};
  for (int i = 0, n = count(request); i < n; ++i) rows.append((co_await find(client)).toJson());
  co_return HttpResponse::newHttpJsonResponse(std::move(rows));
}

// Its mapper knows no statement for different values in many rows: each row is updated by itself.
Task<HttpResponsePtr> updates(HttpRequestPtr request) {
  auto client = app().getFastDbClient();
  std::vector<World> rows;
  for (int i = 0, n = count(request); i < n; ++i) rows.push_back(co_await find(client));
  std::sort(rows.begin(), rows.end(), [](auto const& a, auto const& b) { return a.getValueOfId() < b.getValueOfId(); });
  Json::Value out{Json::arrayValue};
  orm::CoroMapper<World> worlds{client};
  for (auto& row : rows) {
    row.setRandomNumber(number());
    co_await worlds.update(row);
    out.append(row.toJson());
  }
  co_return HttpResponse::newHttpJsonResponse(std::move(out));
}

Task<HttpResponsePtr> insert(HttpRequestPtr) {
  Entry row;
  row.setOwnerId(number());
  row.setTitle(entry_text);
  orm::CoroMapper<Entry> entries{app().getFastDbClient()};
  auto made = co_await entries.insert(row);
  co_return HttpResponse::newHttpJsonResponse(made.toJson());
}

struct books_of : CallbackAwaiter<std::vector<Book>> {
  books_of(Author const& a, orm::DbClientPtr c) : author{a}, client{std::move(c)} {}
  void await_suspend(std::coroutine_handle<> waiting) {
    author.getBooks(
        client,
        [this, waiting](std::vector<Book> found) {
          setValue(std::move(found));
          waiting.resume();
        },
        [this, waiting](orm::DrogonDbException const& error) {
          setException(std::make_exception_ptr(std::runtime_error{error.base().what()}));
          waiting.resume();
        });
  }
  Author const& author;
  orm::DbClientPtr client;
};

Task<HttpResponsePtr> eager(HttpRequestPtr) {
  orm::DbClientPtr client = app().getFastDbClient();
  orm::CoroMapper<Author> authors{client};
  auto author = co_await authors.findByPrimaryKey(number(100));
  books_of loading{author, client};
  auto const& books = co_await loading;
  auto out = author.toJson();
  Json::Value list{Json::arrayValue};
  for (auto const& book : books) list.append(book.toJson());
  out["books"] = std::move(list);
  co_return HttpResponse::newHttpJsonResponse(std::move(out));
}

Task<HttpResponsePtr> transaction(HttpRequestPtr) {
  auto const id = number(), amount = number(100);
  auto tx = co_await app().getFastDbClient()->newTransactionCoro();
  Json::Value out;
  {
    orm::CoroMapper<Account> accounts{tx};
    auto from = co_await accounts.forUpdate().findByPrimaryKey(id);
    from.setBalance(from.getValueOfBalance() - amount);
    co_await accounts.update(from);
    Transfer row;
    row.setAccountId(id);
    row.setAmount(amount);
    orm::CoroMapper<Transfer> transfers{tx};
    auto made = co_await transfers.insert(row);
    out["account_id"] = id;
    out["balance"] = static_cast<Json::Int64>(from.getValueOfBalance());
    out["transfer_id"] = static_cast<Json::Int64>(made.getValueOfId());
  }
  co_await committed{std::move(tx)};
  co_return HttpResponse::newHttpJsonResponse(std::move(out));
}

}  // namespace

void add_orm_routes(HttpAppFramework& to) {
  to.registerHandler("/orm/db", [](HttpRequestPtr r) -> Task<HttpResponsePtr> { return one(r); }, {Get})
      .registerHandler("/orm/queries", [](HttpRequestPtr r) -> Task<HttpResponsePtr> { return queries(r); }, {Get})
      .registerHandler("/orm/updates", [](HttpRequestPtr r) -> Task<HttpResponsePtr> { return updates(r); }, {Get})
      .registerHandler("/orm/insert", [](HttpRequestPtr r) -> Task<HttpResponsePtr> { return insert(r); }, {Get})
      .registerHandler("/orm/eager", [](HttpRequestPtr r) -> Task<HttpResponsePtr> { return eager(r); }, {Get})
      .registerHandler("/orm/transaction", [](HttpRequestPtr r) -> Task<HttpResponsePtr> { return transaction(r); }, {Get});
}
