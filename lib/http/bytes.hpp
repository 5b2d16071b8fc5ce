// A growable row of bytes whose memory is not cleared before it is written.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

namespace slipway::http {

class bytes {
 public:
  bytes() noexcept = default;
  explicit bytes(std::size_t capacity) { grow(capacity); }
  bytes(bytes const&) = delete;
  bytes& operator=(bytes const&) = delete;
  ~bytes() { std::free(memory_); }

  char* data() noexcept { return memory_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  std::string_view view() const noexcept { return {memory_, size_}; }
  void clear() noexcept { size_ = 0; }
  void resize(std::size_t size) noexcept { size_ = size; }  // within the capacity

  // Room for `more` bytes after those that are there; write, then `resize` or `end_at`.
  char* room(std::size_t more) {
    if (capacity_ - size_ < more) [[unlikely]]
      grow(std::max(size_ + more, capacity_ * 2));
    return memory_ + size_;
  }
  void end_at(char const* end) noexcept { size_ = static_cast<std::size_t>(end - memory_); }

  void append(std::string_view text) {
    if (text.empty()) return;
    std::memcpy(room(text.size()), text.data(), text.size());
    size_ += text.size();
  }

  // Gives memory back when more than `keep` bytes are held.
  void trim(std::size_t keep) noexcept {
    size_ = 0;
    if (capacity_ <= keep) [[likely]]
      return;
    std::free(std::exchange(memory_, nullptr));
    capacity_ = 0;
  }

 private:
  void grow(std::size_t capacity) {
    auto* const larger = static_cast<char*>(std::realloc(memory_, capacity));
    if (larger == nullptr) throw std::bad_alloc{};
    memory_ = larger;
    capacity_ = capacity;
  }

  char* memory_ = nullptr;
  std::size_t size_ = 0, capacity_ = 0;
};

}  // namespace slipway::http
