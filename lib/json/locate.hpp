// Says where a document stops being JSON. The fast parser only says that it does; this slow one runs once it has.
#pragma once

#include <slipway/core/fault.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::json::detail {

struct json_problem {
  char const* code = nullptr;  // "malformed_json", "too_deep"; null: nothing is wrong with the form
  std::string message;         // without the position
  std::size_t line = 0;        // from one
  std::size_t column = 0;      // from one, in code points
  std::vector<field_error> numbers;  // well-formed, but beyond what 64 bits hold
};

json_problem locate_problem(std::string_view text, std::size_t max_depth, std::size_t max_errors);

}  // namespace slipway::json::detail
