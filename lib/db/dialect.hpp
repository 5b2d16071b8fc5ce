// The words in which engines differ. A new engine is a sibling of dialect_sqlite.cpp.
// Operands are SQL already. For the .cpp files of this folder.
#pragma once

#include <slipway/db/condition.hpp>
#include <slipway/db/driver.hpp>

#include <string>
#include <string_view>

namespace slipway::db::detail {

enum class json_kind : std::uint8_t { text, number, boolean };

struct dialect_words {
  std::string_view no_limit;     // what must stand before an offset without a limit; empty: nothing
  std::string_view for_update;   // empty: not needed, because a transaction excludes the others anyway
  std::string_view skip_locked;  // the same, passing over what others have locked
  bool compares_rows;            // (a, b) < (c, d), by way of an index
  // Different, where null differs from every value.
  std::string (*differs)(std::string_view left, std::string_view right);
  // Text that matches a pattern, without regard to case; \ makes the next character ordinary.
  std::string (*like)(std::string_view text, std::string_view pattern);
  // With regard to case.
  std::string (*starts_with)(std::string_view text, std::string_view prefix);
  // A JSON list of texts has this one. `is_array`: the column is an array of the engine's own.
  std::string (*has_element)(std::string_view list, std::string_view element, bool is_array);
  // A part of a JSON document, null when it is not there or of another type. The path is as in a program.
  std::string (*json_part)(std::string_view document, std::string_view path, json_kind as);
  // An order with its place for nulls.
  std::string (*order)(std::string_view what, bool descends, bool nulls_first);
  bool decimals_are_units;  // a decimal is an integer that counts the smallest units
  // A parameter that is compared with a decimal; null: as it is.
  std::string (*decimal_mark)(std::string_view mark, unsigned scale);
  // A column of an array of the engine's own as JSON, and JSON as such an array.
  std::string (*array_as_json)(std::string_view column);
  std::string (*json_as_array)(std::string_view json, meta::type const& element);
};

dialect_words const& words_of(db::dialect engine) noexcept;

extern dialect_words const sqlite_words, postgres_words, mysql_words;

// The steps of a path in a program, one after the other: a name, or the number of an element.
class json_steps {
 public:
  explicit json_steps(std::string_view path) noexcept : rest_{path} {}
  bool next() noexcept;
  bool is_name() const noexcept { return is_name_; }
  std::string_view name() const noexcept { return name_; }
  unsigned index() const noexcept { return index_; }

 private:
  std::string_view rest_, name_;
  unsigned index_ = 0;
  bool is_name_ = false;
};

// The same path as a literal of the JSON functions of SQLite and MySQL: '$."name"[0]'.
std::string json_place(std::string_view path);

}  // namespace slipway::db::detail
