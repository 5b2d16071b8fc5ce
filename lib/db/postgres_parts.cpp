#include <slipway/db/postgres_parts.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/db/postgres_call.hpp>
#include <slipway/db/postgres_shard.hpp>

#include <algorithm>
#include <utility>

namespace slipway::db::detail {
namespace {

using namespace std::chrono_literals;

// Parts come and go, and tables get other names.
constexpr auto kept_for = 1min;
constexpr std::size_t most_kept = 1000;
// A name is not worth more of a caller's time.
constexpr auto patience = 2s;

// Each asks by schema, table and constraint, and answers with the table and the constraint at the root; a table that is
// no part is its own.
constexpr char const* root_of_unique =
    "select r.relname::text, k.relname::text from pg_class t join pg_namespace n on n.oid = t.relnamespace "
    "join pg_index i on i.indrelid = t.oid join pg_class x on x.oid = i.indexrelid join pg_index j on j.indexrelid = "
    "coalesce(pg_partition_root(x.oid), x.oid) join pg_class k on k.oid = j.indexrelid join pg_class r on r.oid = "
    "j.indrelid where n.nspname = $1::name and t.relname = $2::name and x.relname = $3::name";
constexpr char const* root_of_foreign_key =
    "with recursive up as (select c.oid, c.conparentid, c.conrelid, c.conname from pg_constraint c join pg_class t on "
    "t.oid = c.conrelid join pg_namespace n on n.oid = t.relnamespace where n.nspname = $1::name and t.relname = "
    "$2::name and c.conname = $3::name and c.contype = 'f' union all select p.oid, p.conparentid, p.conrelid, "
    "p.conname "
    "from pg_constraint p join up on p.oid = up.conparentid) select r.relname::text, up.conname::text from up join "
    "pg_class r on r.oid = up.conrelid where up.conparentid = 0";
constexpr char const* root_of_table =
    "select r.relname::text, $3::text from pg_class t join pg_namespace n on n.oid = t.relnamespace join pg_class r on "
    "r.oid = coalesce(pg_partition_root(t.oid), t.oid) where n.nspname = $1::name and t.relname = $2::name";

char const* question_for(constraint_kind kind) noexcept {
  switch (kind) {
    case constraint_kind::unique: return root_of_unique;
    case constraint_kind::foreign_key: return root_of_foreign_key;
    case constraint_kind::check:
    case constraint_kind::not_null: break;
  }
  return root_of_table;
}

std::exception_ptr named(std::exception_ptr const& error, violated_names names, std::string const& table,
                         std::string const& constraint) {
  if (table == names.table && constraint == names.constraint) return error;
  try {
    std::rethrow_exception(error);
  } catch (constraint_error const& e) {
    names.table = table;
    names.constraint = constraint;
    return std::make_exception_ptr(constraint_error{e.kind(), name_of(names), e.what(), e.code()});
  }
}

}  // namespace

void pg_parts::complete_failed(operation& failed) noexcept {
  std::optional<violated_names> names;
  try {
    std::rethrow_exception(failed.error);
  } catch (pg_violation const& violated) {
    // A check is called the same in all parts.
    if (violated.kind() != constraint_kind::check && here_.has_pipeline()) names = violated.names();
  } catch (...) {  // whoever waits is told
  }
  if (!names) return complete(failed);
  context::drop(failed);  // it has an end of its own, which comes soon
  start_detached(look_up(*this, failed, std::move(*names)));
}

task<> pg_parts::look_up(pg_parts& me, operation& failed, violated_names names) {
  auto const now = clock::now();
  auto const id = key{names.kind, names.schema, names.table, names.constraint};
  auto found = me.known_.find(id);
  if (found == me.known_.end() || now - found->second.asked_at > kept_for) {
    auto const limit = failed.of != nullptr ? std::min(failed.of->deadline, now + patience) : now + patience;
    if (auto root = co_await me.ask(names, limit)) {
      if (me.known_.size() >= most_kept) me.known_.clear();
      found = me.known_.insert_or_assign(id, std::move(*root)).first;
    } else {
      found = me.known_.end();
    }
  }
  if (found != me.known_.end())
    failed.error = named(failed.error, std::move(names), found->second.table, found->second.constraint);
  complete(failed);
}

task<std::optional<pg_parts::answer>> pg_parts::ask(violated_names const& names, clock::time_point deadline) {
  context limit;
  limit.deadline = deadline;
  try {
    shared_call question{here_, question_for(names.kind), limit, {names.schema, names.table, names.constraint}};
    auto const found = co_await question;
    if (found.size() == 1) co_return answer{found[0].get<std::string>(0), found[0].get<std::string>(1), clock::now()};
  } catch (std::runtime_error const&) {  // the name of the part is less good, and true
  }
  co_return std::nullopt;
}

}  // namespace slipway::db::detail
