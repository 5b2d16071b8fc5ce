// jemalloc itself, in a process of its own (heap_probe), read by google-pprof.
#include "tools.hpp"

#include <slipway/core/tests/temporary_folder.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace slipway::tests;
using testing::HasSubstr;
using testing::Not;

namespace {

constexpr char with_jemalloc[] = "LD_PRELOAD=libjemalloc.so.2 ";

ran probe(std::string const& before, char const* seconds, std::string const& file) {
  return run(before + " '" HEAP_PROBE "' " + seconds + " '" + file + "'");
}

bool has_jemalloc() { return run(std::string{with_jemalloc} + "/bin/true").output.empty(); }

}  // namespace

TEST(heap, without_jemalloc_the_answer_says_how_to_start_with_it) {
  auto const done = probe("", "0", "/dev/null");
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.output, testing::AllOf(HasSubstr("heap_not_sampled"), HasSubstr("LD_PRELOAD=libjemalloc.so.2"),
                                          HasSubstr("MALLOC_CONF=prof:true")));
}

TEST(heap, what_is_held_has_a_name) {
  if (!has_jemalloc()) GTEST_SKIP() << "SKIPPED LOUDLY: no jemalloc: install libjemalloc2";
  if (auto const why = no_viewer(); !why.empty()) GTEST_SKIP() << why;
  temporary_folder const folder{"heap"};
  auto const file = folder / "heap.prof";
  std::string const sampling = std::string{with_jemalloc} + "MALLOC_CONF=prof:true";

  auto const done = probe(sampling, "0", file);
  ASSERT_EQ(done.status, 0) << done.output;
  auto const read = read_profile(HEAP_PROBE, file);
  EXPECT_EQ(read.status, 0) << read.output;
  EXPECT_THAT(read.output, HasSubstr("hold_before"));
  EXPECT_THAT(read.output, HasSubstr("hold_meanwhile"));
  EXPECT_THAT(read.output, Not(HasSubstr("malloc_usable_size"))) << "a frame of jemalloc";

  auto const refused = probe(sampling, "1", file);
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.output, HasSubstr("heap_sampled_always"));
}

TEST(heap, paused_sampling_tells_of_the_time_that_was_asked_for) {
  if (!has_jemalloc()) GTEST_SKIP() << "SKIPPED LOUDLY: no jemalloc: install libjemalloc2";
  if (auto const why = no_viewer(); !why.empty()) GTEST_SKIP() << why;
  temporary_folder const folder{"heap"};
  auto const file = folder / "heap.prof";
  std::string const paused = std::string{with_jemalloc} + "MALLOC_CONF=prof:true,prof_active:false";

  auto const done = probe(paused, "1", file);
  ASSERT_EQ(done.status, 0) << done.output;
  auto const read = read_profile(HEAP_PROBE, file);
  EXPECT_EQ(read.status, 0) << read.output;
  EXPECT_THAT(read.output, HasSubstr("hold_meanwhile"));
  EXPECT_THAT(read.output, Not(HasSubstr("hold_before")));

  auto const refused = probe(paused, "0", file);
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.output, HasSubstr("heap_sampling_paused"));
}
