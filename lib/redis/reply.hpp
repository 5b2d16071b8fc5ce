// What a server answers (RESP2).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::redis {

struct reply {
  enum class kind : std::uint8_t { nil, integer, status, text, error, list };
  kind what = kind::nil;
  std::int64_t number = 0;
  std::string text;  // of a status, text or error; any bytes
  std::vector<reply> items;

  bool is_nil() const noexcept { return what == kind::nil; }
  bool is_error() const noexcept { return what == kind::error; }

  // Each throws error{"UNEXPECTED"} when the answer is of another kind.
  std::string as_text() &&;  // a text or status
  std::optional<std::string> as_optional_text() &&;
  std::int64_t as_integer() const;  // also of a text that is a whole number
  double as_double() const;         // of a text; "inf" and "-inf" as well
  bool as_flag() const;             // 1 or OK; 0 or nil
  std::vector<reply> as_list() &&;  // nil: empty
  std::vector<std::string> as_texts() &&;
  std::vector<std::optional<std::string>> as_optional_texts() &&;
  std::vector<std::pair<std::string, std::string>> as_pairs() &&;  // a flat list: name, value, name, value
};

std::string_view to_string(reply::kind k) noexcept;

}  // namespace slipway::redis
