// What all sessions of one database share. For the .cpp files of this folder.
#pragma once

#include <slipway/db/builder.hpp>
#include <slipway/db/settings.hpp>
#include <slipway/runtime/shards.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace slipway::db::detail {

// The statements of one shard, by the shape of the query that made them or by their text.
class statement_cache {
 public:
  // A program that makes ever new texts gets them unprepared beyond this.
  static constexpr std::size_t max_statements = 1000;

  statement const* find(std::string_view shape) const noexcept {
    auto const found = all_.find(shape);
    return found != all_.end() ? found->second.get() : nullptr;
  }
  // Keeps the statement if there is room.
  statement_ref keep(std::string_view shape, std::unique_ptr<statement> made);

 private:
  struct hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, std::unique_ptr<statement>, hash, std::equal_to<>> all_;
};

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

// The key of a shape: a few dozen bytes that are put together for each query, so they stand on the stack.
class shape_key {
 public:
  explicit shape_key(table_info const& table, char what) noexcept {
    auto const* at = &table;
    add({reinterpret_cast<char const*>(&at), sizeof at});
    add(what);
  }
  void add(char c) { add(std::string_view{&c, 1}); }
  void add(std::string_view part) {
    if (spill_.empty() && size_ + part.size() <= sizeof small_) {
      for (char c : part) small_[size_++] = c;
      return;
    }
    if (spill_.empty()) spill_.assign(small_, size_);
    spill_ += part;
  }
  std::string_view view() const noexcept { return spill_.empty() ? std::string_view{small_, size_} : std::string_view{spill_}; }

 private:
  char small_[128];
  std::size_t size_ = 0;
  std::string spill_;
};

// Writes SQL. Names are quoted; `placeholder` counts.
class sql_writer {
 public:
  explicit sql_writer(dialect d) noexcept : kind{d} {}
  dialect kind;
  std::string text;
  unsigned parameters = 0;

  void name(std::string_view identifier);         // "users", or "public"."users" for public.users
  void columns(table_info const& table);          // all, separated by commas
  std::string placeholder() { return "$" + std::to_string(++parameters); }
  // The condition with its placeholders.
  void condition(table_info const& table, std::string_view code);
  // " where ...", with what soft deletion asks for; nothing when every row is meant.
  void where(table_info const& table, std::string_view code, deleted_rows deleted, std::string_view further = {});
};

std::string quoted(std::string_view identifier);
bool is_nullable(table_info const& table, std::uint8_t column) noexcept;

}  // namespace slipway::db::detail
