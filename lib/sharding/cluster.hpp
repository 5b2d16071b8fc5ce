// Several databases, each with a part of the rows of sharded tables:
//
//   sharding::cluster all{settings.sharding, settings.database, database, on};
//   co_await all.write(owner, [&](db::transaction& tx, std::uint32_t slot) -> task<note> { ... });
//   co_await all.read(owner, [&](db::session& in) { return repositories::notes{in}.list(who, query); });
//
// A key has a slot (for ever, but where ranges are split and merged), a slot has a node, and a move gives a slot to
// another node while all goes on. `write` and `read` are exact: they hold whatever moves meanwhile. `of` is quick, and
// what is read through it may be as old as settings::refresh when the slot has just moved; writes through it are refused
// then (is_refusal), never misplaced.
//
// Errors: unavailable_error while a slot is handed over for longer than settings::patience, or while the control
// database has not answered for longer than settings::max_age.
#pragma once

#include <slipway/db/database.hpp>
#include <slipway/runtime/shards.hpp>
#include <slipway/sharding/schema.hpp>
#include <slipway/sharding/settings.hpp>
#include <slipway/sharding/slot_map.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace slipway::sharding {

struct place {
  std::uint32_t slot = 0;
  std::uint32_t node = 0;
  std::int64_t epoch = 0;
};

// Questions to all nodes, since the start.
struct scatter_usage {
  std::uint64_t questions = 0, asked = 0;  // asked: nodes, together
  std::uint64_t repeated = 0, partial = 0;
};

class cluster {
 public:
  // Opens every node with the settings of `base` and the node's own URL. `control` must outlive the cluster. Throws
  // startup_error for settings that contradict each other, and what db::connect throws. Not from a shard's thread.
  // `watch` gives the observer of a node's statements by its name, instead of base's; it must outlive the cluster.
  cluster(settings s, db::settings const& base, db::database& control, shards& on,
          std::function<db::observer*(std::string_view)> const& watch = {});
  cluster(cluster const&) = delete;
  cluster& operator=(cluster const&) = delete;
  ~cluster();

  sharding::settings const& settings() const noexcept;  // `ranges` are octets of keys, as they were at the beginning
  db::database& control() noexcept;
  db::database& node(std::uint32_t index) noexcept;
  std::uint32_t size() const noexcept;                  // nodes
  std::uint32_t index_of(std::string_view name) const;  // throws startup_error(usage) when there is none

  scatter_usage scattered() const noexcept;
  // For scatter.hpp: one attempt at a question, and an answer that lacks a node.
  void note_question(std::uint32_t nodes, bool is_repeated) noexcept;
  void note_partial() noexcept;

  // Makes the control tables, deals all slots to the nodes that are configured now, and gives each node its tables and
  // guards. Can be run again, and has to be: when a node is added and when a sharded table is.
  task<> init(tables all);
  // Throws startup_error when the cluster was set up otherwise than configured, a URL leads to another node than its
  // name says, or a table has other keys than sharding.range_keys says.
  task<> check(tables all = {});

  // Where a key's rows are, as known here. A key that the directory does not know has no rows: any place will do.
  task<place> locate(key k);
  task<std::uint32_t> slot_of(key k);
  task<db::database*> of(key k);
  // The same for a key that is about to get rows: the directory gives it a slot, where it has none, for ever.
  task<std::uint32_t> slot_for(key k);
  // Strategy directory: decides it by hand. False: the key has another slot already.
  task<bool> place_in(key k, std::uint32_t slot);
  // The slot to be noted in a row, and the key by which it is found, are those of its traits.
  template <db::stored T>
  task<std::uint32_t> stamp(T& row) {
    static_assert(db::info_of<T>.slot != db::no_column, "the table is not sharded: its traits have no `sharded_by`");
    auto const slot = co_await slot_for(key_of_row(db::info_of<T>, &row));
    set_slot(db::info_of<T>, &row, slot);
    co_return slot;
  }

  // One transaction on the node that has the key. `work(db::transaction&)` or `work(db::transaction&, slot)`; like
  // every transaction's it may be done again, and must not change anything but that database.
  template <class F>
  auto write(key k, F work, db::transaction_options options = {}) {
    if constexpr (std::is_invocable_v<F&, db::transaction&, std::uint32_t>)
      return write_to(std::move(k), std::move(work), options);
    else
      return write_to(
          std::move(k), [work = std::move(work)](db::transaction& tx, std::uint32_t) mutable { return work(tx); },
          options);
  }
  // Statements that read, on the node that has the key. May be done again, as the slot may move away meanwhile.
  template <class F>
  auto read(key k, F work) -> std::invoke_result_t<F&, db::session&> {
    using T = db::detail::task_value<std::invoke_result_t<F&, db::session&>>::type;
    attempts pace;
    for (;;) {
      auto const at = co_await locate(k);
      if constexpr (std::is_void_v<T>) {
        co_await work(node(at.node));
        if (co_await still_has(at)) co_return;
      } else {
        T value = co_await work(node(at.node));
        if (co_await still_has(at)) co_return std::move(value);
      }
      co_await after_refusal(at, pace);
    }
  }
  // Into the node of its key, with its slot set.
  template <db::stored T>
  auto insert(T row) -> decltype(std::declval<db::transaction&>().insert(std::move(row))) {
    static_assert(db::info_of<T>.slot != db::no_column, "the table is not sharded: its traits have no `sharded_by`");
    co_return co_await write(key_of_row(db::info_of<T>, &row), [&row](db::transaction& tx, std::uint32_t slot) {
      set_slot(db::info_of<T>, &row, slot);
      return tx.insert(row);
    });
  }

  // Asks the control database, whatever the age of what is known.
  task<std::shared_ptr<slot_map const>> refresh();
  // What is known, at most settings::refresh old where the control database answers.
  task<std::shared_ptr<slot_map const>> map();
  // Completes a handover, a split or a merge that was begun and whose outcome is decided; anybody may. False: there is none.
  task<bool> settle(std::uint32_t slot, std::uint32_t source);

 private:
  struct parts;
  struct attempts {
    unsigned count = 0;
    std::chrono::steady_clock::time_point until{};
  };

  template <class F>
  auto write_to(key k, F work, db::transaction_options options)
      -> std::invoke_result_t<F&, db::transaction&, std::uint32_t> {
    using R = std::invoke_result_t<F&, db::transaction&, std::uint32_t>;
    attempts pace;
    for (;;) {
      // Again each time: a range may have been split.
      auto const at = co_await place_for(k);
      try {
        co_return co_await node(at.node).transaction(
            [&](db::transaction& tx) -> R {
              co_await hold(tx, at);
              co_return co_await work(tx, at.slot);
            },
            options);
      } catch (db::error const& e) {
        if (!is_refusal(e)) throw;
      }
      co_await after_refusal(at, pace);
    }
  }

  static key key_of_row(db::table_info const& info, void const* row);
  static void set_slot(db::table_info const& info, void* row, std::uint32_t slot) noexcept;
  // As `slot_for`, and where that lies.
  task<place> place_for(key k);
  task<std::optional<std::uint32_t>> slot_in_directory(key k);
  // Locks the slot until the transaction ends. Throws a refusal when the node has it no more.
  task<> hold(db::transaction& tx, place at);
  task<bool> still_has(place at);
  // Waits until it is worth another attempt. Throws unavailable_error when patience is over.
  task<> after_refusal(place at, attempts& pace);
  task<bool> publish_range_change(std::uint32_t slot, std::uint32_t at, std::uint32_t into, std::int64_t epoch);
  task<> make_map();
  task<> make_node(std::uint32_t index, tables const& all);

  std::unique_ptr<parts> parts_;
};

}  // namespace slipway::sharding
