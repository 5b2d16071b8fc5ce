// Operations in the order of their arrival, linked through themselves. For the drivers.
#pragma once

#include <slipway/db/driver.hpp>

#include <cstddef>
#include <exception>

namespace slipway::db::detail {

class operation_list {
 public:
  bool empty() const noexcept { return first_ == nullptr; }
  std::size_t size() const noexcept { return size_; }
  operation* first() const noexcept { return first_; }
  void push(operation& op) noexcept {
    op.next_operation = nullptr;
    (last_ != nullptr ? last_->next_operation : first_) = &op;
    last_ = &op;
    ++size_;
  }
  operation* pop() noexcept {
    auto* op = first_;
    if (op == nullptr) return nullptr;
    first_ = op->next_operation;
    if (first_ == nullptr) last_ = nullptr;
    --size_;
    return op;
  }
  bool remove(operation& op) noexcept;

 private:
  operation* first_ = nullptr;
  operation* last_ = nullptr;
  std::size_t size_ = 0;
};

// Resumes whoever waits. The operation does not exist any more when this returns.
inline void complete(operation& op) noexcept {
  context::drop(op);
  op.waiting.resume();
}
void fail(operation& op, std::exception_ptr error) noexcept;

}  // namespace slipway::db::detail
