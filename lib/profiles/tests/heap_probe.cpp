// heap_probe SECONDS FILE: holds memory before and after sampling begins, and writes the heap profile. A program without
// sanitizers, whose allocator would keep jemalloc out.
#include <slipway/profiles/recorder.hpp>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <vector>

std::vector<std::string> kept;

// Their names are looked for in the profile, so they stay functions of their own.
[[gnu::noinline]] void hold_before() {
  for (int i = 0; i < 10'000; ++i) kept.emplace_back(1'000, 'b');
}
[[gnu::noinline]] void hold_meanwhile() {
  for (int i = 0; i < 20'000; ++i) kept.emplace_back(1'000, 'm');
}

int main(int count, char** arguments) try {
  if (count != 3) return 64;
  kept.reserve(30'000);
  auto const recorder = slipway::profiles::make_heap_recorder();
  hold_before();
  if (auto const begun = recorder->begin(std::chrono::seconds{std::atoi(arguments[1])}); !begun) {
    std::printf("%s: %s\n", std::string{begun.error().code()}.c_str(), begun.error().more().detail.c_str());
    return 1;
  }
  hold_meanwhile();
  std::ofstream{arguments[2]} << recorder->finish();
  return 0;
} catch (std::exception const& error) {
  std::printf("%s\n", error.what());
  return 2;
}
