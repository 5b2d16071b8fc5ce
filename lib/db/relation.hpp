// How related rows are held: as members beside the columns, filled only by `with` or `load`, each relation in one
// statement. Nothing is ever fetched behind the reader's back: to look at a relation that was not loaded throws.
//
//   struct user { id_of<user> id; std::string email; db::many<note> notes; };   // notes is not described: no column
//
// Copies share the loaded rows, which cannot be changed.
#pragma once

#include <slipway/meta/description.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <typeinfo>
#include <vector>

namespace slipway::db {

struct table_info;

namespace detail {

struct source_info;

[[noreturn]] void refuse_unloaded(char const* what);

}  // namespace detail

// The rows of a has_many or many_to_many.
template <class T>
class many {
 public:
  bool is_loaded() const noexcept { return loaded_; }
  std::size_t size() const {
    check();
    return size_;
  }
  bool empty() const { return size() == 0; }
  T const* begin() const {
    check();
    return first_.get();
  }
  T const* end() const {
    check();
    return first_.get() + size_;
  }
  T const& operator[](std::size_t index) const { return begin()[index]; }
  T const& front() const { return *begin(); }
  // The rows as a list of one's own, for an answer that holds them: moved where nobody shares them, which is when they
  // are of a single parent and there is no copy of it; copied elsewhere. Nothing is loaded any more then.
  std::vector<T> take() {
    check();
    std::vector<T> out;
    if (first_.use_count() == 1) {
      std::atomic_thread_fence(std::memory_order_acquire);  // after whatever former sharers did with them
      auto* const rows = const_cast<T*>(first_.get());      // the loader's, which were never const
      out.assign(std::make_move_iterator(rows), std::make_move_iterator(rows + size_));
    } else {
      out.assign(first_.get(), first_.get() + size_);
    }
    *this = {};
    return out;
  }

  // For the loader.
  void set(std::shared_ptr<T const> first, std::size_t size) noexcept {
    first_ = std::move(first);
    size_ = size;
    loaded_ = true;
  }

 private:
  void check() const {
    if (!loaded_) [[unlikely]]
      detail::refuse_unloaded(typeid(T).name());
  }

  std::shared_ptr<T const> first_;
  std::size_t size_ = 0;
  bool loaded_ = false;
};

// The row of a has_one or belongs_to, or none.
template <class T>
class one {
 public:
  bool is_loaded() const noexcept { return loaded_; }
  explicit operator bool() const { return get() != nullptr; }
  T const& operator*() const { return *get(); }
  T const* operator->() const { return get(); }
  // Null: there is none.
  T const* get() const {
    if (!loaded_) [[unlikely]]
      detail::refuse_unloaded(typeid(T).name());
    return row_.get();
  }

  // For the loader.
  void set(std::shared_ptr<T const> row) noexcept {
    row_ = std::move(row);
    loaded_ = true;
  }

 private:
  std::shared_ptr<T const> row_;
  bool loaded_ = false;
};

// The row of a belongs_to_any: of one of several tables, or none.
template <class... T>
class any_of {
 public:
  bool is_loaded() const noexcept { return loaded_; }
  explicit operator bool() const {
    check();
    return row_ != nullptr;
  }
  // Null when it is a row of another table, or none.
  template <class U>
  U const* get() const {
    static_assert((std::is_same_v<T, U> || ...), "the relation has no such target");
    check();
    return which_ == index_of<U>() ? static_cast<U const*>(row_.get()) : nullptr;
  }

  // For the loader.
  template <class U>
  static constexpr std::uint8_t index_of() noexcept {
    std::uint8_t index = 0, found = 0;
    ((std::is_same_v<T, U> ? void(found = index) : void(), ++index), ...);
    return found;
  }
  void set(std::shared_ptr<void const> row, std::uint8_t which) noexcept {
    row_ = std::move(row);
    which_ = which;
    loaded_ = true;
  }

 private:
  void check() const {
    if (!loaded_) [[unlikely]]
      detail::refuse_unloaded("any_of");
  }

  std::shared_ptr<void const> row_;
  std::uint8_t which_ = 0;
  bool loaded_ = false;
};

namespace detail {

// Makes and hands over rows of one type.
struct row_operations_of {
  // `count` new rows, and the first of them.
  std::shared_ptr<void> (*make)(std::size_t count, void*& first);
  std::size_t stride;
};
template <class T>
inline constexpr row_operations_of rows_for{
    .make = [](std::size_t count, void*& first) -> std::shared_ptr<void> {
      auto list = std::make_shared<std::vector<T>>(count);
      first = list->data();
      return list;
    },
    .stride = sizeof(T),
};

// `rows` is what keeps them alive; `first` null: there are none.
using set_relation = void (*)(void* member, std::shared_ptr<void> const& rows, void* first, std::size_t count);

template <class T>
void set_many(void* member, std::shared_ptr<void> const& rows, void* first, std::size_t count) {
  static_cast<many<T>*>(member)->set(
      first != nullptr ? std::shared_ptr<T const>{rows, static_cast<T const*>(first)} : nullptr, count);
}
template <class T>
void set_one(void* member, std::shared_ptr<void> const& rows, void* first, std::size_t) {
  static_cast<one<T>*>(member)->set(first != nullptr ? std::shared_ptr<T const>{rows, static_cast<T const*>(first)}
                                                     : nullptr);
}
template <class Any, class T>
void set_any(void* member, std::shared_ptr<void> const& rows, void* first, std::size_t) {
  static_cast<Any*>(member)->set(first != nullptr ? std::shared_ptr<void const>{rows, first} : nullptr,
                                 Any::template index_of<T>());
}

}  // namespace detail

enum class relation_kind : std::uint8_t { has_many, has_one, belongs_to, many_to_many, belongs_to_any };

// One table that a relation leads to.
struct relation_target {
  table_info const& (*table)() = nullptr;
  detail::row_operations_of const* rows = nullptr;
  detail::set_relation set = nullptr;
  std::int64_t type_value = 0;  // the enumerator that means this table
};

// What a table's traits say about one relation.
struct relation {
  relation_kind what = relation_kind::has_many;
  void* (*member)(void* row) noexcept = nullptr;  // where the rows are put; null: nowhere, the relation is only known
  std::uint8_t local = 255;                       // column of this table: its key, or for belongs_to the foreign key
  std::uint8_t remote = 255;                      // column of the target: the foreign key, or 255 for its key
  std::uint8_t type_column = 255;                 // of a polymorphic relation, where the foreign key is
  meta::type const* child = nullptr;              // the target's description; null for belongs_to
  std::array<relation_target, 4> targets{};
  std::uint8_t target_count = 1;
  detail::source_info const& (*through)() = nullptr;  // many_to_many: the table between
  std::uint8_t through_local = 255, through_remote = 255;
};

}  // namespace slipway::db
