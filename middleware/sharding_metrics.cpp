#include "middleware/sharding_metrics.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace app::middleware {

node_watches::node_watches(metrics::registry& all, db::observer* next)
    : durations_{all.histograms("sharding_query_duration_seconds",
                                "Time from sending a statement to a node to its answer", metrics::labels{"node"})},
      errors_{all.counters("sharding_query_errors_total",
                           "Statements that failed on a node, refusals by its guards among "
                           "them",
                           metrics::labels{"node"})},
      next_{next} {}

db::observer* node_watches::of(std::string_view node) {
  return &watches_.emplace_back(durations_.with(node), errors_.with(node), next_);
}

void node_watches::watch::on_query(db::query_event const& event) noexcept {
  durations_.observe(
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(event.duration).count()));
  if (!event.error.empty()) errors_.add();
  if (next_ != nullptr) next_->on_query(event);
}

void moves_seen::set(picture now) {
  std::lock_guard const lock{mutex_};
  now_ = std::move(now);
}
moves_seen::picture moves_seen::get() const {
  std::lock_guard const lock{mutex_};
  return now_;
}

namespace {

using enum metrics::metric_kind;

void write_nodes(metrics::writer& out, sharding::cluster& of) {
  auto const each = [&](std::string_view name, std::string_view help, metrics::metric_kind kind, auto member) {
    out.family(name, help, kind);
    for (std::uint32_t n = 0; n < of.size(); ++n) {
      metrics::label const node{"node", of.settings().nodes[n].name};
      out.value(std::span{&node, 1}, static_cast<std::uint64_t>(of.node(n).use().*member));
    }
  };
  each("sharding_connections_open", "Connections to a node", gauge, &db::usage::open);
  each("sharding_connections_in_use", "Connections to a node that belong to a transaction at the moment", gauge,
       &db::usage::in_use);
  each("sharding_waits_total", "How often a transaction had to wait for a connection to a node", counter,
       &db::usage::waits);
}

void write_questions(metrics::writer& out, sharding::scatter_usage const& now) {
  auto const one = [&](std::string_view name, std::string_view help, std::uint64_t n) {
    out.family(name, help, counter);
    out.value({}, n);
  };
  one("sharding_questions_total", "Questions to all nodes", now.questions);
  one("sharding_questions_asked_total", "Nodes that these were put to, together", now.asked);
  one("sharding_questions_repeated_total", "Attempts after the first, because slots changed hands meanwhile",
      now.repeated);
  one("sharding_questions_partial_total", "Answers without a node that did not answer", now.partial);
}

void write_moves(metrics::writer& out, std::vector<sharding::move_progress> const& moves) {
  namespace phase = sharding::phase;
  out.family("sharding_moves", "Slots that are on their way, by how far they are", gauge);
  for (auto const name : {phase::beginning, phase::copying, phase::handing_over, phase::kept}) {
    metrics::label const label{"phase", std::string{name}};
    out.value(std::span{&label, 1},
              static_cast<std::uint64_t>(std::ranges::count(moves, name, &sharding::move_progress::phase)));
  }
  auto const each = [&](std::string_view name, std::string_view help, std::int64_t sharding::move_progress::* member) {
    out.family(name, help, gauge);
    std::size_t left = metrics::registry::default_series;
    for (auto const& m : moves) {
      if (m.phase == phase::kept) continue;
      std::array const labels{metrics::label{"slot", std::to_string(m.slot)}, metrics::label{"source", m.source},
                              metrics::label{"target", m.target}};
      out.value(labels, static_cast<std::uint64_t>(m.*member));
      if (--left == 0) break;
    }
  };
  each("sharding_move_copied_rows", "Rows of a slot that were copied to its next node",
       &sharding::move_progress::copied);
  each("sharding_move_pending_changes", "Changes of a slot that its next node does not have yet",
       &sharding::move_progress::pending);
}

void write_range_change(metrics::writer& out, std::optional<sharding::range_progress> const& now) {
  namespace phase = sharding::phase;
  namespace kind = sharding::range_kind;
  out.family("sharding_range_changes", "Splits and merges of ranges that are under way, by how far they are", gauge);
  for (auto const what : {kind::split, kind::merge})
    for (auto const name : {phase::beginning, phase::relabelling}) {
      std::array const labels{metrics::label{"kind", std::string{what}}, metrics::label{"phase", std::string{name}}};
      out.value(labels, std::uint64_t{now && now->kind == what && now->phase == name});
    }
  out.family("sharding_range_change_rows", "Rows that have their new slot", gauge);
  if (!now) return;
  std::array const labels{metrics::label{"kind", now->kind}, metrics::label{"slot", std::to_string(now->slot)},
                          metrics::label{"into", std::to_string(now->into)}};
  out.value(labels, static_cast<std::uint64_t>(now->rows));
}

}  // namespace

metrics::registry::subscription sharding_metrics(metrics::registry& all, sharding::cluster& of,
                                                 moves_seen const& moves) {
  return all.collector([&of, &moves](metrics::writer& out) {
    write_nodes(out, of);
    write_questions(out, of.scattered());
    auto const now = moves.get();
    write_moves(out, now.moves);
    write_range_change(out, now.range);
  });
}

}  // namespace app::middleware
