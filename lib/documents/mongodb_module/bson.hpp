// Trees as BSON and back.
#pragma once

#include <slipway/documents/node.hpp>

#include <bson/bson.h>

namespace slipway::documents::mongodb {

class bson_document {
 public:
  bson_document() noexcept { bson_init(&value_); }
  explicit bson_document(node const& tree);
  bson_document(bson_document const&) = delete;
  bson_document& operator=(bson_document const&) = delete;
  ~bson_document() { bson_destroy(&value_); }

  bson_t* get() noexcept { return &value_; }
  bson_t const* get() const noexcept { return &value_; }
  node tree() const;

 private:
  bson_t value_;
};

// Types that this library never writes are read as what comes nearest: dates as microseconds, ObjectIds as text.
node tree_of(bson_t const& document, bool is_list = false);

}  // namespace slipway::documents::mongodb
