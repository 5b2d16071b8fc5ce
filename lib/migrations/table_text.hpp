// A CREATE TABLE statement as the database keeps it, taken apart so that one column can be another and everything
// else, which no model expresses, stays as it is. For the .cpp files of this folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace slipway::migrations {

class table_text {
 public:
  explicit table_text(std::string_view create_table);

  bool has(std::string_view column) const noexcept { return find(column) != nullptr; }
  // Without the name: "varchar(20) NOT NULL DEFAULT 'x'". Empty when there is no such column.
  std::string definition(std::string_view column) const;
  void set_type(std::string_view column, std::string_view type);
  void set_nullable(std::string_view column, bool nullable);

  // The named foreign keys in which this column stands.
  struct constraint {
    std::string name, text;  // CONSTRAINT "name" FOREIGN KEY ...
  };
  std::vector<constraint> foreign_keys_of(std::string_view column) const;

  // The statement for a table of this name, already quoted.
  std::string text(std::string_view name) const;

 private:
  std::string const* find(std::string_view column) const noexcept;
  std::string* find(std::string_view column) noexcept;

  std::vector<std::string> items_;  // columns and constraints
  std::string tail_;                // "WITHOUT ROWID, STRICT"
};

// MySQL shows statements with backslashes that escape, although our sessions take them for characters: the same text
// with literals as the standard has them.
std::string with_standard_literals(std::string_view mysql);

}  // namespace slipway::migrations
