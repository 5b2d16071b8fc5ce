// PostgreSQL's binary forms: parameters out, cells in, errors by SQLSTATE. No input or output happens here.
#pragma once

#include <slipway/db/errors.hpp>
#include <slipway/db/postgres_answer.hpp>
#include <slipway/db/rows.hpp>
#include <slipway/db/value.hpp>

#include <exception>
#include <memory>
#include <string>
#include <string_view>

namespace slipway::db::detail {

// One value: where it is, in the scratch of 16 bytes or in the value. Null: a null pointer. Throws value_error.
struct wire_value {
  char const* at = nullptr;
  std::size_t length = 0;
};
wire_value encode_value(value const& v, char* scratch);
// Not in its binary form.
bool goes_as_text(value_kind kind) noexcept;

pg_type_id type_of(value_kind kind) noexcept;

rows rows_of(std::unique_ptr<pg_answer> answer) noexcept;
// What a driver gave as rows.
pg_answer const& answer_of(rows const& from) noexcept;

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

// The exception for an answer that is an error: of a constraint, pg_violation.
std::exception_ptr error_of(pg_answer const& answer);

}  // namespace slipway::db::detail
