// PostgreSQL: documents are jsonb.
#include <slipway/documents/sql_text.hpp>

namespace slipway::documents::detail {
namespace {

std::string text(std::string_view view) { return std::string{view}; }

std::string inside(std::string_view body, std::string_view path) {
  return "(" + text(body) + " #> " + brace_path(path) + ")";
}

// Of another type than the program's, it counts as missing instead of failing the whole statement.
std::string part(std::string_view body, std::string_view path, sql_class as) {
  auto const value = "(" + text(body) + " #>> " + brace_path(path) + ")";
  auto const when = [&](char const* type, char const* cast) {
    return "(case when jsonb_typeof" + inside(body, path) + " = '" + type + "' then " + value + cast + " end)";
  };
  switch (as) {
    case sql_class::integer: return when("number", "::numeric");
    case sql_class::number: return when("number", "::double precision");
    case sql_class::boolean: return when("boolean", "::boolean");
    case sql_class::text: return when("string", " collate \"C\"");
    case sql_class::other: break;
  }
  return inside(body, path);
}

std::string is_there(std::string_view body, std::string_view path) {
  return "((" + text(body) + " #>> " + brace_path(path) + ") is not null)";
}

std::string same(std::string_view left, std::string_view right) {
  return text(left) + " is not distinct from " + text(right);
}

std::string starts_with(std::string_view of, std::string_view prefix) { return text(of) + " ^@ " + text(prefix); }

std::string contains(std::string_view body, std::string_view path, std::string_view as_json, std::string_view) {
  return inside(body, path) + " @> jsonb_build_array(" + text(as_json) + ")";
}

std::string json_mark(std::string_view mark) { return text(mark) + "::jsonb"; }

std::string set(std::string_view expression, std::string_view path, std::string_view json) {
  return "jsonb_set(" + text(expression) + ", " + brace_path(path) + ", " + text(json) + ")";
}

std::string unset(std::string_view expression, std::string_view path) {
  return "(" + text(expression) + " #- " + brace_path(path) + ")";
}

std::string sum(std::string_view body, std::string_view path, std::string_view mark, sql_class as) {
  auto const type = as == sql_class::number ? "::double precision" : "::bigint";
  return "to_jsonb(coalesce(" + part(body, path, as) + type + ", 0) + " + text(mark) + type + ")";
}

std::string appended(std::string_view body, std::string_view path, std::string_view json) {
  return "(coalesce(" + inside(body, path) + ", '[]') || jsonb_build_array(" + text(json) + "))";
}

std::string pulled(std::string_view expression, std::string_view body, std::string_view path, std::string_view as_json,
                   std::string_view) {
  auto const list =
      "case jsonb_typeof" + inside(body, path) + " when 'array' then " + inside(body, path) + " else '[]' end";
  return "jsonb_set(" + text(expression) + ", " + brace_path(path) +
         ", coalesce((select jsonb_agg(element order by place) from jsonb_array_elements(" + list +
         ") with ordinality as each(element, place) where element <> " + text(as_json) + "), '[]'), false)";
}

std::string as_integer(std::string_view e) { return "(" + text(e) + ")::bigint"; }

std::string as_number(std::string_view e) { return "(" + text(e) + ")::double precision"; }

}  // namespace

sql_words const postgres_documents{.key_type = {"uuid", "text collate \"C\""},
                                   .body_type = "jsonb",
                                   .text_type = "text",
                                   .part = part,
                                   .fragment = inside,
                                   .is_there = is_there,
                                   .same = same,
                                   .starts_with = starts_with,
                                   .contains = contains,
                                   .json_mark = json_mark,
                                   .object_function = "jsonb_build_object",
                                   .for_update = " for update",
                                   .as_integer = as_integer,
                                   .as_number = as_number,
                                   .ascending = " asc nulls first",
                                   .descending = " desc nulls last",
                                   .set = set,
                                   .unset = unset,
                                   .sum = sum,
                                   .appended = appended,
                                   .pulled = pulled};

}  // namespace slipway::documents::detail
