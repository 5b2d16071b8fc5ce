// Where in a document the reader or the validator stands. A chain on the stack, so that a document without errors
// never pays for it; it becomes a JSON pointer (RFC 6901) when there is something to report.
#pragma once

#include <slipway/core/fault.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::json {

struct place {
  static constexpr std::size_t no_index = static_cast<std::size_t>(-1);
  static constexpr std::size_t is_prefix = static_cast<std::size_t>(-2);

  place const* parent = nullptr;
  std::string_view name{};        // of a member; at the root, a pointer that everything stands under
  std::size_t index = is_prefix;  // of an element

  place member(std::string_view member_name) const noexcept { return {this, member_name, no_index}; }
  place element(std::size_t i) const noexcept { return {this, {}, i}; }
};

// Long names of members are cut: a pointer must not give a megabyte back to whoever sent it.
std::string pointer_to(place const& where);

namespace detail {

// Collects errors up to a number.
class error_list {
 public:
  error_list(std::vector<field_error>& out, std::size_t max) noexcept : out_{out}, max_{max} {}
  // Always false, for `return errors.add(...)`.
  bool add(place const& where, std::string_view code, std::string message) {
    if (out_.size() < max_) out_.push_back({pointer_to(where), std::string{code}, std::move(message)});
    return false;
  }
  bool full() const noexcept { return out_.size() >= max_; }

 private:
  std::vector<field_error>& out_;
  std::size_t max_;
};

}  // namespace detail
}  // namespace slipway::json
