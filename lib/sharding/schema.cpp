#include <slipway/sharding/schema.hpp>

#include <fmt/format.h>

namespace slipway::sharding {
namespace {

// The part of a text that is the same for both engines.
constexpr char const* control_tables = R"(
create table if not exists sharding_cluster (
  id integer primary key check (id = 1),
  cluster varchar(64) not null, strategy varchar(16) not null, ranges text not null,
  slots bigint not null, version bigint not null);
create table if not exists sharding_map (
  slot bigint primary key, node varchar(64) not null, epoch bigint not null);
create table if not exists sharding_moves (
  slot bigint primary key, source varchar(64) not null, target varchar(64) not null,
  mover varchar(64) not null, position text not null, moved_at bigint);
create table if not exists sharding_nodes (name varchar(64) primary key);
create table if not exists sharding_bounds (slot bigint primary key, bound text not null unique);
create table if not exists sharding_splits (
  id integer primary key check (id = 1), slot bigint not null, made bigint not null, bound text not null);
create table if not exists sharding_keys (
  key varchar(1000) primary key, slot bigint not null);
create index if not exists sharding_keys_slot on sharding_keys (slot);
)";

constexpr char const* node_tables = R"(
create table if not exists sharding_node (
  id integer primary key check (id = 1),
  cluster varchar(64) not null, name varchar(64) not null, version bigint not null);
create table if not exists sharding_slots (
  slot bigint primary key, state varchar(16) not null, epoch bigint not null,
  mover varchar(64) not null default '', peer varchar(64) not null default '',
  fences bigint not null default 0, changed_at bigint not null);
)";

constexpr char const* postgres_changes = R"(
create table if not exists sharding_changes (
  id bigint generated always as identity primary key,
  slot bigint not null, table_name varchar(64) not null, row_key text not null);
create index if not exists sharding_changes_slot on sharding_changes (slot, id);
)";

// The key as it is: text, number or octets.
constexpr char const* sqlite_changes = R"(
create table if not exists sharding_changes (
  id integer primary key autoincrement,
  slot integer not null, table_name text not null, row_key blob not null);
create index if not exists sharding_changes_slot on sharding_changes (slot, id);
)";

// Octets of keys, which order as the keys do: as sharding::key has them.
constexpr char const* postgres_octets = R"(
create or replace function sharding_octets(bigint) returns bytea language sql immutable as
  'select int8send($1 # (-9223372036854775808)::bigint)';
create or replace function sharding_octets(boolean) returns bytea language sql immutable as
  'select sharding_octets($1::integer::bigint)';
create or replace function sharding_octets(timestamptz) returns bytea language sql immutable as
  'select sharding_octets((extract(epoch from $1) * 1000000)::bigint)';
create or replace function sharding_octets(uuid) returns bytea language sql immutable as 'select uuid_send($1)';
create or replace function sharding_octets(text) returns bytea language sql immutable as
  'select convert_to($1, ''UTF8'')';
)";

// 0: the table, as a name; 1: as text; 2: slot; 3: key; 4: the function; 5: the one for truncate; 6: what happens to a
// change of slot or key; 7: what is asked of a slot; 8: into what; 9: whether a new row's key is above the slot's; 10:
// what happens to a change of what decides the slot.
constexpr char const* postgres_guard = R"(
create or replace function {4}() returns trigger language plpgsql as $guard$
declare
  here bigint;
  held text;
  bound bytea;
begin
  if tg_op = 'UPDATE' then
    if old.{2} is distinct from new.{2} or old.{3} is distinct from new.{3} then
{6}    end if;
  end if;
  if tg_op = 'DELETE' then here := old.{2}; else here := new.{2}; end if;
  select {7} into {8} from sharding_slots where slot = here for share;
{9}{10}  if held = 'copying' then
    insert into sharding_changes (slot, table_name, row_key)
      values (here, '{1}', case when tg_op = 'DELETE' then old.{3}::text else new.{3}::text end);
  elsif held is null or held not in ('owned', 'loading') then
    raise exception 'sharding: slot % of {1} is % on this node', here, coalesce(held, 'not') using errcode = 'SL001';
  end if;
  if tg_op = 'DELETE' then return old; end if;
  return new;
end $guard$;
create or replace function {5}() returns trigger language plpgsql as $guard$
begin
  raise exception 'sharding: {1} cannot be truncated: remove its rows' using errcode = 'SL002';
end $guard$;
drop trigger if exists sharding_guard on {0};
create trigger sharding_guard before insert or update or delete on {0} for each row execute function {4}();
drop trigger if exists sharding_guard_all on {0};
create trigger sharding_guard_all before truncate on {0} for each statement execute function {5}();
)";

// 0: the table, as a name; 1: as text; 2: slot; 3: key; 4: the trigger; 5: the event; 6: old or new; 7: which slots are
// refused besides; 8: what else may be its slot, while a change of it is taken back.
constexpr char const* sqlite_guard = R"(
drop trigger if exists {4};
create trigger {4} before {5} on {0} begin
  select raise(abort, 'sharding: the slot is not this node''s') where not exists (
    select 1 from sharding_slots where slot in ({6}.{2}{8}) and state in ('owned', 'copying', 'loading'){7});
  insert into sharding_changes (slot, table_name, row_key) select {6}.{2}, '{1}', {6}.{3} where exists (
    select 1 from sharding_slots where slot = {6}.{2} and state = 'copying');
end;
)";

// 5: when; 6: what is said.
constexpr char const* sqlite_keeps = R"(
drop trigger if exists {4};
create trigger {4} before update on {0} when {5} begin
  select raise(abort, 'sharding: {6}');
end;
)";

// 5: unless it is split. Its own change does not call it again.
constexpr char const* sqlite_stays = R"(
drop trigger if exists {4};
create trigger {4} after update on {0} when old.{2} is not new.{2}{5} begin
  select raise(abort, 'sharding: the slot is not this node''s') where not exists (
    select 1 from sharding_slots where slot = old.{2} and state in ('owned', 'copying', 'loading'));
  update {0} set {2} = old.{2} where {3} = new.{3};
end;
)";

[[noreturn]] void refuse_engine() {
  throw startup_error{exit_code::config,
                      "sharding.nodes: MySQL and MariaDB are not supported as nodes. Use PostgreSQL, or SQLite files."};
}

}  // namespace

bool is_refusal(db::error const& e) noexcept {
  return e.code() == not_here || std::string_view{e.what()}.starts_with("sharding: the slot is not this node's");
}

std::string_view now_in(db::dialect of) noexcept {
  return of == db::dialect::sqlite ? "cast((julianday('now') - 2440587.5) * 86400000000 as integer)"
                                   : "(extract(epoch from clock_timestamp()) * 1000000)::bigint";
}

std::string_view lock_of(db::dialect of) noexcept { return of == db::dialect::sqlite ? "" : " for share"; }

std::string control_schema(db::dialect of) {
  if (of == db::dialect::mysql) refuse_engine();
  return control_tables;
}

std::string node_schema(db::dialect of) {
  if (of == db::dialect::mysql) refuse_engine();
  return node_tables + std::string{of == db::dialect::sqlite ? sqlite_changes : postgres_changes} +
         (of == db::dialect::postgres ? postgres_octets : "");
}

std::string octets_in(table const& t, db::dialect of, std::string_view row) {
  auto const column = fmt::format("{}{}", row, quoted(t.by));
  if (of == db::dialect::postgres) return fmt::format("sharding_octets({})", column);
  // Numbers are compared as such.
  return fmt::format("case typeof({0}) when 'text' then cast({0} as blob) else {0} end", column);
}

db::value bound_in(std::string const& octets, key_kind as, db::dialect of) {
  if (of == db::dialect::postgres || as != key_kind::number) return db::bytes{octets};
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i)
    number = number << 8 | (i < octets.size() ? static_cast<unsigned char>(octets[i]) : 0u);
  return static_cast<std::int64_t>(number ^ std::uint64_t{1} << 63);
}

table::table(db::table_info const& info)
    : name{info.name},
      slot{info.column(info.slot)},
      key{info.column(info.key)},
      by{info.column(info.sharded_by)},
      by_column{db::kind_of(*info.row->members[info.sharded_by].of)} {}

namespace {

// The change of a slot that a split makes.
std::string is_no_split(table const& t) {
  return fmt::format("not exists (select 1 from sharding_slots where slot = old.{0} and into_slot = new.{0})",
                     quoted(t.slot));
}

// Once a row lies with its key, another key would leave it where nobody looks for it.
std::string refuses_another_key(table const& t) {
  return fmt::format(
      "a row of {} cannot change {}, which decides where it lies: insert it anew for its new key, and remove it here",
      t.name, t.by);
}
bool has_its_own_column(table const& t) noexcept { return !t.by.empty() && t.by != t.key; }

// Where ranges are split, a row that was read before says its old slot when it is written: it keeps the one that it has.
std::string postgres_guards(table const& t, strategy by) {
  auto const called = [&t](std::string_view what) { return quoted(fmt::format("sharding_{}_{}", what, t.name)); };
  auto const has_ranges = by == strategy::range;
  auto change = fmt::format(
      "raise exception 'sharding: a row of {} cannot change its slot or its primary key' using errcode = 'SL002';\n",
      t.name);
  std::string above;
  if (has_ranges) {
    change =
        fmt::format("if old.{0} is distinct from new.{0} then {1} end if; if {2} then new.{3} := old.{3}; end if;\n",
                    quoted(t.key), change, is_no_split(t), quoted(t.slot));
    // A table of which nobody has said by what it is sharded takes no rows into a range that was split.
    above = fmt::format(
        "  if tg_op = 'INSERT' and bound is not null and {} then\n    raise exception 'sharding: slot % of {} has been "
        "split, and the key lies above it', here using errcode = 'SL001';\n  end if;\n",
        t.by.empty() ? "true" : octets_in(t, db::dialect::postgres, "new.") + " >= bound", t.name);
  }
  std::string stays;  // a move brings rows that were removed and came back with another key, under one primary key
  if (has_its_own_column(t))
    stays = fmt::format(
        "  if tg_op = 'UPDATE' and held in ('owned', 'copying') and old.{0} is distinct from new.{0} then\n    raise "
        "exception 'sharding: {1}' using errcode = 'SL002';\n  end if;\n",
        quoted(t.by), refuses_another_key(t));
  return fmt::format(postgres_guard, quoted(t.name), t.name, quoted(t.slot), quoted(t.key), called("guard"),
                     called("guard_all"), change, has_ranges ? "state, high" : "state",
                     has_ranges ? "held, bound" : "held", above, stays);
}

std::string sqlite_guards(table const& t, strategy by) {
  auto const name = quoted(t.name), slot = quoted(t.slot), key = quoted(t.key);
  auto const called = [&t](std::string_view what) { return quoted(fmt::format("sharding_{}_{}", what, t.name)); };
  auto const has_ranges = by == strategy::range;
  auto const above = fmt::format(" and (high is null or not ({}))",
                                 t.by.empty() ? "true" : octets_in(t, db::dialect::sqlite, "new.") + " >= high");
  auto const key_changes = fmt::format("old.{0} is not new.{0}", key);
  auto out = fmt::format(sqlite_keeps, name, t.name, slot, key, called("keeps"),
                         has_ranges ? key_changes : fmt::format("old.{0} is not new.{0} or {1}", slot, key_changes),
                         "a row cannot change its slot or its primary key");
  out += fmt::format("drop trigger if exists {};\n", called("lies"));
  if (has_its_own_column(t))
    out += fmt::format(sqlite_keeps, name, t.name, slot, key, called("lies"),
                       fmt::format("old.{0} is not new.{0} and exists (select 1 from sharding_slots where slot = "
                                   "old.{1} and state in ('owned', 'copying'))",
                                   quoted(t.by), slot),
                       refuses_another_key(t));
  if (has_ranges) out += fmt::format(sqlite_stays, name, t.name, slot, key, called("stays"), " and " + is_no_split(t));
  for (std::string_view event : {"insert", "update", "delete"}) {
    auto const may_stay = has_ranges && event == "update";
    out += fmt::format(sqlite_guard, name, t.name, slot, key, called(event), event,
                       event == "delete" || may_stay ? "old" : "new", has_ranges && event == "insert" ? above : "",
                       may_stay ? ", new." + slot : "");
  }
  return out;
}

}  // namespace

std::string guard_schema(table const& t, db::dialect of, strategy by) {
  if (of == db::dialect::mysql) refuse_engine();
  return of == db::dialect::postgres ? postgres_guards(t, by) : sqlite_guards(t, by);
}

// Each engine keeps the text that it was given, but for SQLite's first two words.
task<bool> has_guard(db::session& node, table t, strategy by) {
  auto const wanted = guard_schema(t, node.dialect(), by);
  auto const found = co_await node.query(
      node.dialect() == db::dialect::sqlite
          ? "select coalesce(sum(case when instr($2, substr(sql, length('create trigger ') + 1)) > 0 then 1 when name "
            "like 'sharding!_%' escape '!' then -1 else 0 end), 0) from sqlite_master where type = 'trigger' and "
            "tbl_name = $1"
          : "select count(*) from pg_trigger t join pg_proc p on p.oid = t.tgfoid where t.tgrelid = "
            "to_regclass(quote_ident($1)) and t.tgname in ('sharding_guard', 'sharding_guard_all') and t.tgenabled <> "
            "'D' and strpos($2, p.prosrc) > 0",
      {t.name, wanted});
  std::int64_t triggers = 0;
  for (std::size_t at = 0; (at = wanted.find("create trigger ", at)) != wanted.npos; ++at) ++triggers;
  co_return found[0].get<std::int64_t>(0) == triggers;
}

}  // namespace slipway::sharding
