// MySQL and MariaDB, with ANSI quotes.
#include <slipway/db/dialect.hpp>

namespace slipway::db::detail {
namespace {

std::string differs(std::string_view left, std::string_view right) {
  return "(not " + std::string{left}.append(" <=> ").append(right) + ")";
}

// Columns compare byte by byte, so that equality is the same on every engine.
std::string like(std::string_view text, std::string_view pattern) {
  return "lower(" + std::string{text}.append(") like lower(").append(pattern) + ") escape '\\'";
}

std::string starts_with(std::string_view text, std::string_view prefix) {
  std::string const t{text}, p{prefix};
  // The first half lets an index help. `length` would count bytes.
  return "(" + t + " >= " + p + " and substr(" + t + ", 1, char_length(" + p + ")) = " + p + ")";
}

std::string has_element(std::string_view list, std::string_view element, bool) {
  return "json_contains(" + std::string{list} + ", json_quote(" + std::string{element} + "))";
}

std::string json_part(std::string_view document, std::string_view path, json_kind as) {
  auto part = "json_extract(" + std::string{document} + ", " + json_place(path) + ")";
  auto const when = "case when json_type(" + part + ") in (";
  switch (as) {
    case json_kind::text:  // what JSON functions give has another collation than texts of the connection
      return when + "'STRING') then cast(json_unquote(" + part + ") as char) end";
    case json_kind::number:
      return when + "'INTEGER', 'UNSIGNED INTEGER', 'DOUBLE', 'DECIMAL') then " + part + " + 0e0 end";
    case json_kind::boolean:
      return when + "'BOOLEAN') then json_unquote(" + part + ") collate utf8mb4_bin = 'true' end";
  }
  return part;
}

// It knows no NULLS FIRST.
std::string order(std::string_view what, bool descends, bool nulls_first) {
  std::string const w{what};
  return w + (nulls_first ? " is not null, " : " is null, ") + w + (descends ? " desc" : "");
}

// A text would be compared as a floating-point number.
std::string decimal_mark(std::string_view mark, unsigned scale) {
  return "cast(" + std::string{mark} + " as decimal(40, " + std::to_string(scale) + "))";
}

std::string same(std::string_view column) { return std::string{column}; }
std::string same_array(std::string_view json, meta::type const&) { return std::string{json}; }

}  // namespace

dialect_words const mysql_words{.no_limit = " limit 18446744073709551615",  // all, as its manual has it
                                .for_update = " for update",
                                .skip_locked = " for update skip locked",
                                .compares_rows = false,  // it would, but without its indexes
                                .differs = differs,
                                .like = like,
                                .starts_with = starts_with,
                                .has_element = has_element,
                                .json_part = json_part,
                                .order = order,
                                .decimals_are_units = false,
                                .decimal_mark = decimal_mark,
                                .array_as_json = same,
                                .json_as_array = same_array};

}  // namespace slipway::db::detail
