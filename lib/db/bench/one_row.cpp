// What one row costs through the typed layer, all in. Under callgrind, the difference between two counts of queries
// divided by the difference of the counts is the instructions of one (see one_row.sh).
//   one_row <url> <tasks at once> <queries of each task> [typed | raw | children]
// raw: the driver beneath the typed layer, with a statement that is there already and cells read by hand.
// children: one parent and its 100 rows of another table, loaded as a relation.
#include <slipway/core/one_shot.hpp>
#include <slipway/db/database.hpp>
#include <slipway/db/engines.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace bench {

struct child {
  int id = 0;
  int world_id = 0;
  std::string title;
};
BOOST_DESCRIBE_STRUCT(child, (), (id, world_id, title))

struct world {
  int id = 0;
  int randomnumber = 0;
  slipway::db::many<child> children;
};
BOOST_DESCRIBE_STRUCT(world, (), (id, randomnumber))

}  // namespace bench

template <>
inline constexpr auto slipway::db::table_of<bench::child> = table<bench::child>("child");
template <>
inline constexpr auto slipway::db::table_of<bench::world> =
    table<bench::world>("world").has_many<&bench::world::children>(&bench::child::world_id);

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

task<> family(db::database& d, int queries, int& running, one_shot& done) {
  for (int i = 0; i < queries; ++i) {
    auto const row = co_await d.from<world>().where(col<&world::id> == i % 10 + 1).with<&world::children>().one();
    if (!row || row->children.size() != 100) std::abort();
  }
  if (--running == 0) done.fire();
}

class raw_call : public db::operation {
 public:
  raw_call(db::engine& on, db::statement const& text, db::values const& values) : on_{on} {
    what = &text;
    parameters = &values;
  }
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> self) {
    waiting = self;
    return on_.start(*this);
  }
  db::rows await_resume() {
    if (error) std::rethrow_exception(error);
    return std::move(answer);
  }

 private:
  db::engine& on_;
};

task<> raw_client(db::engine& e, db::statement const& text, int queries, unsigned seed, int& running, one_shot& done) {
  for (int i = 0; i < queries; ++i) {
    seed = seed * 1664525 + 1013904223;
    auto const n = static_cast<int>((seed >> 8) % 10'000) + 1;
    db::values const parameters{n};
    raw_call call{e, text, parameters};
    auto const found = co_await call;
    world row;
    row.id = static_cast<int>(found.at(0, 0).integer);
    row.randomnumber = static_cast<int>(found.at(0, 1).integer);
    if (row.id != n) std::abort();
  }
  if (--running == 0) done.fire();
}

task<> all(db::database& d, int tasks, int queries, bool children) {
  one_shot done;
  int running = tasks;
  for (int i = 0; i < tasks; ++i)
    start_detached(children ? family(d, queries, running, done)
                            : client(d, queries, static_cast<unsigned>(i), running, done));
  co_await done;
}

task<> all_raw(db::engine& e, db::statement const& text, int tasks, int queries) {
  one_shot done;
  int running = tasks;
  for (int i = 0; i < tasks; ++i) start_detached(raw_client(e, text, queries, static_cast<unsigned>(i), running, done));
  co_await done;
}

task<> prepare(db::database& d) {
  if (d.dialect() == db::dialect::postgres) {
    co_await d.script(
        "create table if not exists world (id integer primary key, randomnumber integer not null);"
        "insert into world select i, i * 7 from generate_series(1, 10000) i on conflict do nothing;"
        "create table if not exists child (id integer primary key, world_id integer not null, title text not null);"
        "create index if not exists child_world on child (world_id);"
        "insert into child select i, i % 10 + 1, 'child number ' || i from generate_series(1, 1000) i on conflict do "
        "nothing;");
  } else {
    co_await d.script(
        "create table if not exists world (id integer primary key, randomnumber integer not null);"
        "insert or ignore into world with recursive n (i) as (select 1 union all select i + 1 from n limit 10000) "
        "select i, i * 7 from n;"
        "create table if not exists child (id integer primary key, world_id integer not null, title text not null);"
        "create index if not exists child_world on child (world_id);"
        "insert or ignore into child with recursive n (i) as (select 1 union all select i + 1 from n limit 1000) "
        "select i, i % 10 + 1, 'child number ' || i from n;");
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: one_row <url> <tasks at once> <queries of each> [typed | raw | children]\n");
    return 64;
  }
  std::string_view const mode = argc > 4 ? argv[4] : "typed";
  shards on{1};
  auto d = db::connect({.url = argv[1]}, on);
  on.run(prepare(d));
  auto const tasks = std::atoi(argv[2]), queries = std::atoi(argv[3]);
  auto const began = std::chrono::steady_clock::now();
  if (mode == "raw") {
    db::settings const same{.url = argv[1]};
    auto const engine = std::string_view{argv[1]}.starts_with("sqlite") ? db::detail::make_sqlite(same, on)
                                                                        : db::detail::make_postgres(same, on);
    db::statement const text{.sql = R"(select "id", "randomnumber" from "world" where "id" = $1 limit 1)",
                             .signature = {db::value_kind::integer},
                             .id = 1,
                             .reads = true};
    on.run(all_raw(*engine, text, tasks, queries));
  } else {
    on.run(all(d, tasks, queries, mode == "children"));
  }
  auto const seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  std::printf("%s: %d rows in %.3f s, %.0f a second\n", d.description().c_str(), tasks * queries, seconds,
              tasks * queries / seconds);
}
