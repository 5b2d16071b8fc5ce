// What a statement answered.
#pragma once

#include <slipway/db/value.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::db {

// One value as the engine gave it. Text points into the rows and lives as long as they do.
struct cell {
  value_kind kind = value_kind::none;  // none: null
  std::uint8_t scale = 0;              // of a decimal: the digits after its point
  union {
    std::int64_t integer = 0;  // boolean, integer, time (microseconds since 1970), decimal (its smallest units)
    double number;
    std::uint8_t const* uuid;
  };
  std::string_view text{};  // text, bytes, json

  bool is_null() const noexcept { return kind == value_kind::none; }
};

// Fills `out`, a value of the described type. `name` is for messages: "users.email". Throws value_error when the
// cell does not fit.
void read_cell(meta::type const& type, void* out, cell const& from, std::string_view name);

// What a driver's answer can do; an answer is one pointer, and so costs no memory of ours.
struct row_operations {
  std::size_t (*size)(void* answer) noexcept;
  std::size_t (*columns)(void* answer) noexcept;
  cell (*at)(void* answer, std::size_t row, std::size_t column);
  std::string_view (*name)(void* answer, std::size_t column) noexcept;
  std::int64_t (*affected)(void* answer) noexcept;
  void (*release)(void* answer) noexcept;
  // The key that the database gave to the row-th row of an INSERT; null where RETURNING tells it.
  std::int64_t (*inserted)(void* answer, std::size_t row) noexcept = nullptr;
  // As many cells of a row as `out` has, from `first` on. Null where that is no shorter than one by one.
  void (*some_of_row)(void* answer, std::size_t row, std::size_t first, std::span<cell> out) = nullptr;
};

class rows;

// One row; lives no longer than its rows.
class row_view {
 public:
  row_view(rows const& of, std::size_t index) noexcept : of_{&of}, index_{index} {}
  // Throws value_error when the column does not fit T; use std::optional<T> for what may be null.
  template <meta::described T>
  T get(std::size_t column) const;
  cell operator[](std::size_t column) const;

 private:
  rows const* of_;
  std::size_t index_;
};

class rows {
 public:
  rows() noexcept = default;
  rows(void* answer, row_operations const& operations) noexcept : answer_{answer}, operations_{&operations} {}
  rows(rows&& other) noexcept : answer_{std::exchange(other.answer_, nullptr)}, operations_{other.operations_} {}
  rows& operator=(rows&& other) noexcept {
    std::swap(answer_, other.answer_);
    std::swap(operations_, other.operations_);
    return *this;
  }
  ~rows() {
    if (answer_ != nullptr) operations_->release(answer_);
  }

  std::size_t size() const noexcept { return answer_ != nullptr ? operations_->size(answer_) : 0; }
  bool empty() const noexcept { return size() == 0; }
  std::size_t columns() const noexcept { return answer_ != nullptr ? operations_->columns(answer_) : 0; }
  std::string_view name(std::size_t column) const noexcept { return operations_->name(answer_, column); }
  // Rows that a statement inserted, changed or removed.
  std::int64_t affected() const noexcept { return answer_ != nullptr ? operations_->affected(answer_) : 0; }

  // On MySQL: the key that the database gave to the row-th row that the statement inserted.
  std::int64_t inserted(std::size_t row) const noexcept { return operations_->inserted(answer_, row); }

  cell at(std::size_t row, std::size_t column) const { return operations_->at(answer_, row, column); }
  row_view operator[](std::size_t row) const noexcept { return {*this, row}; }
  // Cells of one row that follow each other, from `first` on.
  void read(std::size_t row, std::size_t first, std::span<cell> out) const {
    if (operations_->some_of_row != nullptr) return operations_->some_of_row(answer_, row, first, out);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = operations_->at(answer_, row, first + i);
  }
  // For the driver that gave it.
  void* answer() const noexcept { return answer_; }

  // Row by row into a described struct, columns to members by name. Throws value_error for a column that the struct
  // has not, and for a member without a column.
  template <meta::described T>
  std::vector<T> as() const {
    std::vector<T> out(size());
    auto const map = columns_of(meta::describe<T>);
    for (std::size_t i = 0; i < out.size(); ++i) fill(meta::describe<T>, &out[i], i, map);
    return out;
  }

  class iterator {
   public:
    iterator(rows const& of, std::size_t index) noexcept : of_{&of}, index_{index} {}
    row_view operator*() const noexcept { return {*of_, index_}; }
    iterator& operator++() noexcept {
      ++index_;
      return *this;
    }
    bool operator==(iterator const& other) const noexcept { return index_ == other.index_; }

   private:
    rows const* of_;
    std::size_t index_;
  };
  iterator begin() const noexcept { return {*this, 0}; }
  iterator end() const noexcept { return {*this, size()}; }

 private:
  std::vector<std::size_t> columns_of(meta::type const& row) const;
  void fill(meta::type const& row, void* out, std::size_t index, std::vector<std::size_t> const& map) const;

  void* answer_ = nullptr;
  row_operations const* operations_ = nullptr;
};

template <meta::described T>
T row_view::get(std::size_t column) const {
  T out{};
  read_cell(meta::describe<T>, &out, of_->at(index_, column), of_->name(column));
  return out;
}
inline cell row_view::operator[](std::size_t column) const { return of_->at(index_, column); }

}  // namespace slipway::db
