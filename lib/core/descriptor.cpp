#include <slipway/core/descriptor.hpp>

#include <unistd.h>

namespace slipway {

// There is nothing to be done about an error: Linux has closed the descriptor even when close says EINTR or EIO.
// Whoever must know that his data are on the disk calls fsync before.
descriptor::~descriptor() {
  if (number_ >= 0) ::close(number_);
}

}  // namespace slipway
