// What one row costs through the typed layer, all in. Under callgrind, the difference between two counts of queries
// divided by the difference of the counts is the instructions of one (see one_row.sh).
//   one_row <url> <tasks at once> <queries of each task>
#include <slipway/core/one_shot.hpp>
#include <slipway/db/database.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace bench {

struct world {
  int id = 0;
  int randomnumber = 0;
};
BOOST_DESCRIBE_STRUCT(world, (), (id, randomnumber))

}  // namespace bench

template <>
inline constexpr auto slipway::db::table_of<bench::world> = table<bench::world>("world");

namespace {

using namespace slipway;
using bench::world;
using db::col;

task<> client(db::database& d, int queries, unsigned seed, int& running, one_shot& done) {
  for (int i = 0; i < queries; ++i) {
    seed = seed * 1664525 + 1013904223;
    auto const n = static_cast<int>((seed >> 8) % 10'000) + 1;
    auto const row = co_await d.from<world>().where(col<&world::id> == n).one();
    if (!row || row->id != n) std::abort();
  }
  if (--running == 0) done.fire();
}

task<> all(db::database& d, int tasks, int queries) {
  one_shot done;
  int running = tasks;
  for (int i = 0; i < tasks; ++i) start_detached(client(d, queries, static_cast<unsigned>(i), running, done));
  co_await done;
}

task<> prepare(db::database& d) {
  if (d.dialect() == db::dialect::postgres) {
    co_await d.script(
        "create table if not exists world (id integer primary key, randomnumber integer not null);"
        "insert into world select i, i * 7 from generate_series(1, 10000) i on conflict do nothing;");
  } else {
    co_await d.script(
        "create table if not exists world (id integer primary key, randomnumber integer not null);"
        "insert or ignore into world with recursive n (i) as (select 1 union all select i + 1 from n limit 10000) "
        "select i, i * 7 from n;");
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: one_row <url> <tasks at once> <queries of each>\n");
    return 64;
  }
  shards on{1};
  auto d = db::connect({.url = argv[1]}, on);
  on.run(prepare(d));
  auto const tasks = std::atoi(argv[2]), queries = std::atoi(argv[3]);
  auto const began = std::chrono::steady_clock::now();
  on.run(all(d, tasks, queries));
  auto const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  std::printf("%s: %d rows in %.3f s, %.0f a second\n", d.description().c_str(), tasks * queries, seconds,
              tasks * queries / seconds);
}
