// gperftools itself, over threads of every kind that a service has, read by google-pprof.
#include "tools.hpp"

#include <slipway/core/errors.hpp>
#include <slipway/core/tests/temporary_folder.hpp>
#include <slipway/profiles/profiler.hpp>
#include <slipway/runtime/blocking_pool.hpp>
#include <slipway/runtime/shards.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/time.h>

#include <filesystem>
#include <fstream>

using namespace slipway;
using namespace slipway::tests;
using testing::HasSubstr;
using namespace std::chrono_literals;

std::atomic<bool> enough{false};
std::atomic<std::uint64_t> burnt{0};

// Their names are looked for in the profile, so they stay functions of their own.
[[gnu::noinline]] void burn_on_a_shard() {
  while (!enough) burnt.fetch_add(1);
}
[[gnu::noinline]] void burn_in_a_pool() {
  while (!enough) burnt.fetch_add(2);
}

namespace {

bool timer_runs() {
  itimerval now{};
  ::getitimer(ITIMER_PROF, &now);
  return now.it_interval.tv_sec != 0 || now.it_interval.tv_usec != 0;
}

task<> burn_there(blocking_pool& pool) {
  co_await pool.run([] { burn_in_a_pool(); });
}
task<> burn_here() {
  burn_on_a_shard();
  co_return;
}
task<> ended(task<> work, std::binary_semaphore& done) {
  co_await std::move(work);
  done.release();
}

}  // namespace

TEST(cpu, every_kind_of_thread_is_seen_by_name) {
  if (auto const why = no_viewer(); !why.empty()) GTEST_SKIP() << why;
  shards on{3};
  blocking_pool pool{"burning", {.threads = 1, .queue = 1}};
  auto const profiler = profiles::make_profiler(true);
  std::binary_semaphore first{0}, second{0};
  enough = false;
  on[1].spawn(ended(burn_here(), first));
  on[2].spawn(ended(burn_there(pool), second));
  auto const bytes = on.run(profiler->cpu(1s));
  enough = true;
  first.acquire();
  second.acquire();
  if (!bytes && bytes.error().code() == "profiler_missing")
    GTEST_SKIP() << "SKIPPED LOUDLY: " << bytes.error().more().detail;
  ASSERT_TRUE(bytes.has_value()) << bytes.error().more().detail;
  EXPECT_FALSE(timer_runs()) << "what has begun is ended";

  temporary_folder const folder{"cpu"};
  std::ofstream{folder / "cpu.prof"} << *bytes;
  auto const read = read_profile(std::filesystem::read_symlink("/proc/self/exe").string(), folder / "cpu.prof");
  EXPECT_EQ(read.status, 0) << read.output;
  EXPECT_THAT(read.output, HasSubstr("burn_on_a_shard"));
  EXPECT_THAT(read.output, HasSubstr("burn_in_a_pool"));
}

TEST(cpu, can_be_taken_again_and_not_twice_at_once) {
  auto const one = profiles::make_cpu_recorder(), other = profiles::make_cpu_recorder();
  if (auto const begun = one->begin(1s); !begun) {
    ASSERT_EQ(begun.error().code(), "profiler_missing");
    GTEST_SKIP() << "SKIPPED LOUDLY: " << begun.error().more().detail;
  }
  EXPECT_TRUE(timer_runs());
  auto const refused = other->begin(1s);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), "profile_running");
  EXPECT_FALSE(one->full());
  EXPECT_FALSE(one->finish().empty());
  EXPECT_FALSE(timer_runs());
  ASSERT_TRUE(other->begin(1s).has_value());
  EXPECT_FALSE(other->finish().empty());
}
