// Puts the text of a statement together: names, columns, conditions. For the .cpp files of this folder; `quoted` also for
// libraries that write statements of their own.
#pragma once

#include <slipway/db/builder.hpp>
#include <slipway/db/dialect.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace slipway::db::detail {

// In double quotes, which every engine takes here: MySQL's session has the mode ANSI_QUOTES.
std::string quoted(std::string_view identifier);

// Names are quoted; `placeholder` counts. Whatever asks for placeholders must do so in the order of the values.
class sql_writer {
 public:
  explicit sql_writer(db::dialect d) noexcept : kind{d} {}
  db::dialect kind;
  std::string text;
  unsigned parameters = 0;

  void name(std::string_view identifier);  // "users", or "public"."users" for public.users
  std::string column(table_info const& table, std::uint8_t index) const { return quoted(table.column(index)); }
  // "users"."id", or "boss"."id" of a table in a role.
  std::string column(source_info const& from, std::uint8_t index) const;
  void columns(table_info const& table);  // all as they are read, separated by commas
  void columns(source_info const& from);
  std::string placeholder() { return "$" + std::to_string(++parameters); }
  // For a value that is written into this column, or compared with something of this type (null: of any).
  std::string placeholder(table_info const& table, std::uint8_t index);
  std::string placeholder(meta::type const* compared_with);

  // One expression or condition.
  struct piece {
    std::string sql;
    meta::type const* type = nullptr;  // of a column and what is made from it
    bool is_array = false;             // a column of an array of the engine's own
  };
  // All that the program leaves. `qualify`: columns of `table` are written with its name.
  std::vector<piece> evaluate(table_info const& table, std::string_view code, bool qualify);
  std::string condition(table_info const& table, std::string_view code, bool qualify = false);
  // " where ...", with what soft deletion asks for; nothing when every row is meant.
  void where(table_info const& table, std::string_view code, deleted_rows deleted);
  std::string not_deleted(source_info const& from, deleted_rows deleted, bool qualify) const;
  std::string order(std::string_view what, bool nullable, char flags) const;

 private:
  class evaluation;
};

bool is_nullable(table_info const& table, std::uint8_t column) noexcept;

}  // namespace slipway::db::detail
