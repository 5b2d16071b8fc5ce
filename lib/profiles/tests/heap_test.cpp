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

class heap_of_jemalloc : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_jemalloc()) GTEST_SKIP() << "SKIPPED LOUDLY: no jemalloc: install libjemalloc2";
    if (auto const why = no_viewer(); !why.empty()) GTEST_SKIP() << why;
  }
  // As the viewer gives them.
  std::string names_in_profile(std::string const& before, char const* seconds) {
    auto const done = probe(before, seconds, file_);
    EXPECT_EQ(done.status, 0) << done.output;
    auto read = read_profile(HEAP_PROBE, file_);
    EXPECT_EQ(read.status, 0) << read.output;
    return read.output;
  }
  void expect_refused(std::string const& before, char const* seconds, char const* code) {
    auto const refused = probe(before, seconds, file_);
    EXPECT_EQ(refused.status, 1);
    EXPECT_THAT(refused.output, HasSubstr(code));
  }

 private:
  temporary_folder folder_{"heap"};
  std::string file_ = folder_ / "heap.prof";
};

}  // namespace

TEST(heap, without_jemalloc_the_answer_says_how_to_start_with_it) {
  auto const done = probe("", "0", "/dev/null");
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.output, testing::AllOf(HasSubstr("heap_not_sampled"), HasSubstr("LD_PRELOAD=libjemalloc.so.2"),
                                          HasSubstr("MALLOC_CONF=prof:true")));
}

TEST_F(heap_of_jemalloc, what_is_held_has_a_name) {
  std::string const sampling = std::string{with_jemalloc} + "MALLOC_CONF=prof:true";
  auto const found = names_in_profile(sampling, "0");
  EXPECT_THAT(found, HasSubstr("hold_before"));
  EXPECT_THAT(found, HasSubstr("hold_meanwhile"));
  EXPECT_THAT(found, Not(HasSubstr("malloc_usable_size"))) << "a frame of jemalloc";
  expect_refused(sampling, "1", "heap_sampled_always");
}

TEST_F(heap_of_jemalloc, paused_sampling_tells_of_the_time_that_was_asked_for) {
  std::string const paused = std::string{with_jemalloc} + "MALLOC_CONF=prof:true,prof_active:false";
  auto const found = names_in_profile(paused, "1");
  EXPECT_THAT(found, HasSubstr("hold_meanwhile"));
  EXPECT_THAT(found, Not(HasSubstr("hold_before")));
  expect_refused(paused, "0", "heap_sampling_paused");
}
