// What splits and merges of ranges have in common: rows of one slot get another on the same node, step by step, while
// they are read and written. For the .cpp files of this folder.
//
//   1. The control database keeps what shall be done. Until step 3 it can be given up.
//   2. Who does it claims the node: who was taken for dead, or whose work was given up, changes no slot there any more.
//   3. The node changes both slots: one short transaction, which waits for those that write in them.
//   4. The map is told. Whoever is refused before that tells it (cluster::settle).
//   5. Rows get their new slot, in batches. Both slots are the node's: which one a row says decides nothing.
//   6. When none is left, both are slots like any others, or there is only one.
#pragma once

#include <slipway/sharding/mover_parts.hpp>

#include <optional>
#include <string>

namespace slipway::sharding {

[[noreturn]] void refuse_usage(std::string const& what);

// Slots: that rows have, and that they get.
struct slot_pair {
  std::uint32_t from = 0, into = 0;
};

class range_change {
 public:
  range_change(cluster& of, tables const& all, mover_options const& o, std::string_view kind, key const& at);
  range_change(range_change const&) = delete;
  range_change& operator=(range_change const&) = delete;
  virtual ~range_change() = default;

  // False: there is nothing to do.
  task<bool> run();

 protected:
  virtual void check() const = 0;
  // By the map; nothing when it is as it shall be.
  virtual std::optional<slot_pair> find(slot_map const& map) = 0;
  // In one transaction on the node. False: that was done before somebody died.
  virtual task<bool> change_slots(db::transaction& tx) = 0;
  virtual bool is_told(slot_map const& map) const = 0;
  virtual task<> finish() = 0;
  // Which rows: those with keys from there on; nothing: all.
  virtual std::optional<db::value> bound() const = 0;

  // The slot's row, which nobody can hold for writing until the transaction ends.
  static task<db::rows> lock(db::transaction& tx, std::uint32_t slot);
  void refuse_unless_at_rest(db::rows const& locked, std::uint32_t slot) const;
  // An old copy elsewhere would say the old slot of rows that come there with the new one.
  task<> refuse_moving(std::uint32_t slot) const;
  db::database& node() const { return of_.node(node_); }

  cluster& of_;
  tables const& tables_;
  std::string octets_;
  slot_pair slots_;
  std::int64_t rows_ = 0;  // that got their new slot, by this call

 private:
  task<bool> reserve();
  task<> claim();
  task<> change();
  task<bool> try_to_change();
  task<bool> relabel();
  task<> relabel_table(row_carrier& carrier);
  void step(std::string_view name) const {
    if (options_.on_step) options_.on_step(name);
  }
  rows_to_relabel what() const { return {slots_.from, slots_.into, bound()}; }

  mover_options const& options_;
  std::string kind_, bound_, token_;
  std::uint32_t node_ = 0;
};

// Of two slots, the one that is there before and after; it stays on its node meanwhile.
inline std::uint32_t lasting(std::string_view kind, slot_pair slots) noexcept {
  return kind == range_kind::merge ? slots.into : slots.from;
}
// Whether the node has changed them.
task<bool> has_begun(db::session& node, std::shared_ptr<slot_map const> map, std::string kind, slot_pair slots);

task<split_report> split_range(cluster& of, tables const& all, mover_options const& o, key at);
task<merge_report> merge_ranges(cluster& of, tables const& all, mover_options const& o, key at);
// Gives a split or a merge up that the slot has a part in. False: there is none. Throws startup_error(usage) when it
// is too late.
task<bool> give_up_range_change(cluster& of, std::uint32_t slot);

}  // namespace slipway::sharding
