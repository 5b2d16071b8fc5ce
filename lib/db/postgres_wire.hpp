// PostgreSQL's binary forms: parameters out, cells in, errors by SQLSTATE. No input or output happens here.
#pragma once

#include <slipway/db/errors.hpp>
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

// What the server says of a violation. `columns`: those of the key or the one that is null, parted by commas, as far
// as they were told.
struct violated_names {
  constraint_kind kind = constraint_kind::unique;
  std::string schema, table, constraint, columns;
};
// "unique(users.email)" and the others of errors.hpp.
std::string name_of(violated_names const& names);

class pg_violation final : public constraint_error {
 public:
  pg_violation(violated_names names, std::string const& what, std::string code);
  violated_names const& names() const noexcept { return names_; }

 private:
  violated_names names_;
};

// The exception for a result that is an error: of a constraint, pg_violation.
std::exception_ptr error_of(pg_result const* result);
std::string_view state_of(pg_result const* result) noexcept;  // its SQLSTATE

}  // namespace slipway::db::detail
