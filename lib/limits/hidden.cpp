#include <slipway/limits/hidden.hpp>

#include <slipway/core/encoding.hpp>

#include <openssl/evp.h>

#include <array>
#include <span>
#include <stdexcept>

namespace slipway::limits {

std::string hidden(std::string_view text) {
  std::array<std::byte, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (::EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()), &size, ::EVP_sha256(),
                   nullptr) != 1)
    throw std::runtime_error{"SHA-256 failed"};
  return hex(std::span{digest}.first(16));
}

}  // namespace slipway::limits
