// One page of a list, and the opaque cursor of the next one.
#pragma once

#include <string>
#include <vector>

namespace slipway {

template <class T>
struct page {
  std::vector<T> items;
  std::string next;  // cursor of the page after this one; empty on the last page
};

}  // namespace slipway
