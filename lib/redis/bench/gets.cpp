// Pipelined GETs through the client, for bench/gets.py: prints how many, in what time, for how much of this process's
// CPU. redis_gets <url> <tasks> <seconds> [key size, value size]
#include <slipway/core/one_shot.hpp>
#include <slipway/redis/client.hpp>

#include <sys/resource.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <string>

using namespace slipway;

namespace {

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  auto const of = [](timeval t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return of(used.ru_utime) + of(used.ru_stime);
}

struct state {
  std::uint64_t done = 0, wrong = 0;
  std::uint64_t most = 0;
  std::chrono::steady_clock::time_point until;
  unsigned running = 0;
  one_shot over;
};

task<> ask(redis::client& cache, state& s) {
  while (s.most != 0 ? s.done < s.most : (s.done % 256 != 0 || std::chrono::steady_clock::now() < s.until)) {
    auto const value = co_await cache.get("key:__rand_int__");
    if (!value || value->size() != 3) ++s.wrong;
    ++s.done;
  }
  if (--s.running == 0) s.over.fire();
}

task<> run(redis::client& cache, unsigned tasks, double seconds, std::uint64_t most) {
  co_await cache.set("key:__rand_int__", "xxx");
  state s;
  s.most = most;
  auto const cpu = cpu_seconds();
  auto const from = std::chrono::steady_clock::now();
  s.until = from + std::chrono::milliseconds{static_cast<int>(seconds * 1000)};
  s.running = tasks;
  for (unsigned i = 0; i < tasks; ++i) start_detached(ask(cache, s));
  co_await s.over;
  auto const took = std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
  std::printf("{\"gets\": %llu, \"wrong\": %llu, \"seconds\": %.6f, \"cpu\": %.6f}\n",
              static_cast<unsigned long long>(s.done), static_cast<unsigned long long>(s.wrong), took,
              cpu_seconds() - cpu);
}

}  // namespace

int main(int count, char** words) {
  if (count < 4) {
    std::fprintf(stderr, "usage: redis_gets <url> <tasks> <seconds> [number of GETs instead of seconds]\n");
    return 64;
  }
  shards on{1};
  redis::settings s;
  s.url = words[1];
  s.queue = 100'000;
  auto cache = redis::connect(s, on);
  auto const most = count > 4 ? std::strtoull(words[4], nullptr, 10) : 0;
  on.run(run(cache, static_cast<unsigned>(std::atoi(words[2])), std::atof(words[3]), most));
  return 0;
}
