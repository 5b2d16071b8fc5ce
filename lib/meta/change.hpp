// A member of a merge patch (RFC 7396): absent, or the new value. `change<std::optional<T>>` may also be set to null.
#pragma once

#include <optional>

namespace slipway {

template <class T>
class change : public std::optional<T> {
 public:
  using std::optional<T>::optional;

  // Gives `target` the new value, if there is one.
  void apply_to(T& target) const {
    if (this->has_value()) target = **this;
  }
};

}  // namespace slipway
