// The untyped half of the query builder: it holds what was asked for, makes the statement's text once for each
// shape, and moves rows in and out through the table's description. Included by query.hpp; not for applications.
#pragma once

#include <slipway/core/fault.hpp>
#include <slipway/db/condition.hpp>
#include <slipway/db/driver.hpp>
#include <slipway/db/errors.hpp>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace slipway::db::detail {

// What all sessions of one database share.
class core;

// The statement of an operation: in the shard's cache, or its own.
struct statement_ref {
  statement const* what = nullptr;
  std::unique_ptr<statement> own;
};

// Awaited: runs one statement. The parameters must live in the awaiting coroutine's frame.
class run : operation {
 public:
  run(core& shared, link& to, statement_ref what, values const& parameters) noexcept;
  run(run const&) = delete;
  run& operator=(run const&) = delete;

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) {
    of = self.promise().operation;
    waiting = self;
    return begin();
  }
  rows await_resume() {
    if (error || watched_) [[unlikely]]
      finish();
    return std::move(answer);
  }

 private:
  bool begin();
  void finish();

  core& shared_;
  link& to_;
  statement_ref statement_;
  std::chrono::steady_clock::time_point began_{};
  bool watched_ = false;
};

enum class deleted_rows : std::uint8_t { without, with, only };
enum class lock_mode : std::uint8_t { none, update, skip_locked };

struct order_term {
  std::uint8_t column;
  bool descending;
};

struct recycled {
  static void* operator new(std::size_t bytes) { return slipway::detail::frame_pool::allocate(bytes); }
  static void operator delete(void* memory, std::size_t bytes) noexcept {
    slipway::detail::frame_pool::release(memory, bytes);
  }
};

struct select_state : recycled {
  select_state(core& s, link& t, table_info const& i) noexcept : shared{s}, to{t}, info{i} {}

  core& shared;
  link& to;
  table_info const& info;
  untyped_condition where;
  std::string orders;  // two bytes each: column, direction
  std::int64_t limit = -1, offset = -1;
  deleted_rows deleted = deleted_rows::without;
  lock_mode lock = lock_mode::none;
  std::string after_nulls;  // of a page's cursor: a byte for each order, 1 where its value is null; empty: none
  values after;             // the values that are not null

  enum class wanted : char { rows = 1, count, exists };
  // Makes the text and appends the limit to the values. Once.
  run fetch(wanted what);

  // Keyset pagination: turns the cursor into a condition. A fault malformed("bad_cursor") for what is not a cursor
  // of a query of this shape.
  result<void> continue_after(std::string_view cursor);
  void tie_break();
  std::string cursor_of(void const* row) const;
};
using select_ptr = std::unique_ptr<select_state>;

// UTF-8 without NUL: what both engines can hold.
bool is_storable_text(std::string_view text) noexcept;

// Columns in the order of the members.
void read_row(table_info const& info, void* row, rows const& from, std::size_t index);

struct change_state : recycled {
  change_state(core& s, link& t, table_info const& i) noexcept : shared{s}, to{t}, info{i} {}

  core& shared;
  link& to;
  table_info const& info;
  std::string sets;  // one byte each: column
  values new_values;
  untyped_condition where;
  deleted_rows deleted = deleted_rows::without;

  enum class kind : char { update = 10, soft_remove, purge, restore };
  void set(std::uint8_t column, value v);
  run apply(kind what, bool returning);

 private:
  values parameters_;
};
using change_ptr = std::unique_ptr<change_state>;

enum class on_conflict : char { fail = 1, ignore, replace };

// These change `row` as the database would: id, timestamps and version. False: ignored because of a conflict.
task<bool> insert_row(core& shared, link& to, table_info const& info, void* row, on_conflict conflict,
                      std::string conflict_columns);
// Statements of at most a few hundred rows each. `row_at` gives the i-th row.
task<> insert_rows(core& shared, link& to, table_info const& info, std::size_t count,
                   void* (*row_at)(void* list, std::size_t i), void* list);
task<result<void>> update_row(core& shared, link& to, table_info const& info, void* row);
task<std::int64_t> change_rows(change_ptr change, change_state::kind what);
// The changed rows as they are now (removed ones as they were), in one or more parts.
task<std::vector<rows>> change_and_read(change_ptr change, change_state::kind what);

}  // namespace slipway::db::detail
