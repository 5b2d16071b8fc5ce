// The server that the benchmarks measure: typed handlers with everything in the way that a real service has
// (deadline, correlation id, access log of one request in a hundred, metrics, rate limit, security headers).
//
//   bench_server <port> [shards] [database url]
#include <slipway/api/observation.hpp>
#include <slipway/api/problem.hpp>
#include <slipway/api/router.hpp>
#include <slipway/content/rate_limit.hpp>
#include <slipway/content/security_headers.hpp>
#include <slipway/db/database.hpp>
#include <slipway/http/server.hpp>

#include <fmt/format.h>

#include <signal.h>

#include <algorithm>
#include <cstdlib>

namespace bench {

using namespace slipway;

struct world {
  int id = 0;
  int randomnumber = 0;
};
BOOST_DESCRIBE_STRUCT(world, (), (id, randomnumber))
struct fortune {
  int id = 0;
  std::string message;
};
BOOST_DESCRIBE_STRUCT(fortune, (), (id, message))

struct greeting {
  std::string message;
};
BOOST_DESCRIBE_STRUCT(greeting, (), (message))

enum class plan { small, medium, large };
BOOST_DESCRIBE_ENUM(plan, small, medium, large)
struct order {
  std::string email, name, street, city, country;
  int quantity = 0;
  double price = 0;
  bool gift = false;
  bench::plan plan = plan::small;
  std::vector<std::string> tags;
};
BOOST_DESCRIBE_STRUCT(order, (), (email, name, street, city, country, quantity, price, gift, plan, tags))

struct count {
  int n = 1;
};
BOOST_DESCRIBE_STRUCT(count, (), (n))

}  // namespace bench

template <>
inline constexpr auto slipway::db::table_of<bench::world> = slipway::db::table<bench::world>("world");
template <>
inline constexpr auto slipway::db::table_of<bench::fortune> = slipway::db::table<bench::fortune>("fortune");
template <>
inline constexpr auto slipway::rules_of<bench::order> = slipway::rules(
    field(&bench::order::email).email().max_length(254), field(&bench::order::name).not_blank().max_length(100),
    field(&bench::order::street).not_blank().max_length(200), field(&bench::order::city).not_blank().max_length(100),
    field(&bench::order::country).min_length(2).max_length(2), field(&bench::order::quantity).minimum(1).maximum(1000),
    field(&bench::order::price).minimum(0), field(&bench::order::tags).max_items(10).unique_items());
template <>
inline constexpr auto slipway::rules_of<bench::count> = slipway::rules(field(&bench::count::n).optional().minimum(1).maximum(500));

namespace bench {

int random_id() {
  thread_local std::uint32_t state = 2463534242u;
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return static_cast<int>(state % 10'000) + 1;
}

class pages {
 public:
  explicit pages(db::database* database) : db_{database} {}

  task<result<payload>> plaintext() { co_return payload{"text/plain", "Hello, World!"}; }
  task<result<greeting>> json() { co_return greeting{"Hello, World!"}; }
  task<result<order>> validated(body<order> in) { co_return std::move(in.value); }
  task<result<world>> one() { return db_->from<world>().where(db::col<&world::id> == random_id()).one(); }

  task<result<std::vector<world>>> several(query<count> in) {
    std::vector<world> out;
    for (int i = 0; i < in->n; ++i) out.push_back(co_await ok(db_->from<world>().where(db::col<&world::id> == random_id()).one()));
    co_return out;
  }

  task<result<payload>> fortunes() {
    auto all = co_await db_->from<fortune>().all();
    all.push_back({0, "Additional fortune added at request time."});
    std::ranges::sort(all, {}, &fortune::message);
    std::string out = "<!DOCTYPE html><html><head><title>Fortunes</title></head><body><table><tr><th>id</th><th>message</th></tr>";
    for (auto const& f : all) {
      fmt::format_to(std::back_inserter(out), "<tr><td>{}</td><td>", f.id);
      for (char c : f.message) switch (c) {
          case '<': out += "&lt;"; break;
          case '>': out += "&gt;"; break;
          case '&': out += "&amp;"; break;
          case '"': out += "&quot;"; break;
          case '\'': out += "&#39;"; break;
          default: out += c;
        }
      out += "</td></tr>";
    }
    out += "</table></body></html>";
    co_return payload{"text/html; charset=utf-8", std::move(out)};
  }

  task<result<std::vector<world>>> updates(query<count> in) {
    auto out = co_await ok(several(std::move(in)));
    std::ranges::sort(out, {}, &world::id);  // in one order everywhere, so that two requests cannot lock each other out
    std::vector<std::string> ids, numbers;
    for (auto& w : out) {
      w.randomnumber = random_id();
      ids.push_back(std::to_string(w.id));
      numbers.push_back(std::to_string(w.randomnumber));
    }
    co_await db_->execute("UPDATE world SET randomnumber = v.n FROM (SELECT unnest($1::int[]) AS id, unnest($2::int[]) AS n) v WHERE world.id = v.id",
                          {db::value{fmt::format("{{{}}}", fmt::join(ids, ","))}, db::value{fmt::format("{{{}}}", fmt::join(numbers, ","))}});
    co_return out;
  }

 private:
  db::database* db_;
};

void routes(api::router& r, pages& c, bool with_database) {
  using namespace api;
  r.get("/plaintext", c, &pages::plaintext, {.summary = "Text", .access = everyone});
  r.get("/json", c, &pages::json, {.summary = "JSON", .access = everyone});
  r.post("/validated", c, &pages::validated, {.summary = "A body of ten fields", .access = everyone});
  if (!with_database) return;
  r.get("/db", c, &pages::one, {.summary = "One row", .access = everyone});
  r.get("/queries", c, &pages::several, {.summary = "Rows one by one", .access = everyone});
  r.get("/fortunes", c, &pages::fortunes, {.summary = "A page of rows", .access = everyone});
  r.get("/updates", c, &pages::updates, {.summary = "Rows changed", .access = everyone});
}

}  // namespace bench

int main(int argc, char** argv) {
  using namespace slipway;
  auto const port = argc > 1 ? std::atoi(argv[1]) : 8090;
  auto const shard_count = argc > 2 ? static_cast<unsigned>(std::atoi(argv[2])) : 1u;
  sigset_t stop;
  ::sigemptyset(&stop);
  ::sigaddset(&stop, SIGTERM);
  ::sigaddset(&stop, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  ::signal(SIGPIPE, SIG_IGN);

  log::settings log_settings;
  log_settings.output = "/dev/null";
  log_settings.access.sample = argc > 4 ? static_cast<std::uint32_t>(std::atoi(argv[4])) : 100;
  log::journal journal{log_settings};
  log::access_log access{journal, log_settings.access};
  shards on{shard_count};
  metrics::registry all{on.size()};
  db::settings database_settings;
  bool const with_database = argc > 3 && argv[3][0] != '\0';
  if (with_database) database_settings.url = argv[3];
  std::unique_ptr<db::database> const database{with_database ? new db::database(db::connect(database_settings, on)) : nullptr};
  bench::pages pages{database.get()};
  api::router router;
  bench::routes(router, pages, with_database);
  std::vector<std::string> patterns;
  for (auto const& r : router.table().routes()) patterns.push_back(r->pattern);
  metrics::http_metrics http_metrics{all, std::move(patterns)};
  api::observation observation{on.size(), {access, http_metrics}};
  auto const security = content::make_security_headers();
  content::rate_limiter limits{{.everyone = {1'000'000'000, std::chrono::seconds{1}}}, on.size()};
  http::server server{on, {.listen = {fmt::format("127.0.0.1:{}", port)}}, {router.table(), {&observation, security.get(), &limits}, api::write_error_page, api::write_exception}};
  server.start();
  fmt::print("{}\n", server.addresses()[0]);
  std::fflush(stdout);
  int got = 0;
  ::sigwait(&stop, &got);
  server.stop();
}
