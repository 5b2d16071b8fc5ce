// Opens names that strangers choose, beneath a directory and nowhere else.
#pragma once

#include <slipway/core/descriptor.hpp>

#include <string>
#include <string_view>

#include <sys/stat.h>

namespace slipway::content {

// Segments separated by single '/', none of which is empty (but the last), begins with a dot, or holds a control
// character, a backslash or more than 255 bytes; 4,096 bytes in all. "" is the directory itself.
bool is_safe_path(std::string_view path) noexcept;

enum class how_to_resolve : unsigned char {
  kernel,        // openat2 where there is one (Linux 5.6), else step by step
  step_by_step,  // each segment alone, refusing links: for older kernels and sandboxes that forbid openat2
};

// Opens for reading, beneath `root`, without following any link. `path` must be safe. Empty when there is no such
// thing, or it may not be read: what a stranger asks for is absent for him either way.
// Throws std::system_error for what the system lacks (descriptors, memory) and for errors of the disk.
descriptor open_beneath(int root, std::string const& path, how_to_resolve how = how_to_resolve::kernel);

}  // namespace slipway::content
