// The paths without parameters, found by one look into a table instead of a walk down the router's tree: most requests
// of a service are for few such paths.
#pragma once

#include <slipway/http/router.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace slipway::http {

class fixed_paths {
 public:
  using by_method = std::array<route const*, method_count>;

  // Both must outlive this; a path that is there already keeps what it has.
  void add(std::string_view path, by_method const& routes);
  // Null: no such path.
  by_method const* find(std::string_view path) const noexcept;

 private:
  // Up to sixteen bytes are known by their first and last ones, which overlap, and by their number.
  struct key {
    std::uint64_t first = 0, last = 0;
    std::size_t size = 0;
    friend bool operator==(key const&, key const&) = default;
  };
  struct entry {
    key of;
    char const* path = nullptr;
    by_method const* routes = nullptr;  // null: free
  };

  static key key_of(std::string_view path) noexcept;
  std::size_t place_of(key const& k) const noexcept;
  void put(entry const& e) noexcept;
  void grow();

  std::vector<entry> entries_;  // open addressing; a power of two, and never more than half of it in use
  std::size_t used_ = 0;
  unsigned shift_ = 64;
};

}  // namespace slipway::http
