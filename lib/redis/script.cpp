#include <slipway/redis/script.hpp>

#include <slipway/core/encoding.hpp>

#include <openssl/evp.h>

#include <array>
#include <stdexcept>

namespace slipway::redis {

script::script(std::string text) : text_{std::move(text)} {
  // The name that Redis gives to scripts; nothing here trusts it.
  std::array<std::byte, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (::EVP_Digest(text_.data(), text_.size(), reinterpret_cast<unsigned char*>(digest.data()), &size, ::EVP_sha1(),
                   nullptr) != 1)
    throw std::runtime_error{"this OpenSSL has no SHA-1, which Redis names scripts by"};
  hash_ = hex(std::span{digest}.first(size));
}

}  // namespace slipway::redis
