// What the nodes of sharded tables, questions to all of them and moves of slots tell about themselves.
#pragma once

#include <slipway/db/settings.hpp>
#include <slipway/metrics/registry.hpp>
#include <slipway/sharding/progress.hpp>

#include <deque>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

namespace app::middleware {

using namespace slipway;

// sharding_query_duration_seconds and sharding_query_errors_total for each node. Each statement is told on to `next`.
class node_watches {
 public:
  node_watches(metrics::registry& all, db::observer* next);
  // Lives as long as this.
  db::observer* of(std::string_view node);

 private:
  class watch final : public db::observer {
   public:
    watch(metrics::histogram durations, metrics::counter errors, db::observer* next)
        : durations_{durations}, errors_{errors}, next_{next} {}
    void on_query(db::query_event const& event) noexcept override;

   private:
    metrics::histogram durations_;
    metrics::counter errors_;
    db::observer* next_;
  };
  metrics::family_of<metrics::histogram, 1> durations_;
  metrics::family_of<metrics::counter, 1> errors_;
  db::observer* next_;
  std::deque<watch> watches_;
};

// The last that was seen of what is under way; may be written and read on any thread.
class moves_seen {
 public:
  struct picture {
    std::vector<sharding::move_progress> moves;
    std::optional<sharding::range_progress> range;  // the split or merge
  };
  void set(picture now);
  picture get() const;

 private:
  mutable std::mutex mutex_;
  picture now_;
};

// For each node sharding_connections_open, _in_use and sharding_waits_total; sharding_questions_total,
// sharding_questions_asked_total (of nodes: the fan-out is their quotient), sharding_questions_repeated_total and
// sharding_questions_partial_total; sharding_moves by phase, and sharding_move_copied_rows and
// sharding_move_pending_changes for each slot on its way; sharding_range_changes by kind and phase, and
// sharding_range_change_rows for the split or merge that is under way. All three must outlive the subscription.
metrics::registry::subscription sharding_metrics(metrics::registry& all, sharding::cluster& of,
                                                 moves_seen const& moves);

}  // namespace app::middleware
