#include <slipway/db/operation_list.hpp>

namespace slipway::db::detail {

bool operation_list::remove(operation& op) noexcept {
  operation* previous = nullptr;
  for (auto* each = first_; each != nullptr; previous = each, each = each->next_operation) {
    if (each != &op) continue;
    (previous != nullptr ? previous->next_operation : first_) = op.next_operation;
    if (last_ == &op) last_ = previous;
    --size_;
    return true;
  }
  return false;
}

void fail(operation& op, std::exception_ptr error) noexcept {
  op.error = std::move(error);
  complete(op);
}

}  // namespace slipway::db::detail
