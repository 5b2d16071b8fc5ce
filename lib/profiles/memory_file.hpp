// A file in memory for libraries that write to a path: it needs no folder that can be written, nobody else can open it,
// and it is gone with the object, or with the process.
#pragma once

#include <slipway/core/descriptor.hpp>

#include <cstddef>
#include <string>

namespace slipway::profiles {

class memory_file {
 public:
  // Throws unavailable_error.
  memory_file();

  // For this process alone.
  std::string path() const;
  // In bytes.
  std::size_t size() const noexcept;
  // Everything in it. Throws unavailable_error.
  std::string read() const;

 private:
  descriptor file_;
};

}  // namespace slipway::profiles
