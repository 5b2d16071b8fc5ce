#include <slipway/db/dialect.hpp>

namespace slipway::db::detail {
namespace {

std::string differs(std::string_view left, std::string_view right) {
  return std::string{left}.append(" is not ").append(right);
}

std::string like(std::string_view text, std::string_view pattern) {
  return std::string{text}.append(" like ").append(pattern).append(" escape '\\'");
}

std::string starts_with(std::string_view text, std::string_view prefix) {
  std::string const t{text}, p{prefix};
  // The first half lets an index help.
  return "(" + t + " >= " + p + " and substr(" + t + ", 1, length(" + p + ")) = " + p + ")";
}

std::string has_element(std::string_view list, std::string_view element, bool) {
  return "exists (select 1 from json_each(" + std::string{list} + ") where value = " + std::string{element} + ")";
}

std::string json_part(std::string_view document, std::string_view path, json_kind as) {
  auto const inside = std::string{document}.append(", ").append(json_place(path));
  auto const types = as == json_kind::text     ? "'text'"
                     : as == json_kind::number ? "'integer', 'real'"
                                               : "'true', 'false'";
  return "case when json_type(" + inside + ") in (" + types + ") then json_extract(" + inside + ") end";
}

std::string order(std::string_view what, bool descends, bool nulls_first) {
  return std::string{what}.append(descends ? " desc" : "").append(nulls_first ? " nulls first" : " nulls last");
}

std::string same(std::string_view column) { return std::string{column}; }
std::string same_array(std::string_view json, meta::type const&) { return std::string{json}; }

}  // namespace

dialect_words const sqlite_words{.no_limit = " limit -1",
                                 .for_update = {},
                                 .skip_locked = {},
                                 .compares_rows = true,
                                 .differs = differs,
                                 .like = like,
                                 .starts_with = starts_with,
                                 .has_element = has_element,
                                 .json_part = json_part,
                                 .order = order,
                                 .decimals_are_units = true,
                                 .decimal_mark = nullptr,
                                 .array_as_json = same,
                                 .json_as_array = same_array};

}  // namespace slipway::db::detail
