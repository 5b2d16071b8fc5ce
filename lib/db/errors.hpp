// What a database refuses. These are exceptions: a repository turns the ones that its caller's input can cause into
// faults (`or_fault` in database.hpp), the rest ends as 500 or 503. None of these texts may reach a client.
#pragma once

#include <slipway/core/errors.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace slipway::db {

// The engine refused a statement: wrong SQL, a missing table, no rights.
class error : public std::runtime_error {
 public:
  explicit error(std::string const& what, std::string code = {}) : std::runtime_error{what}, code_{std::move(code)} {}
  // What the engine calls it: an SQLSTATE on PostgreSQL, an extended result code on SQLite. For the log.
  std::string const& code() const noexcept { return code_; }

 private:
  std::string code_;
};

enum class constraint_kind : std::uint8_t { unique, foreign_key, check, not_null };

// A constraint of the schema was violated. `name` has one form on every engine:
//   unique(users.email)            all columns in the index's order: unique(notes.owner_id,notes.title)
//   not_null(users.email)
//   check(constraint_name)         the name that the schema gives it
//   foreign_key(notes.owner_id)    of the row that was written, or still leads to one that was to be removed
//   foreign_key                    where the engine does not tell: SQLite for statements by hand and for removals
//   unique(index_name)             of an index over expressions
// A primary key counts as unique. Tables are named without their schema.
class constraint_error : public error {
 public:
  constraint_error(constraint_kind kind, std::string name, std::string const& what, std::string code)
      : error{what, std::move(code)}, kind_{kind}, name_{std::move(name)} {}
  constraint_kind kind() const noexcept { return kind_; }
  std::string const& name() const noexcept { return name_; }
  // "foreign_key" stands for every one of them.
  bool is(std::string_view name) const noexcept {
    return name_ == name || (name == "foreign_key" && kind_ == constraint_kind::foreign_key);
  }

 private:
  constraint_kind kind_;
  std::string name_;
};

// A value that cannot be stored or read back as its type: a column that does not fit the member, a division by zero.
class value_error : public error {
 public:
  using error::error;
};

// A parameter that cannot be stored: text with NUL or invalid UTF-8, NaN, a number or a time beyond the range of its
// column, more than its column or row holds. Rules should have caught it; what they let through is the caller's, so
// it is answered with 422.
class input_error : public value_error, public unprocessable {
 public:
  using value_error::value_error;
};

// Two transactions stood in each other's way and this one lost: it may succeed when it is repeated, which
// `transaction` does by itself.
class conflict_error : public error {
 public:
  using error::error;
};

}  // namespace slipway::db
