// Slots move back and forth between two servers while many write and read, and the mover is killed at every step and at
// random moments: at the end every acknowledged change is there exactly once, and no read saw less than was known.
#include "checker.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <latch>
#include <random>
#include <thread>

namespace slipway::sharding::tests {
namespace {

class resharding : public sharded_case {
 protected:
  // The exit status of a mover in a process of its own; -1 when it was killed. Killed after so many milliseconds,
  // when that is not 0.
  int move_in_process(int die_at, std::string const& what, std::string const& target, unsigned kill_after_ms) {
    std::vector<std::string> words{
        SHARDING_MOVER, std::to_string(die_at), what, target, std::to_string(settings_.fence.count()), slots_,
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
  // A move that cannot do its last step within the fence gives up and is begun again, on a busy machine more than once.
  bool is_moved_at_last(std::string const& what, std::string const& target) {
    for (int attempt = 0; attempt < 10; ++attempt)
      if (move_in_process(0, what, target, 0) == 0) return true;
    return false;
  }

  // Two ranges of ids on two servers.
  bool make_ranges(std::string const& elsewhere) {
    slots_ = "2:0x80";
    return make(db::dialect::postgres, 2, 2, [&](settings& s) {
      s.nodes[1].url = elsewhere;
      s.strategy = strategy::range;
      s.range_keys = key_kind::id;
      s.ranges = {"0x80"};
      s.fence = std::chrono::milliseconds{500};
      s.patience = std::chrono::milliseconds{20'000};
    });
  }
  // Writers and readers of ids over both ranges, half of them by what another process knows.
  void begin_work(cluster& far) {
    constexpr std::size_t customers_of_one = 6;
    for (std::size_t w = 0; w < workers; ++w)
      for (std::size_t i = 0; i < customers_of_one; ++i) {
        customer c{.id = id_of<customer>::make(), .name = "Ann", .extra = json::value{"x"}};
        c.id.value.bytes[0] = static_cast<std::uint8_t>((w * customers_of_one + i) * 5);  // 0 to 235
        mine_[w].push_back({run(all_->insert(c)).id, 0, {}});
      }
    for (std::size_t w = 0; w < workers; ++w)
      on_[w % 2].spawn(checker_.work(w % 2 == 0 ? *all_ : far, mine_[w], static_cast<unsigned>(w), end_));
  }
  // What is wrong then.
  std::vector<std::string> end_work() {
    checker_.stop();
    end_.wait();
    auto m = a_mover();
    while (run(m.clean()) > 0) run(sleep_for(std::chrono::milliseconds{100}));
    auto out = run(m.verify());
    std::vector<known> together;
    for (auto const& part : mine_) together.insert(together.end(), part.begin(), part.end());
    run(all_->refresh());
    for (auto& each : run(checker_.compare(*all_, together))) out.push_back(std::move(each));
    return out;
  }

  static constexpr std::size_t workers = 8;
  checker checker_;
  std::string slots_;
  std::vector<std::vector<known>> mine_{workers};
  std::latch end_{workers};
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

  slots_ = std::to_string(slots);
  constexpr std::size_t customers_of_one = 6;
  auto const far = another();  // what another process knows
  std::vector<std::vector<known>> all(workers);
  for (std::size_t w = 0; w < workers; ++w)
    for (std::size_t i = 0; i < customers_of_one; ++i)
      all[w].push_back({run(all_->insert(customer_in(static_cast<std::uint32_t>((w + i) % slots)))).id, 0, {}});

  std::latch end{workers};
  for (std::size_t w = 0; w < workers; ++w)
    on_[w % 2].spawn(checker_.work(w % 2 == 0 ? *all_ : *far, all[w], static_cast<unsigned>(w), end));

  // Killed at every step of one slot, each time a step later, until it gets to the end.
  int deaths = 0, moves = 0;
  for (int step = 1; move_in_process(step, "0", "b", 0) != 0; ++step) ++deaths;
  EXPECT_GE(deaths, 8);
  ++moves;
  // Killed at any moment, with what is left to be done by the next.
  std::minstd_rand dice{std::random_device{}()};
  for (std::uint32_t slot = 1; slot < slots; ++slot) {
    auto const target = slot < slots / 2 ? "b" : "a";
    for (int attempt = 0; attempt < 3; ++attempt)
      if (move_in_process(0, std::to_string(slot), target, 150 + dice() % 400) != 0) ++deaths;
    EXPECT_TRUE(is_moved_at_last(std::to_string(slot), target));
    ++moves;
  }
  checker_.stop();
  end.wait();

  auto m = a_mover();
  while (run(m.clean()) > 0) run(sleep_for(std::chrono::milliseconds{100}));
  EXPECT_THAT(run(m.verify()), testing::IsEmpty());
  std::vector<known> together;
  for (auto const& part : all) together.insert(together.end(), part.begin(), part.end());
  EXPECT_THAT(run(checker_.compare(*all_, together)), testing::IsEmpty());
  EXPECT_GE(checker_.changes(), 200);
  std::printf("%d moves, %d deaths of movers, %lld changes, %lld reads\n", moves, deaths,
              static_cast<long long>(checker_.changes()), static_cast<long long>(checker_.looks()));
}

// Ranges are split and their upper parts move away while many write in them, and who does it is killed at every step and
// at random moments.
TEST_F(resharding, NothingIsLostOrDoubledWhileRangesAreSplit) {
  std::string why_not;
  auto const second = db::tests::postgres_server::own({}, why_not);
  if (!second) GTEST_SKIP() << "SKIPPED LOUDLY: " << why_not;
  auto const elsewhere = second->make_database();
  if (!make_ranges(elsewhere)) GTEST_SKIP() << "SKIPPED LOUDLY: no PostgreSQL";
  auto const far = another();
  begin_work(*far);

  int deaths = 0, splits = 1;
  for (int step = 1; move_in_process(step, "0x40", "b", 0) != 0; ++step) ++deaths;
  EXPECT_GE(deaths, 12) << "those of the split and of the move";
  std::minstd_rand dice{std::random_device{}()};
  for (auto const* at : {"0x20", "0x60", "0x70", "0xc0", "0xa0", "0xe0"}) {
    auto const target = splits++ % 2 == 0 ? "b" : "a";
    for (auto m = a_mover(); run(m.clean()) > 0;) run(sleep_for(std::chrono::milliseconds{100}));
    for (int attempt = 0; attempt < 3; ++attempt)
      if (move_in_process(0, at, target, 100 + dice() % 300) != 0) ++deaths;
    EXPECT_TRUE(is_moved_at_last(at, target));
  }
  EXPECT_THAT(end_work(), testing::IsEmpty());
  EXPECT_EQ(run(all_->refresh())->slots.size(), 9u);
  EXPECT_GE(checker_.changes(), 200);
  std::printf("%d splits and moves, %d deaths, %lld changes, %lld reads\n", splits, deaths,
              static_cast<long long>(checker_.changes()), static_cast<long long>(checker_.looks()));
}

// Ranges are split and merged again on their nodes while many write in them, and who merges is killed at every step and
// at random moments.
TEST_F(resharding, NothingIsLostOrDoubledWhileRangesAreMerged) {
  std::string why_not;
  auto const second = db::tests::postgres_server::own({}, why_not);
  if (!second) GTEST_SKIP() << "SKIPPED LOUDLY: " << why_not;
  auto const elsewhere = second->make_database();
  if (!make_ranges(elsewhere)) GTEST_SKIP() << "SKIPPED LOUDLY: no PostgreSQL";
  auto const far = another();
  begin_work(*far);

  int deaths = 0, merges = 1;
  EXPECT_TRUE(is_moved_at_last("0x40", "a"));
  for (int step = 1; move_in_process(step, "merge:0x40", "a", 0) != 0; ++step) ++deaths;
  EXPECT_GE(deaths, 8);
  std::minstd_rand dice{std::random_device{}()};
  for (std::string const at : {"0x20", "0xc0", "0x60", "0xa0", "0x40"}) {
    EXPECT_TRUE(is_moved_at_last(at, at < "0x80" ? "a" : "b"));
    ++merges;
    for (int attempt = 0; attempt < 3; ++attempt)
      if (move_in_process(0, "merge:" + at, "a", 60 + dice() % 150) != 0) ++deaths;
    EXPECT_TRUE(is_moved_at_last("merge:" + at, "a"));
  }
  EXPECT_THAT(end_work(), testing::IsEmpty());
  EXPECT_EQ(run(all_->refresh())->ranges.size(), 2u);
  EXPECT_GE(checker_.changes(), 200);
  std::printf("%d merges, %d deaths, %lld changes, %lld reads\n", merges, deaths,
              static_cast<long long>(checker_.changes()), static_cast<long long>(checker_.looks()));
}

}  // namespace
}  // namespace slipway::sharding::tests
