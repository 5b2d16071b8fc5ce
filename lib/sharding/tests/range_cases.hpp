// A cluster of two ranges of ids on two nodes, on each engine that can be a node.
#pragma once

#include "checker.hpp"

#include <slipway/sharding/scatter.hpp>

namespace slipway::sharding::tests {

// What whoever dies at a step throws.
struct stopped {};

inline constexpr char const* skipped = "SKIPPED LOUDLY: no PostgreSQL";

class ranges : public sharded_case, public testing::WithParamInterface<db::dialect> {
 public:
  bool make_ids(std::function<void(settings&)> const& change = {}) {
    return make(GetParam(), 2, 2, [&change](settings& s) {
      s.strategy = strategy::range;
      s.range_keys = key_kind::id;
      s.ranges = {"0x80"};
      if (change) change(s);
    });
  }
  // A customer whose id begins with this octet, and its entries.
  id_of<customer> add(std::uint8_t first, int entries, cluster* through = nullptr) {
    auto& with = through != nullptr ? *through : *all_;
    customer c{.id = id_of<customer>::make(), .name = "Ann", .extra = json::value{"x"}};
    c.id.value.bytes[0] = first;
    rows_.push_back({run(with.insert(c)).id, 0, {}});
    for (int i = 0; i < entries; ++i) run(checker_.change(with, rows_.back(), false));
    return rows_.back().id;
  }
  std::vector<std::string> wrong() {
    auto m = a_mover();
    while (run(m.clean()) > 0) run(sleep_for(std::chrono::milliseconds{100}));
    run(all_->refresh());
    auto out = run(m.verify());
    for (auto& each : run(checker_.compare(*all_, rows_))) out.push_back(std::move(each));
    return out;
  }
  std::size_t rows_in_answer() {
    return run(gather<&customer::slot>(*all_, [](db::session& in) { return in.from<customer>(); }))->items.size();
  }
  // Dies before each step in turn, until one lives to the end: how many died. In between somebody works, who knows and
  // who does not, and no row is lost or doubled in an answer.
  unsigned die_at_every_step(std::function<void(mover&)> const& work, std::function<void()> const& after_each = [] {}) {
    for (unsigned at = 1;; ++at) {
      unsigned steps = 0;
      auto m = a_mover({.on_step = [&](std::string_view) {
        if (++steps == at) throw stopped{};
      }});
      auto const stale = another();
      run(stale->refresh());
      try {
        work(m);
        return at - 1;
      } catch (stopped const&) {
        run(checker_.change(*all_, rows_[7], true));
        run(checker_.change(*stale, rows_[5], false));
        EXPECT_EQ(rows_in_answer(), rows_.size()) << at;
        after_each();
      }
    }
  }
  static key octet(unsigned char first) { return key{std::string(1, static_cast<char>(first))}; }

  checker checker_;
  std::vector<known> rows_;
};

}  // namespace slipway::sharding::tests
