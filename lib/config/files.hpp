// Small files, read whole.
#pragma once

#include <cstddef>
#include <expected>
#include <string>

namespace slipway::config {

struct read_error {
  int error = 0;        // errno
  std::string message;  // "cannot be read: Permission denied"
};

// At most `limit` bytes; a larger file, a directory or a device is an error.
std::expected<std::string, read_error> read_file(std::string const& path, std::size_t limit);

}  // namespace slipway::config
