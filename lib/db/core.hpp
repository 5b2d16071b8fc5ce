// What all sessions of one database share. For the .cpp files of this folder.
#pragma once

#include <slipway/db/builder.hpp>
#include <slipway/db/settings.hpp>
#include <slipway/db/statement_cache.hpp>
#include <slipway/runtime/shards.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace slipway::db::detail {

class core {
 public:
  core(std::unique_ptr<engine> e, settings const& s, unsigned shards);

  std::unique_ptr<engine> database;
  dialect kind;
  observer* watch;
  clock_source const& clock;
  random_source& random;
  std::string description;
  per_shard<statement_cache> statements;

  // A statement written by hand.
  statement_ref text(std::string sql, values const& parameters, bool reads);
};

// Writes SQL. Names are quoted; `placeholder` counts.
class sql_writer {
 public:
  explicit sql_writer(dialect d) noexcept : kind{d} {}
  dialect kind;
  std::string text;
  unsigned parameters = 0;

  void name(std::string_view identifier);  // "users", or "public"."users" for public.users
  void columns(table_info const& table);   // all, separated by commas
  std::string placeholder() { return "$" + std::to_string(++parameters); }
  // The condition with its placeholders.
  void condition(table_info const& table, std::string_view code);
  // " where ...", with what soft deletion asks for; nothing when every row is meant.
  void where(table_info const& table, std::string_view code, deleted_rows deleted, std::string_view further = {});
};

// How long a transaction that lost waits before it is tried again, and whether an error says that it lost.
std::chrono::microseconds pause_before_attempt(core& shared, unsigned attempt);
bool may_repeat(std::exception_ptr const& error) noexcept;

std::string quoted(std::string_view identifier);
bool is_nullable(table_info const& table, std::uint8_t column) noexcept;

}  // namespace slipway::db::detail
