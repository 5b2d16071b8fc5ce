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

// 0: the table, as a name; 1: as text; 2: slot; 3: key; 4: the function.
constexpr char const* postgres_guard = R"(
create or replace function {4}() returns trigger language plpgsql as $guard$
declare
  here bigint;
  held text;
begin
  if tg_op = 'DELETE' then here := old.{2}; else here := new.{2}; end if;
  if tg_op = 'UPDATE' then
    if old.{2} is distinct from new.{2} or old.{3} is distinct from new.{3} then
      raise exception 'sharding: a row of {1} cannot change its slot or its primary key' using errcode = 'SL002';
    end if;
  end if;
  select state into held from sharding_slots where slot = here for share;
  if held = 'copying' then
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

// 0: the table, as a name; 1: as text; 2: slot; 3: key; 4: the trigger; 5: the event; 6: old or new.
constexpr char const* sqlite_guard = R"(
drop trigger if exists {4};
create trigger {4} before {5} on {0} begin
  select raise(abort, 'sharding: the slot is not this node''s') where not exists (
    select 1 from sharding_slots where slot = {6}.{2} and state in ('owned', 'copying', 'loading'));
  insert into sharding_changes (slot, table_name, row_key) select {6}.{2}, '{1}', {6}.{3} where exists (
    select 1 from sharding_slots where slot = {6}.{2} and state = 'copying');
end;
)";

constexpr char const* sqlite_keeps = R"(
drop trigger if exists {4};
create trigger {4} before update on {0} when old.{2} is not new.{2} or old.{3} is not new.{3} begin
  select raise(abort, 'sharding: a row cannot change its slot or its primary key');
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
  return std::string{node_tables} + (of == db::dialect::sqlite ? sqlite_changes : postgres_changes);
}

table::table(db::table_info const& info)
    : name{info.name}, slot{info.column(info.slot)}, key{info.column(info.key)}, by{info.column(info.sharded_by)} {
  by_column = db::kind_of(*info.row->members[info.sharded_by].of);
  switch (*by_column) {
    case db::value_kind::text: keys = key_kind::text; break;
    case db::value_kind::uuid: keys = key_kind::id; break;
    case db::value_kind::integer:
    case db::value_kind::time:
    case db::value_kind::boolean: keys = key_kind::number; break;
    default: break;
  }
}

std::string guard_schema(table const& t, db::dialect of) {
  auto const name = quoted(t.name), slot = quoted(t.slot), key = quoted(t.key);
  auto const called = [&t](std::string_view what) { return quoted(fmt::format("sharding_{}_{}", what, t.name)); };
  if (of == db::dialect::mysql) refuse_engine();
  if (of == db::dialect::postgres)
    return fmt::format(postgres_guard, name, t.name, slot, key, called("guard"), called("guard_all"));
  std::string out = fmt::format(sqlite_keeps, name, t.name, slot, key, called("keeps"));
  for (std::string_view event : {"insert", "update", "delete"})
    out += fmt::format(sqlite_guard, name, t.name, slot, key, called(event), event, event == "delete" ? "old" : "new");
  return out;
}

}  // namespace slipway::sharding
