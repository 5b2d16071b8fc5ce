// What the server answered to one statement: rows in their binary form, or an error. No input or output happens here.
// Source: the manual's chapter on the frontend/backend protocol, version 3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::db::detail {

using pg_type_id = unsigned int;  // an OID

// Big-endian, as all numbers of the protocol are.
template <class T>
T load(char const* from) noexcept {
  T out;
  __builtin_memcpy(&out, from, sizeof out);
  if constexpr (sizeof out == 8) return static_cast<T>(__builtin_bswap64(static_cast<std::uint64_t>(out)));
  if constexpr (sizeof out == 4) return static_cast<T>(__builtin_bswap32(static_cast<std::uint32_t>(out)));
  return static_cast<T>(__builtin_bswap16(static_cast<std::uint16_t>(out)));
}

// What a RowDescription says. Of a prepared statement it is told once, and all its answers share it.
class pg_columns {
 public:
  // The message's body. Null: it is none.
  static std::shared_ptr<pg_columns const> read(std::string_view body);

  std::size_t size() const noexcept { return columns_.size(); }
  pg_type_id type(std::size_t column) const noexcept { return columns_[column].type; }
  std::string_view name(std::size_t column) const noexcept { return columns_[column].name; }

 private:
  struct column {
    pg_type_id type = 0;
    std::string name;
  };
  std::vector<column> columns_;
};

class pg_answer {
 public:
  enum class outcome : std::uint8_t { done, failed, skipped };

  explicit pg_answer(std::shared_ptr<pg_columns const> columns) noexcept : columns_{std::move(columns)} {}
  // An error: the body of its message.
  static std::unique_ptr<pg_answer> failure(std::string_view body);
  // Not done, because something before it in its Sync has failed.
  static std::unique_ptr<pg_answer> left_out();

  outcome what() const noexcept { return what_; }

  // A DataRow. False: it is none of these columns.
  bool add_row(std::string_view body);
  // A CommandComplete's text, "INSERT 0 1".
  void complete(std::string_view tag) { tag_ = tag; }
  std::string_view tag() const noexcept { return tag_; }

  std::size_t rows() const noexcept { return begins_.size(); }
  std::size_t columns() const noexcept { return columns_ != nullptr ? columns_->size() : 0; }
  pg_type_id type(std::size_t column) const noexcept { return columns_->type(column); }
  std::string_view name(std::size_t column) const noexcept {
    return column < columns() ? columns_->name(column) : std::string_view{};
  }
  // Of a row and a column that are there. Null: a null pointer.
  struct bytes {
    char const* at = nullptr;
    std::size_t length = 0;
  };
  bytes cell(std::size_t row, std::size_t column) const noexcept {
    auto const* at = begin_of(row);
    auto out = take(at);
    while (column-- > 0) out = take(at);
    return out;
  }
  // The cells of a row from `first` on, in order: shorter than one after the other.
  template <class F>
  void each_cell(std::size_t row, std::size_t first, std::size_t count, F use) const {
    auto const* at = begin_of(row);
    for (std::size_t i = 0; i < first; ++i) (void)take(at);
    for (std::size_t i = first; i < first + count; ++i) use(i, take(at));
  }
  // Rows that were inserted, changed or removed.
  std::int64_t affected() const noexcept;

  // Of an error: one of its fields; empty where it has none. See the manual, "Error and Notice Message Fields".
  enum class field : char {
    severity = 'V',  // not translated
    state = 'C',
    message = 'M',
    detail = 'D',
    schema = 's',
    table = 't',
    column = 'c',
    constraint = 'n'
  };
  std::string_view operator[](field which) const noexcept;
  std::string_view state() const noexcept { return (*this)[field::state]; }

 private:
  char const* begin_of(std::size_t row) const noexcept { return data_.data() + begins_[row]; }
  // `add_row` has looked at the lengths.
  static bytes take(char const*& at) noexcept {
    auto const length = load<std::int32_t>(at);
    at += sizeof length;
    if (length < 0) return {};
    bytes const out{at, static_cast<std::size_t>(length)};
    at += length;
    return out;
  }

  outcome what_ = outcome::done;
  std::shared_ptr<pg_columns const> columns_;
  std::string data_;                 // of the rows: each cell after its length; or the error
  std::vector<std::size_t> begins_;  // of the rows in it
  std::string tag_;                  // short enough to need no memory of its own
};

}  // namespace slipway::db::detail
