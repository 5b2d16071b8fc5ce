// Memory for one request: a pointer is moved up for each allocation and everything goes at once at the end.
// Objects in it are not destroyed, so only trivially destructible ones may live here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

namespace slipway {

class arena {
 public:
  arena() noexcept = default;
  arena(arena const&) = delete;
  arena& operator=(arena const&) = delete;
  ~arena() { reset(); }

  void* allocate(std::size_t bytes, std::size_t alignment = alignof(std::max_align_t)) {
    auto const gap = gap_before(next_, alignment);
    if (gap + bytes <= static_cast<std::size_t>(end_ - next_)) [[likely]] {
      auto* const at = next_ + gap;
      next_ = at + bytes;
      return at;
    }
    return allocate_block(bytes, alignment);
  }

  template <class T, class... Args>
  T* make(Args&&... args) {
    static_assert(std::is_trivially_destructible_v<T>, "the arena runs no destructors");
    return ::new (allocate(sizeof(T), alignof(T))) T{std::forward<Args>(args)...};
  }

  std::string_view copy(std::string_view text) {
    auto* at = static_cast<char*>(allocate(text.size(), 1));
    std::memcpy(at, text.data(), text.size());
    return {at, text.size()};
  }

  // Makes the last allocation, which ends at `end`, longer where it stands. False: there is no room, or something
  // was allocated after it.
  bool extend(void const* end, std::size_t bytes) noexcept {
    if (end != next_ || bytes > static_cast<std::size_t>(end_ - next_)) return false;
    next_ += bytes;
    return true;
  }

  // Frees everything. The first block is kept for the next request.
  void reset() noexcept {
    next_ = first_;
    end_ = first_ + sizeof first_;
    while (blocks_ != nullptr) [[unlikely]] {
      auto* block = std::exchange(blocks_, blocks_->previous);
      ::operator delete(block);
    }
  }

 private:
  struct block {
    block* previous;
  };
  static std::size_t gap_before(char const* at, std::size_t alignment) noexcept {
    return -reinterpret_cast<std::uintptr_t>(at) & (alignment - 1);
  }
  void* allocate_block(std::size_t bytes, std::size_t alignment) {
    auto const size = sizeof(block) + bytes + alignment > 4096 ? sizeof(block) + bytes + alignment : 4096;
    auto* memory = static_cast<char*>(::operator new(size));
    blocks_ = ::new (memory) block{blocks_};
    auto* const at = memory + sizeof(block) + gap_before(memory + sizeof(block), alignment);
    next_ = at + bytes;
    end_ = memory + size;
    return at;
  }

  block* blocks_ = nullptr;
  alignas(std::max_align_t) char first_[2048];
  char* next_ = first_;
  char* end_ = first_ + sizeof first_;
};

}  // namespace slipway
