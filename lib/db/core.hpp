// What all sessions of one database share. For the .cpp files of this folder.
#pragma once

#include <slipway/db/builder.hpp>
#include <slipway/db/settings.hpp>
#include <slipway/runtime/shards.hpp>

#include <cstdint>
#include <cstring>
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
    // Eight bytes at a time; the keys are made by this program, so nobody can aim at collisions.
    std::size_t operator()(std::string_view text) const noexcept {
      std::uint64_t h = text.size() * 0x9e3779b97f4a7c15;
      auto mix = [&h](std::uint64_t part) {
        h = (h ^ part) * 0x9e3779b97f4a7c15;
        h ^= h >> 32;
      };
      auto const* at = text.data();
      auto left = text.size();
      for (; left >= 8; at += 8, left -= 8) {
        std::uint64_t part;
        std::memcpy(&part, at, 8);
        mix(part);
      }
      std::uint64_t rest = 0;
      for (std::size_t i = 0; i < left; ++i)
        rest |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(at[i])) << (8 * i);
      mix(rest);
      return h;
    }
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
    std::memcpy(small_, &at, sizeof at);
    small_[sizeof at] = what;
    size_ = sizeof at + 1;
  }
  void add(char c) {
    if (size_ < sizeof small_ && spill_.empty()) [[likely]]
      small_[size_++] = c;
    else
      spill({&c, 1});
  }
  void add(std::string_view part) {
    if (size_ + part.size() > sizeof small_ || !spill_.empty()) [[unlikely]]
      return spill(part);
    for (std::size_t i = 0; i < part.size(); ++i) small_[size_ + i] = part[i];  // a handful: a call costs more
    size_ += part.size();
  }
  std::string_view view() const noexcept {
    return spill_.empty() ? std::string_view{small_, size_} : std::string_view{spill_};
  }

 private:
  void spill(std::string_view part) {
    if (spill_.empty()) spill_.assign(small_, size_);
    spill_ += part;
  }

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

  void name(std::string_view identifier);  // "users", or "public"."users" for public.users
  void columns(table_info const& table);   // all, separated by commas
  std::string placeholder() { return "$" + std::to_string(++parameters); }
  // The condition with its placeholders.
  void condition(table_info const& table, std::string_view code);
  // " where ...", with what soft deletion asks for; nothing when every row is meant.
  void where(table_info const& table, std::string_view code, deleted_rows deleted, std::string_view further = {});
};

std::string quoted(std::string_view identifier);
bool is_nullable(table_info const& table, std::uint8_t column) noexcept;

}  // namespace slipway::db::detail
