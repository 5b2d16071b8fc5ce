// Slots move back and forth between two servers while many write and read, and the mover is killed at every step and at
// random moments: at the end every acknowledged change is there exactly once, and no read saw less than was known.
#include "cases.hpp"

#include <slipway/core/errors.hpp>

#include <fmt/format.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <mutex>
#include <random>
#include <set>
#include <thread>

namespace slipway::sharding::tests {
namespace {

// What one writer knows of one customer: it alone changes it.
struct known {
  id_of<customer> id;
  std::int64_t balance = 0;
  std::set<std::int64_t> numbers;  // of entries that are there
};

class resharding : public sharded_case {
 protected:
  void complain(std::string what) {
    std::lock_guard const lock{mutex_};
    if (complaints_.size() < 10) complaints_.push_back(std::move(what));
  }

  task<> change(cluster& with, known& k, bool removes) {
    auto const next = k.balance + 1;
    auto const first = removes && !k.numbers.empty() ? *k.numbers.begin() : -1;
    auto done = co_await with.write(k.id, [&](db::transaction& tx, std::uint32_t slot) -> task<result<void>> {
      auto row = co_await ok(tx.find<customer>(k.id));
      if (row.balance != k.balance)
        complain(fmt::format("a transaction saw {} where {} was acknowledged", row.balance, k.balance));
      row.balance = next;
      co_await ok(tx.update(row));
      co_await tx.insert(entry{.customer_id = k.id, .slot = slot, .number = next});
      if (first >= 0)
        co_await tx.purge<entry>()
            .where(db::col<&entry::customer_id> == k.id && db::col<&entry::number> == first)
            .run();
      co_return result<void>{};
    });
    if (!done) {
      complain("a row that is there was not found in a transaction");
      co_return;
    }
    k.balance = next;
    k.numbers.insert(next);
    if (first >= 0) k.numbers.erase(first);
    ++changes_;
  }

  task<> look(cluster& with, known const& k) {
    auto const count = co_await with.read(
        k.id, [&](db::session& in) { return in.from<entry>().where(db::col<&entry::customer_id> == k.id).count(); });
    if (count != static_cast<std::int64_t>(k.numbers.size()))
      complain(fmt::format("a read saw {} entries of {}", count, k.numbers.size()));
    auto const row = co_await with.read(k.id, [&](db::session& in) { return in.find<customer>(k.id); });
    if (!row)
      complain("a row that is there was not found");
    else if (row->balance != k.balance)
      complain(fmt::format("a read saw {} where {} was acknowledged", row->balance, k.balance));
    ++looks_;
  }

  task<> work(cluster& with, std::vector<known>& mine, unsigned seed, std::latch& end) {
    std::minstd_rand dice{seed};
    while (!stop_) {
      auto& k = mine[dice() % mine.size()];
      try {
        if (dice() % 3 == 0)
          co_await look(with, k);
        else
          co_await change(with, k, dice() % 3 == 0);
      } catch (std::exception const& e) {
        complain(e.what());
        break;
      }
    }
    end.count_down();
  }

  // The exit status of a mover in a process of its own; -1 when it was killed. Killed after so many milliseconds,
  // when that is not 0.
  int move_in_process(int die_at, std::uint32_t slot, std::string const& target, unsigned kill_after_ms) {
    std::vector<std::string> words{SHARDING_MOVER,
                                   std::to_string(die_at),
                                   std::to_string(slot),
                                   target,
                                   std::to_string(settings_.fence.count()),
                                   std::to_string(settings_.slots),
                                   control_url_};
    for (auto const& n : settings_.nodes) words.push_back(n.url);
    auto const child = ::fork();
    if (child == 0) {
      std::vector<char*> argv;
      for (auto& w : words) argv.push_back(w.data());
      argv.push_back(nullptr);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    int status = 0;
    if (kill_after_ms > 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds{kill_after_ms});
      ::kill(child, SIGKILL);
    }
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  void expect_all_there(std::vector<known> const& all) {
    std::int64_t entries = 0;
    for (auto const& k : all) {
      auto const rows = run(all_->read(
          k.id, [&](db::session& in) { return in.from<entry>().where(db::col<&entry::customer_id> == k.id).all(); }));
      std::multiset<std::int64_t> numbers;
      for (auto const& r : rows) numbers.insert(r.number);
      EXPECT_TRUE(std::ranges::equal(numbers, k.numbers)) << k.id.text();
      entries += static_cast<std::int64_t>(rows.size());
    }
    std::int64_t customers_there = 0, entries_there = 0;
    for (std::uint32_t n = 0; n < all_->size(); ++n) {
      customers_there += run(count(n, "customers"));
      entries_there += run(count(n, "entries"));
    }
    EXPECT_EQ(customers_there, static_cast<std::int64_t>(all.size())) << "each once, over all nodes";
    EXPECT_EQ(entries_there, entries);
  }

  std::atomic<bool> stop_{false};
  std::atomic<std::int64_t> changes_{0}, looks_{0};
  std::mutex mutex_;
  std::vector<std::string> complaints_;
};

TEST_F(resharding, NothingIsLostOrDoubledWhateverDies) {
  // The second node is on a server of its own.
  std::string why_not;
  auto const second = db::tests::postgres_server::own({}, why_not);
  if (!second) GTEST_SKIP() << "SKIPPED LOUDLY: " << why_not;
  auto const elsewhere = second->make_database();
  constexpr std::uint32_t slots = 8;
  if (!make(db::dialect::postgres, 2, slots, [&](settings& s) {
        s.nodes[1].url = elsewhere;
        s.fence = std::chrono::milliseconds{500};
        s.patience = std::chrono::milliseconds{20'000};
      }))
    GTEST_SKIP() << "SKIPPED LOUDLY: no PostgreSQL";

  constexpr std::size_t workers = 8, customers_of_one = 6;
  auto const far = another();  // what another process knows
  std::vector<std::vector<known>> all(workers);
  for (std::size_t w = 0; w < workers; ++w)
    for (std::size_t i = 0; i < customers_of_one; ++i)
      all[w].push_back({run(all_->insert(customer_in(static_cast<std::uint32_t>((w + i) % slots)))).id, 0, {}});

  std::latch end{workers};
  for (std::size_t w = 0; w < workers; ++w)
    on_[w % 2].spawn(work(w % 2 == 0 ? *all_ : *far, all[w], static_cast<unsigned>(w), end));

  // Killed at every step of one slot, each time a step later, until it gets to the end.
  int deaths = 0, moves = 0;
  for (int step = 1; move_in_process(step, 0, "b", 0) != 0; ++step) ++deaths;
  EXPECT_GE(deaths, 8);
  ++moves;
  // Killed at any moment, with what is left to be done by the next.
  std::minstd_rand dice{std::random_device{}()};
  for (std::uint32_t slot = 1; slot < slots; ++slot) {
    auto const target = slot < slots / 2 ? "b" : "a";
    for (int attempt = 0; attempt < 3; ++attempt)
      if (move_in_process(0, slot, target, 150 + dice() % 400) != 0) ++deaths;
    EXPECT_EQ(move_in_process(0, slot, target, 0), 0);
    ++moves;
  }
  stop_ = true;
  end.wait();

  EXPECT_THAT(complaints_, testing::IsEmpty());
  auto m = a_mover();
  while (run(m.clean()) > 0) run(sleep_for(std::chrono::milliseconds{100}));
  EXPECT_THAT(run(m.verify()), testing::IsEmpty());
  std::vector<known> together;
  for (auto const& part : all) together.insert(together.end(), part.begin(), part.end());
  expect_all_there(together);
  EXPECT_GE(changes_, 200);
  std::printf("%d moves, %d deaths of movers, %lld changes, %lld reads\n", moves, deaths,
              static_cast<long long>(changes_), static_cast<long long>(looks_));
}

}  // namespace
}  // namespace slipway::sharding::tests
