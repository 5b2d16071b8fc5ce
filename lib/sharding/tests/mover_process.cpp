// One move as a process of its own, so that a test can kill it: mover_process <die at step> <slot> <target> <fence ms>
// <slots> <control url> <url>... The step counts from 1; 0 lives to the end. A slot of "0x40" splits the range there and
// moves the new slot, "merge:0x40" merges it with the one below it; slots of "2:0x80" are ranges of ids with these bounds, with commas between them.
#include "cases.hpp"

#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <ranges>
#include <string_view>

int main(int argc, char** argv) try {
  using namespace slipway;
  if (argc < 8) return 64;
  auto const die_at = std::atoi(argv[1]);
  auto s = sharding::tests::settings_for({argv + 7, argv + argc});
  std::string_view const slots{argv[5]};
  s.slots = static_cast<std::uint32_t>(std::atoi(argv[5]));
  if (auto const colon = slots.find(':'); colon != slots.npos) {
    s.strategy = sharding::strategy::range;
    s.range_keys = sharding::key_kind::id;
    for (auto const bound : std::views::split(slots.substr(colon + 1), ','))
      s.ranges.emplace_back(bound.begin(), bound.end());
  }
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
  std::string_view const what{argv[2]};
  constexpr std::string_view merge = "merge:";
  if (what.starts_with(merge)) {
    on.run(m.merge(sharding::key::of_text(what.substr(merge.size())).value()));
    return 0;
  }
  auto const slot = what.starts_with("0x") ? on.run(m.split(sharding::key::of_text(what).value())).made
                                           : static_cast<std::uint32_t>(std::atoi(argv[2]));
  auto const report = on.run(m.move(slot, all.index_of(argv[3])));
  std::printf("slot %u: %lld rows, %lld changes, fenced %lld ms in %u\n", report.slot,
              static_cast<long long>(report.rows), static_cast<long long>(report.changes),
              static_cast<long long>(report.fenced.count()), report.fences);
  return 0;
} catch (std::exception const& e) {
  std::fprintf(stderr, "mover_process: %s\n", e.what());
  return 1;
}
