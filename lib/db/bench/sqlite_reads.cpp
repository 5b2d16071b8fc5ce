// What a read of SQLite costs through the typed layer, through SQL by hand, and through SQLite's own C interface, with the
// same settings and into the same structs. Prints the median of the rounds as JSON, nanoseconds of CPU for each read.
//   db_sqlite_reads <rounds> <seconds of a round>
#include <slipway/core/errors.hpp>
#include <slipway/db/database.hpp>

#include <sqlite3.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <stdexcept>

namespace bench {

struct book {
  std::int32_t id = 0;
  std::int32_t author_id = 0;
  std::string title;
  std::int32_t pages = 0;
};
BOOST_DESCRIBE_STRUCT(book, (), (id, author_id, title, pages))

}  // namespace bench

template <>
inline constexpr auto slipway::db::table_of<bench::book> = table<bench::book>("book");

namespace {

using namespace slipway;
using bench::book;
using db::col;

double cpu_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

struct numbers {
  unsigned seed = 1;
  int next(unsigned most) {
    seed = seed * 1664525 + 1013904223;
    return static_cast<int>((seed >> 8) % most) + 1;
  }
};

void expect(bool right) {
  if (!right) throw std::runtime_error{"a read gave other rows than it should"};
}

// SQLite's own interface, used as its documentation shows it.
class c_reader {
 public:
  explicit c_reader(std::string const& path) {
    check(sqlite3_open_v2(path.c_str(), &handle_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr));
    one_ = prepare("select id, author_id, title, pages from book where id = ?");
    range_ = prepare("select id, author_id, title, pages from book where id >= ? order by id limit 20");
    of_author_ = prepare("select id, author_id, title, pages from book where author_id = ?");
  }
  c_reader(c_reader const&) = delete;
  c_reader& operator=(c_reader const&) = delete;
  ~c_reader() {
    for (auto* each : {one_, range_, of_author_}) sqlite3_finalize(each);
    sqlite3_close(handle_);
  }
  void one(int id) { expect(rows(one_, id).at(0).id == id); }
  void range(int id) { expect(rows(range_, id).size() == 20); }
  void of_author(int id) { expect(rows(of_author_, id).size() == 100); }

 private:
  void check(int code) {
    if (code != SQLITE_OK) throw std::runtime_error{sqlite3_errmsg(handle_)};
  }
  sqlite3_stmt* prepare(char const* sql) {
    sqlite3_stmt* made = nullptr;
    check(sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr));
    return made;
  }
  std::vector<book> rows(sqlite3_stmt* of, int parameter) {
    check(sqlite3_bind_int(of, 1, parameter));
    std::vector<book> out;
    int code = 0;
    while ((code = sqlite3_step(of)) == SQLITE_ROW)
      out.push_back({sqlite3_column_int(of, 0), sqlite3_column_int(of, 1),
                     std::string{reinterpret_cast<char const*>(sqlite3_column_text(of, 2)),
                                 static_cast<std::size_t>(sqlite3_column_bytes(of, 2))},
                     sqlite3_column_int(of, 3)});
    sqlite3_reset(of);
    if (code != SQLITE_DONE) check(code);
    return out;
  }

  sqlite3* handle_ = nullptr;
  sqlite3_stmt *one_, *range_, *of_author_;
};

task<> typed_one(db::database& d, int id) {
  auto const found = co_await d.find<book>(id);
  expect(found && found->id == id);
}
task<> typed_range(db::database& d, int id) {
  auto const found = co_await d.from<book>().where(col<&book::id> >= id).order_by(db::asc<&book::id>).limit(20).all();
  expect(found.size() == 20);
}
task<> typed_of_author(db::database& d, int id) {
  auto const found = co_await d.from<book>().where(col<&book::author_id> == id).all();
  expect(found.size() == 100);
}

std::vector<book> by_hand(db::rows const& found) {
  std::vector<book> out;
  out.reserve(found.size());
  auto const small = [](db::cell const& from) { return static_cast<std::int32_t>(from.integer); };
  for (std::size_t i = 0; i < found.size(); ++i)
    out.push_back(
        {small(found.at(i, 0)), small(found.at(i, 1)), std::string{found.at(i, 2).text}, small(found.at(i, 3))});
  return out;
}
task<> raw_one(db::database& d, int id) {
  expect(by_hand(co_await d.query("select id, author_id, title, pages from book where id = $1", {id})).at(0).id == id);
}
task<> raw_range(db::database& d, int id) {
  expect(by_hand(
             co_await d.query("select id, author_id, title, pages from book where id >= $1 order by id limit 20", {id}))
             .size() == 20);
}
task<> raw_of_author(db::database& d, int id) {
  expect(by_hand(co_await d.query("select id, author_id, title, pages from book where author_id = $1", {id})).size() ==
         100);
}

using read = task<> (*)(db::database&, int);

task<> repeat(db::database& d, read what, numbers& from, unsigned most, int times) {
  for (int i = 0; i < times; ++i) co_await what(d, from.next(most));
}

struct scenario {
  char const* what;
  unsigned most;
  void (c_reader::*c)(int);
  read raw, typed;
};

constexpr scenario scenarios[] = {
    {"one row", 10'000, &c_reader::one, &raw_one, &typed_one},
    {"20 rows", 9'900, &c_reader::range, &raw_range, &typed_range},
    {"100 rows of an author", 100, &c_reader::of_author, &raw_of_author, &typed_of_author},
};

// Of one read, while `batch` reads so many are repeated for so long.
double cost(double seconds, std::function<void(int)> const& batch) {
  constexpr int at_once = 1000;  // the shard has a thread of its own, which is woken for each batch
  auto const from = cpu_ns();
  double spent = 0;
  double count = 0;
  while (spent < seconds * 1e9) {
    batch(at_once);
    count += at_once;
    spent = cpu_ns() - from;
  }
  return spent / count;
}

double median(std::vector<double> of) {
  std::ranges::sort(of);
  return of[of.size() / 2];
}

task<> fill(db::database& d) {
  co_await d.script(
      "create table book (id integer primary key, author_id integer not null, title text not null, pages integer not "
      "null);"
      "insert into book with recursive n (i) as (select 1 union all select i + 1 from n limit 10000) "
      "select i, i % 100 + 1, 'The ' || i || 'th book of the library', i % 900 from n;"
      "create index book_author on book (author_id);"
      "analyze;");
}

void measure(std::string const& path, int rounds, double seconds) {
  shards on{1};
  auto d = db::connect({.url = "sqlite:" + path}, on);
  on.run(fill(d));
  c_reader c{path};
  char const* separator = "[";
  for (auto const& s : scenarios) {
    std::vector<double> times[3];
    for (int round = 0; round < rounds; ++round) {
      numbers same;
      times[0].push_back(cost(seconds, [&](int n) {
        for (int i = 0; i < n; ++i) (c.*s.c)(same.next(s.most));
      }));
      for (auto const& [way, at] : {std::pair{s.raw, 1}, std::pair{s.typed, 2}})
        times[at].push_back(cost(seconds, [&](int n) { on.run(repeat(d, way, same, s.most, n)); }));
    }
    std::printf("%s{\"what\": \"%s\", \"c\": %.1f, \"raw\": %.1f, \"typed\": %.1f}", separator, s.what,
                median(times[0]), median(times[1]), median(times[2]));
    separator = ",\n ";
  }
  std::printf("]\n");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: db_sqlite_reads <rounds> <seconds of a round>\n");
    return 64;
  }
  auto const folder = std::filesystem::temp_directory_path() / ("slipway-sqlite-reads-" + std::to_string(::getpid()));
  int failed = 0;
  try {
    std::filesystem::create_directory(folder);
    measure((folder / "books.db").string(), std::max(1, std::atoi(argv[1])), std::atof(argv[2]));
  } catch (startup_error const& error) {
    std::fprintf(stderr, "db_sqlite_reads: %s\n", error.what());
    failed = 1;
  } catch (std::exception const& error) {
    std::fprintf(stderr, "db_sqlite_reads: %s\n", error.what());
    failed = 1;
  }
  std::error_code ignored;  // a folder of the temporary directory
  std::filesystem::remove_all(folder, ignored);
  return failed;
}
