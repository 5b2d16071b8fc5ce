// One move as a process of its own, so that a test can kill it: mover_process <die at step> <slot> <target> <fence ms>
// <slots> <control url> <url>... The step counts from 1; 0 lives to the end.
#include "cases.hpp"

#include <signal.h>

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) try {
  using namespace slipway;
  if (argc < 8) return 64;
  auto const die_at = std::atoi(argv[1]);
  auto s = sharding::tests::settings_for({argv + 7, argv + argc});
  s.slots = static_cast<std::uint32_t>(std::atoi(argv[5]));
  s.fence = std::chrono::milliseconds{std::atoi(argv[4])};
  s.max_age = s.refresh;
  s.move_batch = 20;
  shards on{1};
  db::settings base{.url = argv[6]};
  auto control = db::connect(base, on);
  sharding::cluster all{s, base, control, on};
  int steps = 0;
  sharding::mover m{all, sharding::tests::all_tables(), {.on_step = [&](std::string_view) {
                      if (++steps == die_at) ::raise(SIGKILL);
                    }}};
  auto const report = on.run(m.move(static_cast<std::uint32_t>(std::atoi(argv[2])), all.index_of(argv[3])));
  std::printf("slot %u: %lld rows, %lld changes, fenced %lld ms in %u\n", report.slot,
              static_cast<long long>(report.rows), static_cast<long long>(report.changes),
              static_cast<long long>(report.fenced.count()), report.fences);
  return 0;
} catch (std::exception const& e) {
  std::fprintf(stderr, "mover_process: %s\n", e.what());
  return 1;
}
