#include <slipway/json/buffer.hpp>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace slipway::json {
namespace {

constexpr std::size_t first_size = 512;

}  // namespace

char* buffer::grow(char* at, std::size_t more) {
  auto const used = static_cast<std::size_t>(at - begin_);
  auto const committed = size();
  auto const capacity = static_cast<std::size_t>(end_ - begin_);
  auto const wanted = std::max({used + more, capacity * 2, first_size});
  if (memory_ == nullptr) {
    auto* moved = static_cast<char*>(std::realloc(begin_, wanted));
    if (moved == nullptr) throw std::bad_alloc{};
    begin_ = moved;
  } else if (begin_ != nullptr && memory_->extend(end_, wanted - capacity)) {
    // It grew where it stands.
  } else {
    auto* moved = static_cast<char*>(memory_->allocate(wanted, 1));
    if (begin_ != nullptr) std::memcpy(moved, begin_, used);
    begin_ = moved;
  }
  end_ = begin_ + wanted;
  at_ = begin_ + committed;
  return begin_ + used;
}

void buffer::release() noexcept {
  if (memory_ == nullptr) std::free(begin_);
}

}  // namespace slipway::json
