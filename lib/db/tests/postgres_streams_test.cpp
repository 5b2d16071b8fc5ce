// COPY in and out, cursors, LISTEN and NOTIFY.
#include "server_case.hpp"

#include <malloc.h>

#include <algorithm>
#include <atomic>

#if __has_feature(address_sanitizer)
#include <sanitizer/allocator_interface.h>
#endif

namespace slipway::db::tests {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

// Octets that are allocated now.
std::size_t allocated() {
#if __has_feature(address_sanitizer)
  return __sanitizer_get_current_allocated_bytes();
#else
  auto const all = ::mallinfo2();
  return all.uordblks + all.hblkhd;
#endif
}

class postgres_streams : public postgres_case {};

struct flow {
  std::size_t lines = 0, bytes = 0, most_memory = 0;
};

task<flow> drain(session& db, std::string sql) {
  auto out = co_await db.copy_out(std::move(sql));
  flow seen;
  for (auto piece = co_await out.next(); !piece.empty(); piece = co_await out.next()) {
    seen.lines += static_cast<std::size_t>(std::ranges::count(piece, '\n'));
    seen.bytes += piece.size();
    seen.most_memory = std::max(seen.most_memory, allocated());
  }
  EXPECT_TRUE((co_await out.next()).empty());
  co_return seen;
}

task<std::size_t> count_lines(session& db, std::string sql) { co_return (co_await drain(db, std::move(sql))).lines; }

TEST_F(postgres_streams, copy_in_and_out) {
  auto const copied = run([](database& db) -> task<std::int64_t> {
    auto in = co_await db.copy_in("copy counters (id, name, value) from stdin with (format csv)");
    for (int i = 1; i <= 20'000; ++i) {
      auto const line =
          std::to_string(i) + ",\"name, \"\"" + std::to_string(i) + "\"\"\"," + std::to_string(i * 2) + "\n";
      co_await in.write(std::string_view{line}.substr(0, 5));  // wherever the pieces end
      co_await in.write(std::string_view{line}.substr(5));
    }
    co_return co_await in.finish();
  }(*db_));
  EXPECT_EQ(copied, 20'000);
  EXPECT_EQ(run(db_->from<counter>().where(col<&counter::id> == 777).one())->name, "name, \"777\"");
  EXPECT_EQ(run(count_lines(*db_, "copy (select * from counters order by id) to stdout with (format csv)")), 20'000u);
  EXPECT_EQ(run(count_lines(*db_, "copy (select 1 where false) to stdout")), 0u);
  // The connection is an ordinary one again.
  run(db_->transaction([](transaction& tx) -> task<> {
    EXPECT_EQ((co_await tx.query("show statement_timeout"))[0].get<std::string>(0), "30s");
    EXPECT_EQ(co_await count_lines(tx, "copy (select i from generate_series(1, 10) i) to stdout"), 10u);
    EXPECT_EQ((co_await tx.query("show statement_timeout"))[0].get<std::string>(0), "30s");
    EXPECT_EQ((co_await tx.query("select count(*) from counters"))[0].get<int>(0), 20'000);
  }));
  EXPECT_EQ(db_->use().in_use, 0u);
}

TEST_F(postgres_streams, copy_in_a_transaction_is_undone_with_it) {
  EXPECT_THROW(run(db_->transaction([](transaction& tx) -> task<> {
                 auto in = co_await tx.copy_in("copy counters (id, name, value) from stdin");
                 co_await in.write("1\ta\t1\n2\tb\t2\n");
                 EXPECT_EQ(co_await in.finish(), 2);
                 EXPECT_EQ(co_await tx.from<counter>().count(), 2);
                 throw std::runtime_error{"no"};
               })),
               std::runtime_error);
  EXPECT_EQ(run(db_->from<counter>().count()), 0);
}

TEST_F(postgres_streams, what_the_server_remarks_on_every_row_that_comes_in_is_not_kept) {
  run(db_->script(R"(
    create function remark() returns trigger language plpgsql as
      $$ begin raise warning '%', repeat('x', 2000); return new; end $$;
    create trigger remarks before insert on counters for each row execute function remark())"));
  auto const rows = run([](database& db) -> task<std::int64_t> {
    auto const before = allocated();
    std::string const name(2'000, 'y');  // more than fits between us and the server, so that both have to wait
    auto in = co_await db.copy_in("copy counters (id, name, value) from stdin");
    for (int i = 1; i <= 20'000; ++i) {
      co_await in.write(std::to_string(i) + "\t" + name + std::to_string(i) + "\t1\n");
      EXPECT_LT(allocated(), before + (8u << 20));
    }
    co_return co_await in.finish();
  }(*db_));
  EXPECT_EQ(rows, 20'000);
}

TEST_F(postgres_streams, memory_stays_bounded_however_much_flows) {
  auto const before = allocated();
  auto const seen = run(drain(*db_, "copy (select repeat('x', 1000) from generate_series(1, 150000)) to stdout"));
  EXPECT_EQ(seen.lines, 150'000u);
  EXPECT_EQ(seen.bytes, 150'000u * 1001);
  EXPECT_LT(seen.most_memory, before + (4u << 20));
  // A reader that takes its time makes the server wait.
  run([](database& db) -> task<> {
    auto out = co_await db.copy_out("copy (select repeat('x', 1000) from generate_series(1, 300000)) to stdout");
    EXPECT_FALSE((co_await out.next()).empty());
    auto const early = allocated();
    co_await sleep_for(300ms);
    EXPECT_LT(allocated(), early + (1u << 20));
    EXPECT_FALSE((co_await out.next()).empty());
  }(*db_));
  run(db_->script("create table sink (x text)"));
  auto const rows = run([](database& db) -> task<std::int64_t> {
    auto const before_writing = allocated();
    std::string const part(1 << 20, 'y');
    auto in = co_await db.copy_in("copy sink from stdin");
    for (int i = 0; i < 100; ++i) {
      co_await in.write(part);
      co_await in.write("\n");
      EXPECT_LT(allocated(), before_writing + (8u << 20));
    }
    co_return co_await in.finish();
  }(*db_));
  EXPECT_EQ(rows, 100);
}

TEST_F(postgres_streams, errors_in_the_middle_store_nothing) {
  EXPECT_THROW(run([](database& db) -> task<> {
                 auto in = co_await db.copy_in("copy counters (id, name, value) from stdin");
                 for (int i = 1; i < 5000; ++i)
                   co_await in.write(std::to_string(i) + "\tn" + std::to_string(i) + "\t1\n");
                 co_await in.write("no number\tx\t1\n");
                 for (int i = 5000; i < 50'000; ++i)
                   co_await in.write(std::to_string(i) + "\tn" + std::to_string(i) + "\t1\n");
                 co_await in.finish();
               }(*db_)),
               input_error);
  EXPECT_EQ(run(db_->from<counter>().count()), 0);
  EXPECT_THROW(run(count_lines(*db_, "copy (select 1 / (1000 - i) from generate_series(1, 2000) i) to stdout")),
               value_error);
  EXPECT_THROW(run([](database& db) -> task<> { co_await db.copy_in("copy no_such_table from stdin"); }(*db_)), error);
  auto const wrong_way = [](database& db) -> task<> { co_await db.copy_in("copy counters to stdout"); };
  EXPECT_THAT([&] { run(wrong_way(*db_)); }, ThrowsMessage<error>(HasSubstr("FROM STDIN")));
  auto const none = [](database& db) -> task<> { co_await db.copy_out("select 1"); };
  EXPECT_THAT([&] { run(none(*db_)); }, ThrowsMessage<error>(HasSubstr("TO STDOUT")));
  // Left without a finish.
  run([](database& db) -> task<> {
    auto in = co_await db.copy_in("copy counters (id, name, value) from stdin");
    co_await in.write("1\ta\t1\n");
  }(*db_));
  EXPECT_EQ(run(db_->from<counter>().count()), 0);
  EXPECT_EQ(db_->use().in_use, 0u);
}

TEST_F(postgres_streams, a_deadline_ends_a_copy) {
  auto const began = std::chrono::steady_clock::now();
  EXPECT_THROW(run([](database& db) -> task<> {
                 context limit;
                 limit.deadline = std::chrono::steady_clock::now() + 300ms;
                 one_shot over;
                 std::exception_ptr error;
                 start_detached(
                     [](database& d, std::exception_ptr& out, one_shot& done) -> task<> {
                       try {
                         co_await count_lines(d, "copy (select pg_sleep(20)) to stdout");
                       } catch (...) {
                         out = std::current_exception();
                       }
                       done.fire();
                     }(db, error, over),
                     &limit);
                 co_await over;
                 if (error) std::rethrow_exception(error);
               }(*db_)),
               cancelled_error);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
  EXPECT_EQ(run(count_lines(*db_, "copy (select 1) to stdout")), 1u);
  // And at the server as well: nobody sleeps there any more.
  run([](database& db) -> task<> {
    for (int i = 0; i < 200; ++i) {
      auto const left = co_await db.query_once(
          "select count(*) from pg_stat_activity where query like '%pg_sleep(20)%' and pid <> pg_backend_pid() and "
          "state = 'active'");
      if (left[0].get<int>(0) == 0) co_return;
      co_await sleep_for(20ms);
    }
    ADD_FAILURE() << "the server still works for nobody";
  }(*db_));
}

TEST_F(postgres_streams, a_copy_may_take_longer_than_a_statement) {
  settings_.statement_timeout = 200ms;
  open();
  // Enough that the flow has begun, and then nothing for longer than any statement may be silent.
  auto const lines = run(count_lines(*db_,
                                     "copy (select repeat('x', 10000) from generate_series(1, 10) union all select "
                                     "pg_sleep(6)::text) to stdout"));
  EXPECT_EQ(lines, 11u);
}

TEST_F(postgres_streams, other_engines_say_that_they_have_none) {
  database lite{connect({.url = "sqlite::memory:"}, shards_)};
  auto const copy = [](database& db) -> task<> { co_await db.copy_out("copy x to stdout"); };
  EXPECT_THAT([&] { run(copy(lite)); }, ThrowsMessage<error>(HasSubstr("PostgreSQL")));
  auto const hear = [](database& db) -> task<> { co_await db.listen({"x"}); };
  EXPECT_THAT([&] { run(hear(lite)); }, ThrowsMessage<error>(HasSubstr("PostgreSQL")));
  EXPECT_EQ(run([](database& db) -> task<std::size_t> {
              auto stream = co_await db.stream("select 1 as a union all select $1", {2}, 1);
              std::size_t count = 0;
              for (auto part = co_await stream.next(); !part.empty(); part = co_await stream.next())
                count += part.size();
              co_return count;
            }(lite)),
            2u);
}

TEST_F(postgres_streams, a_cursor_gives_batches_of_one_moment) {
  run(db_->script("insert into counters select i, 'n' || i, i from generate_series(1, 2500) i"));
  auto const seen = run([](database& db) -> task<std::vector<std::size_t>> {
    std::vector<std::size_t> sizes;
    std::int64_t next = 1;
    auto stream = co_await db.stream("select id from counters where id > $1 order by id", {0}, 1000);
    for (auto part = co_await stream.next(); !part.empty(); part = co_await stream.next()) {
      sizes.push_back(part.size());
      for (auto row : part) EXPECT_EQ(row.get<std::int64_t>(0), next++);
      if (sizes.size() == 1) co_await db.execute("delete from counters");
    }
    co_return sizes;
  }(*db_));
  EXPECT_THAT(seen, testing::ElementsAre(1000, 1000, 500));
  EXPECT_EQ(db_->use().in_use, 0u);
  // Within a transaction, two at once; closed early.
  run(db_->transaction([](transaction& tx) -> task<> {
    auto a = co_await tx.stream("select i from generate_series(1, 10) i", {}, 4);
    auto b = co_await tx.stream("select i from generate_series(11, 12) i", {}, 4);
    EXPECT_EQ((co_await a.next()).size(), 4u);
    EXPECT_EQ((co_await b.next())[0].get<int>(0), 11);
    EXPECT_EQ((co_await a.next())[0].get<int>(0), 5);
    co_await a.close();
    EXPECT_TRUE((co_await a.next()).empty());
    EXPECT_TRUE((co_await b.next()).empty());
  }));
  EXPECT_THROW(run([](database& db) -> task<> { co_await db.stream("select * from no_such_table"); }(*db_)), error);
  EXPECT_EQ(db_->use().in_use, 0u);
  // Left in the middle.
  run([](database& db) -> task<> {
    auto stream = co_await db.stream("select i from generate_series(1, 100000) i", {}, 10);
    co_await stream.next();
  }(*db_));
  EXPECT_EQ(db_->use().in_use, 0u);
  run(db_->transaction([](transaction& tx) -> task<> { co_await tx.query("select 1"); }));
}

// What was told of the statements of a stream.
class stream_watch final : public observer {
 public:
  void on_query(query_event const& event) noexcept override {
    texts.emplace_back(event.sql);
    lines.push_back(event.at.line());
  }
  std::vector<std::string> texts;
  std::vector<unsigned> lines;
};

TEST_F(postgres_streams, a_cursor_is_told_with_its_query_and_the_line_that_asked) {
  stream_watch watch;
  settings_.watch = &watch;
  open();
  unsigned line = 0;
  run([](database& db, stream_watch& seen, unsigned& at) -> task<> {
    at = __LINE__ + 1;
    auto stream = co_await db.stream("select i, '*/' from generate_series(1, 5) as i", {}, 2);
    seen.texts.clear();
    seen.lines.clear();
    while (!(co_await stream.next()).empty()) {}
  }(*db_, watch, line));
  db_.reset();
  ASSERT_GE(watch.texts.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_THAT(watch.texts[i], AllOf(HasSubstr("fetch forward 2"), HasSubstr("generate_series(1, 5)")));
    EXPECT_EQ(watch.lines[i], line);
  }
}

TEST_F(postgres_streams, notifications_are_heard) {
  run([](database& db) -> task<> {
    auto const listening = co_await db.listen({"orders", "odd \"name\""});
    co_await db.notify("orders", "1");
    co_await db.notify("nobody", "x");
    co_await db.notify("odd \"name\"", "ü");
    auto first = co_await listening->next();
    EXPECT_EQ(first.channel + "/" + first.payload, "orders/1");
    auto second = co_await listening->next();
    EXPECT_EQ(second.channel + "/" + second.payload, "odd \"name\"/ü");
    // With the transaction or not at all.
    try {
      co_await db.transaction([](transaction& tx) -> task<> {
        co_await tx.notify("orders", "undone");
        throw std::runtime_error{"no"};
      });
    } catch (std::runtime_error const&) {}
    co_await db.transaction([](transaction& tx) -> task<> { co_await tx.notify("orders", "2"); });
    EXPECT_EQ((co_await listening->next()).payload, "2");
  }(*db_));
  EXPECT_THROW(run([](database& db) -> task<> { co_await db.listen({}); }(*db_)), error);
}

TEST_F(postgres_streams, too_many_notifications_leave_a_gap) {
  run([](database& db) -> task<> {
    auto const listening = co_await db.listen({"many"}, 10);
    co_await db.query_once("select pg_notify('many', i::text) from generate_series(1, 100) i");
    co_await db.notify("many", "last");
    for (int i = 1; i <= 10; ++i) EXPECT_EQ((co_await listening->next()).payload, std::to_string(i));
    EXPECT_EQ((co_await listening->next()).what, notification::kind::gap);
    co_await db.notify("many", "again");
    for (;;)
      if ((co_await listening->next()).payload == "again") break;
  }(*db_));
}

TEST_F(postgres_streams, a_burst_of_notifications_is_heard_whole_and_in_order_while_the_shard_is_busy) {
  constexpr int all = 20'000;
  run([](database& db, std::string url) -> task<> {
    auto const listening = co_await db.listen({"many"}, all);
    std::atomic<bool> is_said{false};
    std::jthread const other{[&] {
      shards own{1};
      auto there = connect({.url = url}, own);
      for (int from = 1; from <= all; from += 1'000)  // more than a socket holds, in one go each
        own.run(there.query(
            "select pg_notify('many', i || ' ' || repeat('x', 300)) from generate_series($1, $1 + 999) i", {from}));
      is_said = true;
    }};
    while (!is_said) {
      auto const until = std::chrono::steady_clock::now() + 20ms;
      while (std::chrono::steady_clock::now() < until) {}
      co_await db.query("select 1");
    }
    for (int i = 1; i <= all; ++i) {
      auto const heard = co_await listening->next();
      if (heard.payload == std::to_string(i) + " " + std::string(300, 'x')) continue;
      ADD_FAILURE() << "instead of " << i << ": " << heard.payload;
      co_return;
    }
    co_await db.notify("many", "and one more");
    EXPECT_EQ((co_await listening->next()).payload, "and one more");
  }(*db_, settings_.url));
}

TEST_F(postgres_streams, a_listener_that_was_cut_off_says_so_and_hears_again) {
  settings_.idle_check = 200ms;
  open();
  run([](database& db) -> task<> {
    auto const listening = co_await db.listen({"orders"});
    co_await db.query_once("select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen \"orders\"'");
    EXPECT_EQ((co_await listening->next()).what, notification::kind::gap);
    co_await db.notify("orders", "after");
    EXPECT_EQ((co_await listening->next()).payload, "after");
    // The looks at the connection are no messages.
    co_await sleep_for(600ms);
    co_await db.notify("orders", "later");
    EXPECT_EQ((co_await listening->next()).payload, "later");
    context limit;
    limit.deadline = std::chrono::steady_clock::now();
    one_shot over;
    bool cancelled = false;
    start_detached(
        [](listener& on, bool& was, one_shot& done) -> task<> {
          try {
            co_await on.next();
          } catch (cancelled_error const&) {
            was = true;
          }
          done.fire();
        }(*listening, cancelled, over),
        &limit);
    limit.cancel(cancel_reason::deadline);
    co_await over;
    EXPECT_TRUE(cancelled);
  }(*db_));
}

}  // namespace
}  // namespace slipway::db::tests
