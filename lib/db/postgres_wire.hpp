// PostgreSQL's binary forms: parameters out, cells in, errors by SQLSTATE. No input or output happens here.
#pragma once

#include <slipway/db/rows.hpp>
#include <slipway/db/value.hpp>

#include <array>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

struct pg_result;  // libpq's PGresult

namespace slipway::db::detail {

using pg_type_id = unsigned int;  // libpq's Oid

// The parameters of one statement as libpq wants them; its memory is used again for the next one. What it points to
// lives as long as the values and this object.
class wire_parameters {
 public:
  // The types are asked for by a statement that is not prepared. Throws value_error.
  void encode(values const& parameters, bool with_types);

  int count() const noexcept { return static_cast<int>(count_); }
  pg_type_id const* types() const noexcept { return types_.data(); }
  char const* const* data() const noexcept { return values_.data(); }
  int const* lengths() const noexcept { return lengths_.data(); }
  int const* formats() const noexcept { return formats_.data(); }

 private:
  std::size_t count_ = 0;  // the vectors never shrink
  std::vector<pg_type_id> types_;
  std::vector<char const*> values_;
  std::vector<int> lengths_, formats_;
  std::vector<std::array<char, 16>> scratch_;
};

// One value: where it is, in the scratch of 16 bytes or in the value. Null: a null pointer. Throws value_error.
char const* encode_value(value const& v, char* scratch, int& length, int& format);

pg_type_id type_of(value_kind kind) noexcept;

// Takes the result.
rows rows_of(pg_result* result) noexcept;

// The exception for a result that is an error.
std::exception_ptr error_of(pg_result const* result);
std::string_view state_of(pg_result const* result) noexcept;  // its SQLSTATE

}  // namespace slipway::db::detail
