#include <slipway/core/errors.hpp>
#include <slipway/core/one_shot.hpp>
#include <slipway/runtime/blocking_pool.hpp>
#include <slipway/runtime/shards.hpp>
#include <slipway/runtime/yield.hpp>

#include <gtest/gtest.h>

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <latch>
#include <set>

using namespace slipway;
using namespace std::chrono_literals;

namespace {

task<std::string> outcome_of(task<> work) {
  try {
    co_await std::move(work);
  } catch (cancelled_error const& error) {
    co_return std::string{"cancelled: "} + error.what();
  } catch (std::exception const& error) {
    co_return error.what();
  }
  co_return "done";
}
task<> keep_outcome(task<> work, std::string& out, std::binary_semaphore& done) {
  out = co_await outcome_of(std::move(work));
  done.release();
}
task<unsigned> index_here() { co_return shard::current().index(); }
task<> fails() {
  throw std::runtime_error{"broken"};
  co_return;
}
task<std::thread::id> thread_of_pool(blocking_pool& pool) {
  auto const home = std::this_thread::get_id();
  auto const there = co_await pool.run([] { return std::this_thread::get_id(); });
  EXPECT_EQ(std::this_thread::get_id(), home) << "the caller goes on on its own shard";
  EXPECT_NE(there, home);
  co_return there;
}
task<> throw_in_pool(blocking_pool& pool) {
  co_await pool.run([] { throw std::runtime_error{"from the pool"}; });
}
task<> block_in_pool(blocking_pool& pool, std::latch& started, std::latch& release) {
  co_await pool.run([&] {
    started.count_down();
    release.wait();
  });
}
task<> nothing_in_pool(blocking_pool& pool) {
  co_await pool.run([] {});
}

}  // namespace

TEST(shards, one_thread_each_and_tasks_run_on_them) {
  shards all{3};
  EXPECT_EQ(all.size(), 3u);
  EXPECT_FALSE(shard::on_a_shard());
  EXPECT_EQ(all.run(index_here()), 0u);
  EXPECT_THROW(all.run(fails()), std::runtime_error);
  std::set<std::thread::id> threads;
  all.on_each([&](shard& s) {
    EXPECT_EQ(&shard::current(), &s);
    threads.insert(std::this_thread::get_id());
  });
  EXPECT_EQ(threads.size(), 3u);
  EXPECT_THROW(all.on_each([](shard&) { throw std::runtime_error{"x"}; }), std::runtime_error);
  per_shard<int> numbers{all.size()};
  all.on_each([&](shard& s) { numbers.local() = static_cast<int>(s.index()) + 1; });
  EXPECT_EQ(numbers[0] + numbers[1] + numbers[2], 6);
}

TEST(shards, work_that_is_left_is_freed) {
  auto alive = std::make_shared<int>(1);
  {
    shards all{1};
    all[0].post([] {});
    std::latch posted{1};
    all[0].post([&, alive] {
      all[0].stop();  // what comes after is never run
      posted.count_down();
    });
    posted.wait();
    all[0].post([alive] {});
  }
  EXPECT_EQ(alive.use_count(), 1);
}

TEST(sleep, ends_when_its_time_has_come) {
  shards all{1};
  auto const before = std::chrono::steady_clock::now();
  all.run(sleep_for(20ms));
  EXPECT_GE(std::chrono::steady_clock::now() - before, 20ms);
}

TEST(sleep, is_cut_short_by_cancellation) {
  shards all{1};
  context operation;
  std::string out;
  std::binary_semaphore done{0};
  all[0].spawn(keep_outcome(sleep_for(1h), out, done), &operation);
  all[0].post([&] { operation.cancel(cancel_reason::deadline); });
  done.acquire();
  EXPECT_EQ(out, "cancelled: the deadline passed");
}

namespace {

void cancel_after(shard& s, context& operation, int turns) {
  if (turns == 0) return operation.cancel(cancel_reason::client_gone);
  s.post([&s, &operation, turns] { cancel_after(s, operation, turns - 1); });
}

// In a process of its own, as a user of its own, who may have one thread more than the process.
[[noreturn]] void make_a_pool_of_too_many_threads() {
  ::alarm(60);  // a constructor that waits for ever is ended by it, and that is seen
  rlimit const few{.rlim_cur = 2, .rlim_max = 2};
  auto const nobody_else = static_cast<uid_t>(100'000 + ::getpid());
  if (::setrlimit(RLIMIT_NPROC, &few) != 0 || ::setresuid(nobody_else, nobody_else, nobody_else) != 0) ::_exit(1);
  try {
    blocking_pool const pool{"large", {.threads = 8, .queue = 4}};
    ::_exit(0);
  } catch (startup_error const& error) {
    std::fprintf(stderr, "%s\n", error.what());
    ::_exit(static_cast<int>(error.code()));
  }
}

TEST(blocking_pool, says_so_when_there_are_no_threads_for_it) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may take another user's part, whose threads are counted apart";
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(make_a_pool_of_too_many_threads(), testing::ExitedWithCode(static_cast<int>(exit_code::os)),
              "threads of the pool 'large'.*ulimit -u");
}

}  // namespace

TEST(sleep, may_be_cancelled_in_the_very_turn_in_which_it_ends) {
  // The timer has expired and its completion is queued when the cancellation comes first: it must find nobody gone.
  shards all{1};
  for (int turns = 0; turns < 6; ++turns) {
    context operation;
    std::string out;
    std::binary_semaphore done{0};
    all[0].spawn(keep_outcome(sleep_for(1ms), out, done), &operation);
    all[0].post([&, turns] {
      auto const until = std::chrono::steady_clock::now() + 5ms;
      while (std::chrono::steady_clock::now() < until) {}
      cancel_after(all[0], operation, turns);
    });
    done.acquire();
    EXPECT_TRUE(out == "done" || out == "cancelled: the client went away") << out;
    all.on_each([](shard&) {});  // whatever was queued has run before the context goes
    all.run(sleep_for(1ms));
    all.on_each([](shard&) {});
  }
}

namespace {

struct long_work {
  bool over = false;
  int turns = 0;

  task<> run() {
    while (!over) {
      co_await yield();
      ++turns;
    }
  }
  task<> end_soon() {
    co_await sleep_for(2ms);
    over = true;
  }
};

}  // namespace

TEST(yield, lets_what_is_posted_and_what_waits_for_its_time_go_first) {
  shards all{1};
  long_work work;
  int meanwhile = 0;
  all[0].spawn(work.end_soon());
  all[0].post([&] { ++meanwhile; });
  all.run(work.run());
  EXPECT_GT(work.turns, 1);
  EXPECT_EQ(meanwhile, 1);
}

TEST(yield, two_who_do_it_take_turns) {
  shards all{1};
  std::string order;
  std::latch both{2};
  auto const work = [](char name, std::string& to, std::latch& done) -> task<> {
    for (int i = 0; i < 3; ++i) {
      to += name;
      co_await yield();
    }
    done.count_down();
  };
  all[0].post([&] {
    shard::current().spawn(work('a', order, both));
    shard::current().spawn(work('b', order, both));
  });
  both.wait();
  EXPECT_EQ(order, "ababab");
}

TEST(yield, ends_when_its_operation_is_cancelled) {
  shards all{1};
  context operation;
  long_work work;
  std::string out;
  std::binary_semaphore done{0};
  all[0].spawn(keep_outcome(work.run(), out, done), &operation);
  all[0].post([&] { operation.cancel(cancel_reason::client_gone); });
  done.acquire();
  EXPECT_EQ(out, "cancelled: the client went away");
  all.on_each([](shard&) {});  // the turn that nobody waits for any more has come
}

TEST(ticks, come_until_the_handle_goes_and_may_join_and_leave_while_they_are_called) {
  struct state {
    std::atomic<int> first{0}, joined{0};
    std::vector<shard::ticker> held;
    std::latch enough{3};
  };
  shards all{1};
  state at;
  shard::ticker own;
  all.on_each([&](shard& s) {
    // The callback is small enough to stand inside the list of callbacks: growing that must not pull it away.
    own = s.on_tick([p = &at] {
      if (++p->first == 1)
        for (int i = 0; i < 20; ++i) p->held.push_back(shard::current().on_tick([p] { ++p->joined; }));
      if (p->first <= 3) p->enough.count_down();
    });
  });
  at.enough.wait();
  EXPECT_GE(at.joined, 20);
  all.on_each([&](shard&) {
    own = {};
    at.held.clear();
  });
  auto const after = at.first.load();
  all.run(sleep_for(250ms));
  EXPECT_EQ(at.first, after);
  EXPECT_LT(all[0].lag(), 5s);
}

TEST(blocking_pool, runs_elsewhere_and_comes_home) {
  shards all{1};
  blocking_pool pool{"test", {.threads = 2, .queue = 8}};
  all.run(thread_of_pool(pool));
  EXPECT_EQ(all.run(outcome_of(throw_in_pool(pool))), "from the pool");
  auto const use = pool.use();
  EXPECT_EQ(use.done, 2u);
  EXPECT_EQ(use.queued + use.running + use.refused, 0u);
}

TEST(blocking_pool, refuses_at_once_when_full) {
  shards all{1};
  blocking_pool pool{"small", {.threads = 1, .queue = 1}};
  std::latch started{1}, release{1};
  std::string running, waiting, unused;
  std::binary_semaphore running_done{0}, waiting_done{0};
  all[0].spawn(keep_outcome(block_in_pool(pool, started, release), running, running_done));
  started.wait();
  all[0].spawn(keep_outcome(nothing_in_pool(pool), waiting, waiting_done));
  EXPECT_EQ(all.run(outcome_of(nothing_in_pool(pool))), "the pool 'small' is full");
  EXPECT_EQ(pool.use().refused, 1u);
  release.count_down();
  running_done.acquire();
  waiting_done.acquire();
  EXPECT_EQ(running, "done");
  EXPECT_EQ(waiting, "done");
}

TEST(blocking_pool, work_outlives_the_cancellation_of_its_caller) {
  shards all{1};
  blocking_pool pool{"calm", {.threads = 1, .queue = 4}};
  std::latch started{1}, release{1};
  std::string out;
  std::binary_semaphore done{0};
  context operation;
  all[0].spawn(keep_outcome(block_in_pool(pool, started, release), out, done), &operation);
  started.wait();
  all.on_each([&](shard&) { operation.cancel(cancel_reason::client_gone); });
  EXPECT_FALSE(done.try_acquire()) << "it may use what the caller holds";
  release.count_down();
  done.acquire();
  EXPECT_EQ(out, "done");
}
