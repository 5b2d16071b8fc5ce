// Sparse fields: which members of an answer the caller asked for (`fields=id,author.name`).
#pragma once

#include <slipway/core/fault.hpp>
#include <slipway/meta/description.hpp>

#include <string_view>
#include <vector>

namespace slipway::json {

class selection {
 public:
  struct node {
    meta::member const* of;
    std::vector<node> inside;  // empty: all of it
  };

  // Everything.
  selection() noexcept = default;

  // Members of `type` separated by commas, dots for members of members; lists, maps and optionals are looked
  // through, so `author.name` also serves a list of authors. Members that are never written, and those that do not
  // exist, are the fault invalid with an `unknown` at `parameter`. Empty text selects everything. At most
  // 64 names of at most 8 parts.
  static result<selection> parse(meta::type const& type, std::string_view text, std::string_view parameter = "fields");

  // All members of `outer`, but of its member `name` only what this selects: for `items` of a page.
  selection within(meta::type const& outer, std::string_view name) const;

  bool all() const noexcept { return nodes_.empty(); }
  std::vector<node> const& nodes() const noexcept { return nodes_; }

 private:
  std::vector<node> nodes_;
};

}  // namespace slipway::json
