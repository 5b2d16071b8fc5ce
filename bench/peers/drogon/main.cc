// Drogon with its coroutines, jsoncpp and its fast PostgreSQL client, as its documentation and examples show it.
#include "data.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

using namespace drogon;

namespace {

Json::Value row_of(orm::Row const& row) {
  Json::Value out;
  out["id"] = row[std::size_t{0}].as<int>();
  out["random_number"] = row[std::size_t{1}].as<int>();
  return out;
}

template <class Client>
Task<Json::Value> find(Client client) {
  auto found = co_await client->execSqlCoro("select id, random_number from world where id = $1", number());
  co_return row_of(found[0]);
}

Task<HttpResponsePtr> one(HttpRequestPtr) {
  co_return HttpResponse::newHttpJsonResponse(co_await find(app().getFastDbClient()));
}

Task<HttpResponsePtr> queries(HttpRequestPtr request) {
  auto client = app().getFastDbClient();
  Json::Value rows{Json::arrayValue};
  for (int i = 0, n = count(request); i < n; ++i) rows.append(co_await find(client));
  co_return HttpResponse::newHttpJsonResponse(std::move(rows));
}

Task<HttpResponsePtr> updates(HttpRequestPtr request) {
  auto client = app().getFastDbClient();
  std::vector<int> ids;
  for (int i = 0, n = count(request); i < n; ++i) ids.push_back((co_await find(client))["id"].asInt());
  std::sort(ids.begin(), ids.end());
  Json::Value rows{Json::arrayValue};
  std::string all_ids = "{", numbers = "{";  // its client has no array parameters: as text
  for (int id : ids) {
    Json::Value row;
    row["id"] = id;
    row["random_number"] = number();
    if (rows.size() != 0) all_ids += ',', numbers += ',';
    all_ids += std::to_string(id);
    numbers += std::to_string(row["random_number"].asInt());
    rows.append(std::move(row));
  }
  co_await client->execSqlCoro("update world set random_number = v.n from unnest($1::int[], $2::int[]) as v (id, n) where world.id = v.id",
                               all_ids + '}', numbers + '}');
  co_return HttpResponse::newHttpJsonResponse(std::move(rows));
}

Task<HttpResponsePtr> fortunes(HttpRequestPtr) {
  struct fortune {
    int id;
    std::string message;
  };
  std::vector<fortune> list;
  auto found = co_await app().getFastDbClient()->execSqlCoro("select id, message from fortune");
  for (auto const& row : found) list.push_back({row[std::size_t{0}].as<int>(), row[std::size_t{1}].as<std::string>()});
  list.push_back({0, "Additional fortune added at request time."});
  std::sort(list.begin(), list.end(), [](auto const& a, auto const& b) { return a.message < b.message; });
  std::string page = "<!doctype html><html><head><title>Fortunes</title></head><body><table><tr><th>id</th><th>message</th></tr>";
  for (auto const& f : list) {
    page.append("<tr><td>").append(std::to_string(f.id)).append("</td><td>");
    page.append(HttpViewData::htmlTranslate(f.message)).append("</td></tr>");
  }
  page.append("</table></body></html>");
  auto response = HttpResponse::newHttpResponse();
  response->setContentTypeCode(CT_TEXT_HTML);
  response->setBody(std::move(page));
  co_return response;
}

}  // namespace

int main() {
  add_data_routes(app());
  add_orm_routes(app());
  app()
      .registerHandler("/plaintext", [](HttpRequestPtr) -> Task<HttpResponsePtr> {
        auto response = HttpResponse::newHttpResponse();
        response->setContentTypeCode(CT_TEXT_PLAIN);
        response->setBody("Hello, World!");
        co_return response;
      }, {Get})
      .registerHandler("/json", [](HttpRequestPtr) -> Task<HttpResponsePtr> {
        Json::Value out;
        out["message"] = "Hello, World!";
        co_return HttpResponse::newHttpJsonResponse(std::move(out));
      }, {Get})
      .registerHandler("/db", [](HttpRequestPtr r) -> Task<HttpResponsePtr> { return one(r); }, {Get})
      .registerHandler("/queries", [](HttpRequestPtr r) -> Task<HttpResponsePtr> { return queries(r); }, {Get})
      .registerHandler("/fortunes", [](HttpRequestPtr r) -> Task<HttpResponsePtr> { return fortunes(r); }, {Get})
      .registerHandler("/updates", [](HttpRequestPtr r) -> Task<HttpResponsePtr> { return updates(r); }, {Get})
      .createDbClient("postgresql", "127.0.0.1", static_cast<unsigned short>(std::atoi(std::getenv("PGPORT"))), std::getenv("PGDATABASE"), std::getenv("PGUSER"), "", 4, "", "default", true)
      .setLogLevel(trantor::Logger::kWarn)
      .setThreadNum(1)
      .setMaxConnectionNum(100'000)
      .setIdleConnectionTimeout(0)
      .setPipeliningRequestsNumber(0)
      .addListener("127.0.0.1", static_cast<unsigned short>(std::atoi(std::getenv("PORT"))))
      .run();
}
