// SQLite: documents are text, looked into by its JSON functions. What these print of a floating-point number has 15
// digits, so whole pieces are passed on as they were written, by way of `->`.
#include <slipway/documents/sql_text.hpp>

namespace slipway::documents::detail {
namespace {

std::string text(std::string_view view) { return std::string{view}; }

std::string part(std::string_view body, std::string_view path, sql_class) {
  return "json_extract(" + text(body) + ", " + dollar_path(path) + ")";
}

std::string fragment(std::string_view body, std::string_view path) {
  return "json(" + text(body) + " -> " + dollar_path(path) + ")";
}

std::string is_there(std::string_view body, std::string_view path) {
  return "(json_extract(" + text(body) + ", " + dollar_path(path) + ") is not null)";
}

std::string same(std::string_view left, std::string_view right) { return text(left) + " is " + text(right); }

std::string starts_with(std::string_view of, std::string_view prefix) {
  auto const t = text(of), p = text(prefix);
  return "(" + t + " >= " + p + " and substr(" + t + ", 1, length(" + p + ")) = " + p + ")";
}

std::string contains(std::string_view body, std::string_view path, std::string_view, std::string_view as_value) {
  return "exists (select 1 from json_each(" + text(body) + ", " + dollar_path(path) +
         ") where value = " + text(as_value) + ")";
}

std::string json_mark(std::string_view mark) { return "json(" + text(mark) + ")"; }

// Each call takes many pairs. Calls in each other would soon be too deep for its parser.
std::string with_more(std::string_view function, std::string_view expression, std::string const& arguments) {
  if (!expression.starts_with(function)) return text(function) + text(expression) + ", " + arguments + ")";
  return text(expression.substr(0, expression.size() - 1)) + ", " + arguments + ")";
}

std::string set(std::string_view expression, std::string_view path, std::string_view json) {
  return with_more("json_set(", expression, dollar_path(path) + ", json(" + text(json) + ")");
}

std::string unset(std::string_view expression, std::string_view path) {
  return with_more("json_remove(", expression, dollar_path(path));
}

// A sum of integers that leaves 64 bits becomes a floating-point number without a word; "out of range" is no JSON, and
// so an error.
std::string sum(std::string_view body, std::string_view path, std::string_view mark, sql_class as) {
  auto const total = "(coalesce(" + part(body, path, as) + ", 0) + " + text(mark) + ")";
  if (as == sql_class::number) return "printf('%!.17g', " + total + ")";
  return "case typeof" + total + " when 'integer' then cast(" + total + " as text) else 'out of range' end";
}

std::string appended(std::string_view body, std::string_view path, std::string_view json) {
  return "json_insert(coalesce(" + text(body) + " -> " + dollar_path(path) + ", '[]'), '$[#]', " + text(json) + ")";
}

std::string pulled(std::string_view expression, std::string_view body, std::string_view path, std::string_view,
                   std::string_view as_value) {
  auto const list = text(body) + " -> " + dollar_path(path);
  return "json_replace(" + text(expression) + ", " + dollar_path(path) + ", json((select json_group_array(json(" +
         list + " -> fullkey)) from json_each(" + list + ") where value is not " + text(as_value) + ")))";
}

std::string as_integer(std::string_view e) { return text(e); }

std::string as_number(std::string_view e) { return text(e); }

}  // namespace

sql_words const sqlite_documents{.key_type = {"blob", "text"},
                                 .body_type = "text",
                                 .text_type = "text",
                                 .part = part,
                                 .fragment = fragment,
                                 .is_there = is_there,
                                 .same = same,
                                 .starts_with = starts_with,
                                 .contains = contains,
                                 .json_mark = json_mark,
                                 .object_function = "json_object",
                                 .as_integer = as_integer,
                                 .as_number = as_number,
                                 .ascending = " asc",
                                 .descending = " desc",
                                 .set = set,
                                 .unset = unset,
                                 .sum = sum,
                                 .appended = appended,
                                 .pulled = pulled};

}  // namespace slipway::documents::detail
