// Gives slots to other nodes while rows in them are read and written:
//
//   1. The source notes the keys of rows that change (copying). All rows of the slot are copied in batches.
//   2. What was noted is carried over, again and again until little is left.
//   3. The source lets nobody write in the slot (fenced). What is left is carried over, and rows are counted and
//      summed on both sides; that was tried before, so that a slot for which it takes too long is refused and not fenced.
//   4. The source gives the slot away (released): from this one change on the target owns it, whatever dies. The target
//      takes it (owned), and the map is told. Whoever meets a slot between these steps completes them.
//   5. When every process knows, the source's copy is removed.
//
// A move that died is taken up where it was by `move` with the same target; who takes it up fences the one before, so
// two movers cannot spoil each other's work. Nothing is lost by waiting: until step 4 the source answers everything.
#pragma once

#include <slipway/sharding/cluster.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::sharding {

class row_carrier;

struct mover_options {
  // Progress, a line each; may be empty.
  std::function<void(std::string_view)> say = {};
  // Called before every step with its name: for tests that stop a move anywhere.
  std::function<void(std::string_view)> on_step = {};
  // Stands between a move and the rows of a table, on both nodes; may be empty: for tests that break what it carries.
  std::function<std::unique_ptr<row_carrier>(std::unique_ptr<row_carrier>)> through = {};
};

struct move_report {
  std::uint32_t slot = 0;
  std::int64_t rows = 0;                // in all tables
  std::int64_t changes = 0;             // carried over after they were copied
  std::chrono::milliseconds fenced{0};  // how long nobody could write in the slot
  unsigned fences = 0;                  // how often it was tried
};

struct split_report {
  std::uint32_t slot = 0, made = 0;  // keys from the bound on were the former's and are the latter's
  std::int64_t rows = 0;             // that changed their slot, in all tables, by this call
  bool was_there = false;            // a range begins there already
};

struct merge_report {
  std::uint32_t slot = 0, gone = 0;  // keys of the latter are the former's
  std::int64_t rows = 0;             // that changed their slot, in all tables, by this call
  bool was_done = true;              // no range begins there
};

struct planned_move {
  std::uint32_t slot = 0, source = 0, target = 0;
};

// Moves that give every node as many slots as the others (at most one more), but none to those in `without`, in the
// fewest moves.
std::vector<planned_move> plan_moves(slot_map const& map, std::uint32_t nodes, std::vector<std::uint32_t> without = {});

// For one caller at a time, on a shard. Throws startup_error for what has to be decided by somebody (a table that is
// not the same on both nodes, rows that differ), unavailable_error when a node does not answer; then all is as it
// was, and the move can be taken up again or given up.
class mover {
 public:
  // `all` are the sharded tables, those that others refer to first. Both must outlive the mover.
  mover(cluster& of, tables all, mover_options o = {});
  ~mover();

  task<move_report> move(std::uint32_t slot, std::uint32_t target);
  // Strategy range: keys from `at` to the end of its range get a slot of their own, on the same node, while they are
  // written; it can move then like any other. What died is taken up by another call with the same bound. Nobody waits
  // but for transactions that are open when it begins. Throws startup_error(usage) for another strategy, a table that
  // does not say by what it is sharded, a bound that is no key, a slot that moves, or another split that is under way.
  task<split_report> split(key at);
  // The reverse: the range that begins at `at` goes into the one below it, on the same node, and its slot is gone. Throws
  // startup_error(usage) as split does, and for ranges of two nodes.
  task<merge_report> merge(key at);
  // Gives a move up: the source keeps the slot, and what the target has of it is removed. Or a split or a merge of the
  // slot, while the node has not begun it: all is as it was. Throws startup_error(usage) when there is none, or when it
  // is too late.
  task<> give_up(std::uint32_t slot);
  // Removes copies of slots that have moved away so long ago that every process knows. How many slots are still too
  // young for it.
  task<std::size_t> clean();
  // Counts and sums nothing, but checks that every slot is one node's and that the map agrees: a sentence for each
  // slot that is not as it should be.
  task<std::vector<std::string>> verify();

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace slipway::sharding
