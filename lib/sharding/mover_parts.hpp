// One move, step by step. For the .cpp files of this folder.
#pragma once

#include <slipway/sharding/mover.hpp>
#include <slipway/sharding/rows.hpp>

#include <slipway/core/errors.hpp>

#include <fmt/format.h>

#include <array>
#include <optional>

namespace slipway::sharding {

// Somebody else has taken the move up, or given it up.
[[noreturn]] void refuse_outrun(std::uint32_t slot);

class one_move {
 public:
  one_move(cluster& of, tables const& all, mover_options const& o, std::uint32_t slot, std::uint32_t target);

  task<move_report> run();

 private:
  task<bool> begin();        // false: there is nothing to do
  task<bool> take_source();  // false: the source has released the slot already
  task<> take_target();
  task<> describe_tables();
  task<> copy();
  task<> copy_table(std::size_t table, std::string after);
  task<> keep_position(std::size_t table, std::string const& after);
  task<std::int64_t> catch_up();
  task<std::int64_t> catch_up_once();
  task<bool> write(row_carrier& carrier, batch const& rows);
  task<bool> remove(row_carrier& carrier, batch const& keys, batch const& found);
  task<> hand_over();
  task<bool> try_to_hand_over();
  task<bool> fence();
  task<> let_go();
  task<bool> release();
  // Throws when rows differ. False: it took longer.
  task<bool> compare(std::chrono::steady_clock::time_point until);
  // Of one table, on the source and on the target. Nothing when it took longer.
  task<std::optional<std::array<content, 2>>> sums(row_carrier& carrier, std::chrono::steady_clock::time_point until);
  task<> measure();
  [[noreturn]] void refuse_split() const;
  void step(std::string_view name) const;
  db::database& source() const { return of_.node(source_); }
  db::database& target() const { return of_.node(target_); }
  std::string const& name_of(std::uint32_t node) const { return of_.settings().nodes[node].name; }
  std::chrono::steady_clock::time_point now() const noexcept { return system_clock().steady(); }

  // One transaction on the target, in which rows of the slot may be changed by this move, and by no other any more.
  template <class F>
  task<> load(F work) {
    co_await target().transaction([&](db::transaction& tx) -> task<> {
      auto const mine = co_await tx.execute(
          "update sharding_slots set state = 'loading' where slot = $1 and state = 'incoming' and mover = $2",
          {slot_, token_});
      if (mine == 0) refuse_outrun(slot_);
      co_await work(tx);
      co_await tx.execute("update sharding_slots set state = 'incoming' where slot = $1", {slot_});
    });
  }

  cluster& of_;
  tables const& tables_;
  mover_options const& options_;
  std::uint32_t slot_, source_ = 0, target_;
  std::string token_, position_;
  std::int64_t epoch_ = 0, fences_ = 0, copied_ = 0;
  bool is_bounded_ = false;  // keys from the end of its range on are refused
  std::vector<std::unique_ptr<row_carrier>> carriers_;
  move_report report_;
};

// Removes the rows of a slot that the node has in this state, children before their parents.
task<> remove_rows(db::database& node, tables const& all, std::uint32_t slot, std::string held_as, std::size_t batch);

}  // namespace slipway::sharding
