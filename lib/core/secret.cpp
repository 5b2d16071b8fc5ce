#include <slipway/core/secret.hpp>

#include <string.h>

namespace slipway {

void wipe(void* memory, std::size_t bytes) noexcept { ::explicit_bzero(memory, bytes); }

}  // namespace slipway
