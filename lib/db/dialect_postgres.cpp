#include <slipway/db/dialect.hpp>

namespace slipway::db::detail {
namespace {

std::string differs(std::string_view left, std::string_view right) {
  return std::string{left}.append(" is distinct from ").append(right);
}

std::string like(std::string_view text, std::string_view pattern) {
  return std::string{text}.append(" ilike ").append(pattern).append(" escape '\\'");
}

std::string starts_with(std::string_view text, std::string_view prefix) {
  return std::string{text}.append(" ^@ ").append(prefix);
}

std::string has_element(std::string_view list, std::string_view element, bool is_array) {
  if (is_array) return std::string{element}.append(" = any(").append(list).append(")");
  return std::string{list}.append(" ? ").append(element);
}

std::string json_part(std::string_view document, std::string_view path, json_kind as) {
  std::string place = "'{";
  json_steps steps{path};
  while (steps.next()) {
    if (place.size() > 2) place += ',';
    if (steps.is_name())
      place.append("\"").append(steps.name()).append("\"");
    else
      place += std::to_string(steps.index());
  }
  place += "}'";
  std::string const d{document};
  auto const type = as == json_kind::text ? "'string'" : as == json_kind::number ? "'number'" : "'boolean'";
  auto const cast = as == json_kind::text ? "" : as == json_kind::number ? "::double precision" : "::boolean";
  return "case when jsonb_typeof(" + d + " #> " + place + ") = " + type + " then (" + d + " #>> " + place + ")" + cast +
         " end";
}

std::string order(std::string_view what, bool descends, bool nulls_first) {
  return std::string{what}.append(descends ? " desc" : "").append(nulls_first ? " nulls first" : " nulls last");
}

std::string array_as_json(std::string_view column) { return "to_jsonb(" + std::string{column} + ")"; }

std::string_view type_name(meta::type const& element) noexcept {
  switch (element.what) {
    case meta::kind::boolean: return "boolean";
    case meta::kind::integer:
    case meta::kind::duration: return "bigint";
    case meta::kind::number: return "double precision";
    case meta::kind::uuid: return "uuid";
    case meta::kind::time: return "timestamptz";
    default: return "text";
  }
}

std::string json_as_array(std::string_view json, meta::type const& element) {
  return "array(select value::" + std::string{type_name(element)} + " from jsonb_array_elements_text(" +
         std::string{json} + ") with ordinality as each(value, place) order by place)";
}

}  // namespace

dialect_words const postgres_words{.no_limit = {},
                                   .for_update = " for update",
                                   .skip_locked = " for update skip locked",
                                   .compares_rows = true,
                                   .differs = differs,
                                   .like = like,
                                   .starts_with = starts_with,
                                   .has_element = has_element,
                                   .json_part = json_part,
                                   .order = order,
                                   .decimals_are_units = false,
                                   .decimal_mark = nullptr,
                                   .array_as_json = array_as_json,
                                   .json_as_array = json_as_array};

}  // namespace slipway::db::detail
