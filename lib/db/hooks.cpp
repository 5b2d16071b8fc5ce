#include <slipway/db/hooks.hpp>

#include <slipway/db/database.hpp>
#include <slipway/db/row_values.hpp>

namespace slipway::db::detail {

struct session_parts {
  static core& shared(session& s) noexcept { return *s.shared_; }
  static link& to(session& s) noexcept { return *s.to_; }
};

namespace {

task<result<void>> call(session& in, table_info const& info, row_event when, void* row) {
  for (auto const& h : info.hooks()) {
    if (h.when != when) continue;
    auto said = h.now != nullptr ? h.now(row) : co_await h.later(in, row);
    if (!said) co_return std::move(said.error());
  }
  co_return result<void>{};
}

task<result<void>> create_here(session& in, table_info const& info, void* row, std::source_location at) {
  co_await ok(call(in, info, row_event::before_create, row));
  co_await insert_row(session_parts::shared(in), session_parts::to(in), info, row, on_conflict::fail, {}, at);
  co_return co_await call(in, info, row_event::after_create, row);
}

task<result<void>> change_here(session& in, table_info const& info, row_change what, void* row,
                               untyped_condition const& provided, std::source_location at) {
  auto const removes = what != row_change::update;
  co_await ok(call(in, info, removes ? row_event::before_delete : row_event::before_update, row));
  auto& shared = session_parts::shared(in);
  auto& to = session_parts::to(in);
  if (!removes)
    co_await ok(update_row(shared, to, info, row, provided, at));
  else
    co_await ok(remove_row(shared, to, info, row,
                           what == row_change::purge ? change_state::kind::purge : change_state::kind::soft_remove,
                           at));
  co_return co_await call(in, info, removes ? row_event::after_delete : row_event::after_update, row);
}

// What the layer writes into rows on its way, as it was before: the transaction may repeat its work, and a key or a
// version of an attempt that was undone belongs to nobody.
class as_before {
 public:
  void note_key(table_info const& info, void* row) {
    if (key_is_given(info, row)) keyless_.push_back(row);
  }
  void note_version(table_info const& info, void* row) {
    if (info.version != no_column) version_ = meta::read_integer(*type_of(info), member_of(info, row, info.version));
  }
  void restore(table_info const& info, void* row) const {
    for (auto* const each : keyless_) write_key(info, each, 0);
    if (version_) meta::write_integer(*type_of(info), member_of(info, row, info.version), *version_);
  }

 private:
  static meta::type const* type_of(table_info const& info) noexcept { return info.row->members[info.version].of; }

  std::vector<void*> keyless_;
  std::optional<std::int64_t> version_;
};

}  // namespace

task<result<void>> create_row(session& in, table_info const& info, void* row, std::source_location at) {
  if (!hooks_of{info, row_event::before_create, row_event::after_create}.needs_transaction)
    co_return co_await create_here(in, info, row, at);
  as_before before;
  before.note_key(info, row);
  co_return co_await in.transaction([&](transaction& tx) -> task<result<void>> {
    before.restore(info, row);
    return create_here(tx, info, row, at);
  });
}

task<result<void>> create_rows(session& in, table_info const& info, std::size_t count,
                               void* (*row_at)(void*, std::size_t), void* list, std::source_location at) {
  as_before before;
  for (std::size_t i = 0; i < count; ++i) before.note_key(info, row_at(list, i));
  co_return co_await in.transaction([&](transaction& tx) -> task<result<void>> {
    before.restore(info, nullptr);
    hooks_of const hooks{info, row_event::before_create, row_event::after_create};
    if (hooks.any)
      for (std::size_t i = 0; i < count; ++i) co_await ok(call(tx, info, row_event::before_create, row_at(list, i)));
    co_await insert_rows(session_parts::shared(tx), session_parts::to(tx), info, count, row_at, list, at);
    if (hooks.any)
      for (std::size_t i = 0; i < count; ++i) co_await ok(call(tx, info, row_event::after_create, row_at(list, i)));
    co_return result<void>{};
  });
}

task<result<void>> change_row(session& in, table_info const& info, row_change what, void* row,
                              untyped_condition const& provided, std::source_location at) {
  auto const removes = what != row_change::update;
  hooks_of const hooks{info, removes ? row_event::before_delete : row_event::before_update,
                       removes ? row_event::after_delete : row_event::after_update};
  if (!hooks.needs_transaction) co_return co_await change_here(in, info, what, row, provided, at);
  as_before before;
  before.note_version(info, row);
  co_return co_await in.transaction([&](transaction& tx) -> task<result<void>> {
    before.restore(info, row);
    return change_here(tx, info, what, row, provided, at);
  });
}

}  // namespace slipway::db::detail
