// MySQL's forms: placeholders, parameters out, cells in, errors by number. No input or output happens here.
#pragma once

#include <slipway/db/errors.hpp>
#include <slipway/db/rows.hpp>
#include <slipway/db/value.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace boost::mysql {
class field_view;
}

namespace slipway::db::detail {

// A statement as the server wants it: `?` for each placeholder.
struct my_text {
  std::string sql;
  std::vector<std::uint16_t> order;  // which value stands behind each `?`; a value may stand behind several
};

// $1, $2, ... outside quotes ('..', "..", `..`) and comments become `?`. A quote is doubled inside itself, and a
// backslash is an ordinary character: connections run with NO_BACKSLASH_ESCAPES. Throws db::error for $0 and for more
// than 65,535 placeholders.
my_text rewrite_placeholders(std::string_view sql);

// The values in the order of the placeholders. The views point into `parameters`. Throws value_error for what MySQL
// cannot hold (NaN, infinity, text that is not UTF-8 or has a NUL, times outside the years 0 to 9999, more than
// `max_bytes` together), and db::error when a value is missing.
void encode(my_text const& text, values const& parameters, std::uint64_t max_bytes,
            std::vector<boost::mysql::field_view>& out);

struct my_answer;
rows rows_of(std::unique_ptr<my_answer> answer) noexcept;

// The table that a statement inserts into or changes: "users"; empty when it does neither.
std::string changed_table(std::string_view sql);

// What a server says about a violation, before the schema has been asked.
struct my_violation {
  constraint_kind kind = constraint_kind::unique;
  std::string table;  // empty: not told
  std::string name;   // of the key, the column or the check
};
// Empty: the error is no violation of a constraint.
std::optional<my_violation> violation_of(int number, std::string_view message);

// The exception for an error that is not a violation.
std::exception_ptr error_of(int number, std::string const& message);

// Whether the server has undone the whole transaction with this error, or it has to be.
bool ends_transaction(int number) noexcept;
// Whether the server refuses this account, database or encryption for good.
bool refuses_for_good(int number) noexcept;

}  // namespace slipway::db::detail
