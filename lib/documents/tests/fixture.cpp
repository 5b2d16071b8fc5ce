#include "fixture.hpp"

#include <slipway/documents/mongodb_store.hpp>

namespace slipway::documents::tests {

void each_store::SetUp() {
  std::string why_not;
  if (GetParam() == engine::mongodb) {
    auto* server = mongodb_server::shared(why_not);
    if (server == nullptr) GTEST_SKIP() << "SKIPPED LOUDLY: " << why_not;
    settings const s{.url = server->make_database(), .module = MONGODB_MODULE, .timeout = std::chrono::seconds{20}};
    facts_ = mongodb::facts_of(*mongodb::load(s, "tests"), s);
    db_.reset(new db::database{db::connect({.url = "sqlite::memory:"}, shards_)});
    auto made = connect(s, *db_, clock_);
    pool_ = std::move(made.pool);
    store_ = std::move(made.store);
    run(store_->prepare(all_collections()));
    return;
  }
  db::settings s;
  auto const dialect = GetParam() == engine::sqlite     ? db::dialect::sqlite
                       : GetParam() == engine::postgres ? db::dialect::postgres
                                                        : db::dialect::mysql;
  s.url = db::tests::database_for(dialect, why_not);
  if (s.url.empty()) GTEST_SKIP() << "SKIPPED LOUDLY: " << why_not;
  s.watch = &watch_;
  db_.reset(new db::database{db::connect(s, shards_)});
  store_ = make_sql_store(*db_, clock_);
  run(store_->prepare(all_collections()));
}

void each_store::TearDown() {
  store_.reset();
  pool_.reset();
  db_.reset();
}

person make(std::string name, int age, std::string city) {
  person out;
  out.email = name + "@example.com";
  out.name = std::move(name);
  out.age = age;
  out.home = {.city = std::move(city), .number = 1};
  return out;
}

}  // namespace slipway::documents::tests
