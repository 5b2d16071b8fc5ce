#pragma once

#include "safe_open.hpp"

#include <slipway/content/representation.hpp>
#include <slipway/runtime/blocking_pool.hpp>

namespace slipway::content {

// What the page cache holds is copied on the shard; what has to come from the disk is read on `disk` (null: on the
// shard as well). One buffer of `at_once` bytes for each answer under way.
std::unique_ptr<seekable> make_file_bytes(descriptor file, std::size_t at_once, blocking_pool* disk);

}  // namespace slipway::content
