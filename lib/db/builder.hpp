// The untyped half of the query builder: it holds what was asked for, makes the statement's text once for each
// shape, and moves rows in and out through the table's description. Included by query.hpp; not for applications.
#pragma once

#include <slipway/core/fault.hpp>
#include <slipway/db/driver.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/db/expression.hpp>

#include <memory>
#include <optional>
#include <source_location>
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

  static statement_ref unkept(std::unique_ptr<statement> made) noexcept {
    auto const* text = made.get();
    return {text, std::move(made)};
  }
};

// A text for parameters of these kinds.
std::unique_ptr<statement> make_statement(std::string sql, values const& parameters, bool reads = false);

// Awaited: runs one statement. The parameters must live in the awaiting coroutine's frame.
class run : operation {
 public:
  // `rows`: how many it writes by their keys. `continues`: see query_event.
  run(core& shared, link& to, statement_ref what, values const& parameters, std::source_location at,
      std::size_t rows = 1, bool continues = false) noexcept;
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
  std::source_location at_;
  std::chrono::steady_clock::time_point began_{};
  bool const is_batch_, continues_;
  bool watched_ = false;
};

// How long a transaction that lost waits before it is tried again, and whether an error says that it lost.
std::chrono::microseconds pause_before_attempt(core& shared, unsigned attempt);
bool may_repeat(std::exception_ptr const& error) noexcept;

enum class lock_mode : std::uint8_t { none, update, skip_locked };

struct recycled {
  static void* operator new(std::size_t bytes) { return slipway::detail::frame_pool::allocate(bytes); }
  static void operator delete(void* memory, std::size_t bytes) noexcept {
    slipway::detail::frame_pool::release(memory, bytes);
  }
};

// What a query has beyond one table, its conditions and its order.
struct select_parts {
  struct joined {
    source_info const* with;
    bool is_left;
    untyped_condition on;
  };
  std::vector<joined> joins;
  std::string outputs;  // programs that leave one expression for each column; empty: the columns of the first table
  std::string further;  // the same, to follow the columns of the first table
  std::string groups;   // the same, to group by
  std::string orders;   // the same, each ordered
  untyped_condition having;
  bool distinct = false;
};

// A relation that is loaded with the rows of a query, and those that are loaded with its rows in turn.
struct load_step {
  relation const* what = nullptr;
  untyped_condition where;
  std::string orders;
  deleted_rows deleted = deleted_rows::without;
  std::vector<load_step> then;
};

struct select_state : recycled {
  select_state(core& s, link& t, table_info const& i) noexcept : shared{s}, to{t}, info{i} {}

  core& shared;
  link& to;
  table_info const& info;
  untyped_condition where;
  std::string orders;  // two bytes each: column, order_flags
  std::int64_t limit = -1, offset = -1;
  deleted_rows deleted = deleted_rows::without;
  lock_mode lock = lock_mode::none;
  std::source_location at;  // who asks
  std::string after_nulls;  // of a page's cursor: a byte for each order, 1 where its value is null; empty: none
  values after;             // the values that are not null
  bool continues = false;   // behind a cursor, or rows that belong to such a page
  std::unique_ptr<select_parts> parts;
  std::unique_ptr<std::vector<load_step>> loads;

  select_parts& more() {
    if (!parts) parts = std::make_unique<select_parts>();
    return *parts;
  }
  // The step that this path of relations ends with, made if it is not there.
  load_step& load(std::span<relation const* const> path);

  enum class wanted : char { rows = 1, count, exists };
  // Makes the text and appends the limit to the values. Once.
  run fetch(wanted what);

  // Keyset pagination: turns the cursor into a condition. A fault malformed("bad_cursor") for what is not a cursor
  // of a query of this shape.
  result<void> continue_after(std::string_view cursor);
  void tie_break();
  std::string cursor_of(void const* row) const;

 private:
  run fetch_parts(wanted what);
};
using select_ptr = std::unique_ptr<select_state>;

// UTF-8 without NUL: what both engines can hold.
bool is_storable_text(std::string_view text) noexcept;

// Columns in the order of the members.
void read_row(core& shared, table_info const& info, void* row, rows const& from, std::size_t index);
// The same into any described struct, which has one member for each column.
void read_columns(meta::type const& into, void* row, rows const& from, std::size_t index);

// Loads relations of rows that stand `stride` bytes apart: one statement for each step. `continues`: of a page behind a
// cursor.
task<> load_related(core& shared, link& to, table_info const& owner, void* first, std::size_t stride, std::size_t count,
                    std::vector<load_step> const& steps, std::source_location at, bool continues = false);

// The first row and its relations, which are asked for together where the query names the keys that they begin at.
// False: there is none.
task<bool> fetch_with_related(select_state& query, void* row);

// find.cpp: the one row, not marked as deleted, whose key is the only parameter.
statement_ref statement_by_key(core& shared, table_info const& info, value_kind key);

struct change_state : recycled {
  change_state(core& s, link& t, table_info const& i) noexcept : shared{s}, to{t}, info{i} {}

  core& shared;
  link& to;
  table_info const& info;
  std::string sets;  // one byte each: column
  values new_values;
  untyped_condition where;
  deleted_rows deleted = deleted_rows::without;
  std::source_location at;

  enum class kind : char { update = 10, soft_remove, purge, restore };
  void set(std::uint8_t column, value v);
  void put(std::uint8_t column, value v);  // as it is stored
  run apply(kind what, bool returning);

 private:
  values parameters_;
};
using change_ptr = std::unique_ptr<change_state>;

enum class on_conflict : char { fail = 1, ignore, replace };

// These change `row` as the database would: id, timestamps and version. False: ignored because of a conflict.
task<bool> insert_row(core& shared, link& to, table_info const& info, void* row, on_conflict conflict,
                      std::string conflict_columns, std::source_location at);
// Statements of at most a few hundred rows each. `row_at` gives the i-th row.
task<> insert_rows(core& shared, link& to, table_info const& info, std::size_t count,
                   void* (*row_at)(void* list, std::size_t i), void* list, std::source_location at);
task<result<void>> update_row(core& shared, link& to, table_info const& info, void* row,
                              untyped_condition const& provided, std::source_location at);
// Marks or removes one row.
task<result<void>> remove_row(core& shared, link& to, table_info const& info, void* row, change_state::kind what,
                              std::source_location at);
// The fault for a row that a statement passed over: not_found, or somebody changed it.
task<result<void>> why_not_changed(core& shared, link& to, table_info const& info, void* row, deleted_rows deleted,
                                   untyped_condition const& provided, std::source_location at);
// change_many.cpp: many rows by their keys; `sets` has a byte for each column. The number of rows that were changed.
std::string columns_to_update(table_info const& info);
bool fits_one_statement(core& shared, table_info const& info, std::size_t rows) noexcept;
task<std::int64_t> update_rows(core& shared, link& to, table_info const& info, std::string sets, std::size_t count,
                               void* (*row_at)(void* list, std::size_t i), void* list, std::source_location at);
task<std::int64_t> change_rows(change_ptr change, change_state::kind what);
// The changed rows as they are now (removed ones as they were), in one or more parts.
task<std::vector<rows>> change_and_read(change_ptr change, change_state::kind what);

}  // namespace slipway::db::detail
