// MySQL and MariaDB: documents are json. Changes are made here and not in SQL (sql_session.cpp): there is no RETURNING,
// so that a change needs the locked document anyway.
#include <slipway/documents/sql_text.hpp>

namespace slipway::documents::detail {
namespace {

std::string text(std::string_view view) { return std::string{view}; }

std::string fragment(std::string_view body, std::string_view path) {
  return "json_extract(" + text(body) + ", " + dollar_path(path) + ")";
}

std::string part(std::string_view body, std::string_view path, sql_class as) {
  auto const value = fragment(body, path);
  auto const when = "(case when json_type(" + value + ") in (";
  switch (as) {
    case sql_class::integer:
      return when + "'INTEGER', 'UNSIGNED INTEGER') then cast(json_unquote(" + value + ") as signed) end)";
    case sql_class::number:
      return when + "'INTEGER', 'UNSIGNED INTEGER', 'DOUBLE', 'DECIMAL') then " + value + " + 0e0 end)";
    case sql_class::boolean:
      return when + "'BOOLEAN') then json_unquote(" + value + ") collate utf8mb4_bin = 'true' end)";
    case sql_class::text:  // what JSON functions give has another collation than texts of the connection
      return when + "'STRING') then cast(json_unquote(" + value + ") as char) end)";
    case sql_class::other: break;
  }
  return value;
}

std::string is_there(std::string_view body, std::string_view path) {
  return "coalesce(json_type(" + fragment(body, path) + ") <> 'NULL', false)";
}

std::string same(std::string_view left, std::string_view right) {
  return "(" + text(left) + " <=> " + text(right) + ")";
}

std::string starts_with(std::string_view of, std::string_view prefix) {
  auto const t = text(of), p = text(prefix);
  return "(" + t + " >= " + p + " and substr(" + t + ", 1, char_length(" + p + ")) = " + p + ")";
}

std::string contains(std::string_view body, std::string_view path, std::string_view as_json, std::string_view) {
  return "coalesce(json_contains(" + text(body) + ", " + text(as_json) + ", " + dollar_path(path) + "), false)";
}

std::string json_mark(std::string_view mark) { return text(mark); }

std::string as_integer(std::string_view e) { return "cast(" + text(e) + " as signed)"; }

std::string as_number(std::string_view e) { return "(" + text(e) + " + 0e0)"; }

}  // namespace

sql_words const mysql_documents{.key_type = {"binary(16)", "varchar(254)"},
                                .body_type = "json",
                                .text_type = "varchar(254)",
                                .part = part,
                                .fragment = fragment,
                                .is_there = is_there,
                                .same = same,
                                .starts_with = starts_with,
                                .contains = contains,
                                .json_mark = json_mark,
                                .object_function = "json_object",
                                .for_update = " for update",
                                .as_integer = as_integer,
                                .as_number = as_number,
                                .ascending = " asc",
                                .descending = " desc"};

}  // namespace slipway::documents::detail
