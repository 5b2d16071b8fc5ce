// The statements of one shard, by the shape of the query that made them or by their text. For the .cpp files of this
// folder.
#pragma once

#include <slipway/db/builder.hpp>

#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::db::detail {

// Looked into for every statement, so it is one probe into one array in nearly every case.
class statement_cache {
 public:
  // A program that makes ever new texts gets them unprepared beyond this.
  static constexpr std::size_t max_statements = 1000;

  statement const* find(std::string_view shape) const noexcept {
    if (places_.empty()) return nullptr;
    auto const h = hash(shape);
    for (auto at = h & mask_;; at = (at + 1) & mask_) {
      auto const& place = places_[at];
      if (place.what == nullptr) return nullptr;
      if (place.hash == h && place.shape == shape) [[likely]]
        return place.what;
    }
  }
  // Keeps the statement if there is room.
  statement_ref keep(std::string_view shape, std::unique_ptr<statement> made);

 private:
  struct place {
    std::uint64_t hash = 0;
    std::string_view shape;
    statement const* what = nullptr;
  };
  struct kept {
    std::string shape;
    std::unique_ptr<statement> what;
  };
  void grow();
  void put(std::string_view shape, statement const& what) noexcept;

  // Eight bytes at a time; the shapes are made by this program, so nobody can aim at collisions.
  static std::uint64_t hash(std::string_view text) noexcept {
    std::uint64_t h = text.size() * 0x9e3779b97f4a7c15;
    auto mix = [&h](std::uint64_t part) {
      h = (h ^ part) * 0x9e3779b97f4a7c15;
      h ^= h >> 32;
    };
    std::uint64_t part;
    std::size_t i = 0;
    for (; i + 8 <= text.size(); i += 8) {
      std::memcpy(&part, text.data() + i, 8);
      mix(part);
    }
    if (i == text.size()) return h;
    part = 0;
    std::memcpy(&part, text.data() + i, text.size() - i);
    mix(part);
    return h;
  }

  std::vector<place> places_;  // a power of two, never more than half full
  std::size_t mask_ = 0;
  std::deque<kept> all_;  // which never moves them
};

// The key of a shape: a few dozen bytes that are put together for each query, so they stand on the stack.
class shape_key {
 public:
  explicit shape_key(table_info const& table, char what) noexcept {
    auto const* at = &table;
    std::memcpy(small_, &at, sizeof at);
    small_[sizeof at] = what;
    size_ = sizeof at + 1;
  }
  void add(char c) {
    if (size_ < capacity) [[likely]]
      small_[size_++] = c;
    else
      spill({&c, 1});
  }
  void add(std::string_view part) {
    if (size_ + part.size() > capacity) [[unlikely]]
      return spill(part);
    auto* to = small_ + size_;
    for (std::size_t i = 0; i < part.size(); ++i) to[i] = part[i];  // a handful: a call costs more
    size_ += part.size();
  }
  // Filled up to a multiple of eight bytes; what fills it says how much that is, so no two keys become one.
  std::string_view view() const noexcept {
    if (size_ > capacity) [[unlikely]]
      return spill_;
    auto const fill = 8 - size_ % 8;
    auto const pattern = fill * 0x0101010101010101;
    std::memcpy(small_ + size_, &pattern, 8);
    return {small_, size_ + fill};
  }

 private:
  void spill(std::string_view part);

  static constexpr std::size_t capacity = 120;
  mutable char small_[capacity + 8];
  std::size_t size_ = 0;  // above the capacity: everything is in spill_
  std::string spill_;
};

}  // namespace slipway::db::detail
