// Recycles coroutine frames. A request makes a handful of frames of the same few sizes; taking them from a
// thread-local free list costs a dozen instructions where malloc costs a hundred.
#pragma once

#include <array>
#include <cstddef>
#include <new>

namespace slipway::detail {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SLIPWAY_POOLED_FRAMES 0  // a recycled frame would hide a use after free from the sanitizer
#endif
#endif
#ifndef SLIPWAY_POOLED_FRAMES
#define SLIPWAY_POOLED_FRAMES 1
#endif

// Size classes of 64 bytes up to 2 KB; larger frames go straight to the heap.
struct frame_pool {
  struct node {
    node* next;
  };
  static constexpr std::size_t step = 64, classes = 33;
  std::array<node*, classes> free_lists{};

  static void* allocate(std::size_t bytes) {
#if SLIPWAY_POOLED_FRAMES
    auto const index = (bytes + step - 1) / step;
    if (index < classes) {
      auto& head = local.free_lists[index];
      if (head != nullptr) [[likely]] {
        auto* frame = head;
        head = frame->next;
        return frame;
      }
      return ::operator new(index * step);
    }
#endif
    return ::operator new(bytes);
  }

  static void release(void* memory, std::size_t bytes) noexcept {
#if SLIPWAY_POOLED_FRAMES
    auto const index = (bytes + step - 1) / step;
    if (index < classes) {
      auto* frame = ::new (memory) node{local.free_lists[index]};
      local.free_lists[index] = frame;
      return;
    }
#endif
    ::operator delete(memory, bytes);
  }

  // Gives every cached frame of the calling thread back to the heap. Called by a thread that is about to end.
  static void trim() noexcept {
    for (auto& head : local.free_lists)
      while (head != nullptr) {
        auto* frame = head;
        head = frame->next;
        ::operator delete(frame);
      }
  }

  static thread_local constinit frame_pool local;
};

inline thread_local constinit frame_pool frame_pool::local{};

}  // namespace slipway::detail
