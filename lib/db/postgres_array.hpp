// PostgreSQL's arrays in their binary form: many values as one parameter, as `unnest` and `any` take it.
#pragma once

#include <slipway/db/value.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace slipway::db::detail {

class pg_array {
 public:
  pg_array(value_kind element, std::size_t count);
  // As many times as was said, each of the kind that was said or null. Throws value_error for what cannot be stored.
  void add(value const& v);
  // For a placeholder with the cast `cast_of`.
  value take() noexcept { return value::raw(std::move(out_)); }

 private:
  std::string out_;
};

// "bigint[]" for integers.
std::string_view cast_of(value_kind element) noexcept;

}  // namespace slipway::db::detail
