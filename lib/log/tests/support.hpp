// A journal in memory whose clock stands still.
#pragma once

#include <slipway/log/journal.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace slipway::log::test {

using namespace std::chrono_literals;

inline time_point noon() { return std::chrono::sys_days{std::chrono::year{2026} / 1 / 31} + 12h + 1us; }

inline settings quick(level l = level::info) {
  settings s;
  s.level = l;
  s.flush_every = 1ms;
  return s;
}

struct memory_journal {
  manual_clock clock{noon()};
  std::shared_ptr<memory_sink::text> text = std::make_shared<memory_sink::text>();
  log::journal journal;

  explicit memory_journal(settings const& s = quick(), trace_ids (*ids_of)(trace_span const&) = nullptr)
      : journal{s, {.clock = clock, .output = std::make_unique<memory_sink>(text), .ids_of = ids_of}} {}
  std::vector<std::string> lines() {
    journal.flush(5s);
    return text->lines();
  }
};

}  // namespace slipway::log::test
