// Text that grows at its end: what every renderer here writes into. It stands on the heap, or in a request's arena,
// so that a small document is rendered without malloc.
#pragma once

#include <slipway/core/arena.hpp>

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace slipway::json {

class buffer {
 public:
  buffer() noexcept = default;
  // What is written lives as long as the arena, not as the buffer. The arena must outlive the buffer.
  explicit buffer(arena& memory) noexcept : memory_{&memory} {}
  buffer(buffer&& other) noexcept
      : begin_{std::exchange(other.begin_, nullptr)},
        at_{std::exchange(other.at_, nullptr)},
        end_{std::exchange(other.end_, nullptr)},
        memory_{other.memory_} {}
  buffer& operator=(buffer&& other) noexcept {
    std::swap(begin_, other.begin_);
    std::swap(at_, other.at_);
    std::swap(end_, other.end_);
    std::swap(memory_, other.memory_);
    return *this;
  }
  ~buffer() { release(); }

  std::size_t size() const noexcept { return static_cast<std::size_t>(at_ - begin_); }
  bool empty() const noexcept { return at_ == begin_; }
  // Valid until the next write; in an arena, until that is reset.
  std::string_view view() const noexcept { return {begin_, size()}; }
  std::string text() const { return std::string{view()}; }
  void clear() noexcept { at_ = begin_; }
  void truncate(std::size_t size) noexcept { at_ = begin_ + size; }

  void append(std::string_view text) {
    reserve(text.size());
    // NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): after `reserve` there is memory.
    if (!text.empty()) std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void push(char c) {
    reserve(1);
    *at_++ = c;
  }
  // Room for `more` bytes after what is there. Throws std::bad_alloc.
  void reserve(std::size_t more) {
    if (static_cast<std::size_t>(end_ - at_) < more) [[unlikely]]
      at_ = grow(at_, more);
  }

  // For renderers, which keep the end in a register: `open` gives it, `room` makes sure that `more` bytes fit after
  // it (it may move), `commit` says where the text ends now.
  char* open() noexcept { return at_; }
  char* room(char* at, std::size_t more) {
    if (static_cast<std::size_t>(end_ - at) < more) [[unlikely]]
      return grow(at, more);
    return at;
  }
  void commit(char* at) noexcept { at_ = at; }

 private:
  char* grow(char* at, std::size_t more);
  void release() noexcept;

  char* begin_ = nullptr;
  char* at_ = nullptr;
  char* end_ = nullptr;
  arena* memory_ = nullptr;
};

}  // namespace slipway::json
