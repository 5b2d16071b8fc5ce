// Single rows and what their tables' hooks have to say about them. Included by database.hpp; not for applications.
#pragma once

#include <slipway/db/builder.hpp>

namespace slipway::db::detail {

struct session_parts;

// What is registered for one kind of change.
struct hooks_of {
  constexpr hooks_of(table_info const& info, row_event before, row_event after) noexcept {
    for (auto const& h : info.hooks()) {
      if (h.when != before && h.when != after) continue;
      any = true;
      may_refuse = may_refuse || h.may_refuse;
      // What was done has to be undone, or others have a part in it.
      needs_transaction = needs_transaction || h.later != nullptr || (h.when == after && h.may_refuse);
    }
  }
  constexpr bool none() const noexcept { return !any; }

  bool any = false, may_refuse = false, needs_transaction = false;
};

enum class row_change : std::uint8_t { update, soft_remove, purge };

// Hooks before, the statement, hooks after; in a transaction where one is needed.
task<result<void>> create_row(session& in, table_info const& info, void* row, std::source_location at);
// All in one transaction.
task<result<void>> create_rows(session& in, table_info const& info, std::size_t count,
                               void* (*row_at)(void* list, std::size_t i), void* list, std::source_location at);
// `provided`: what else has to hold for an update.
task<result<void>> change_row(session& in, table_info const& info, row_change what, void* row,
                              untyped_condition const& provided, std::source_location at);

}  // namespace slipway::db::detail
