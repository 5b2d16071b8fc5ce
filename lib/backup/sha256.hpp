// SHA-256 of bytes that come in pieces. Private to the library.
#pragma once

#include <slipway/core/encoding.hpp>
#include <slipway/core/errors.hpp>

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace slipway::backup {

class sha256 {
 public:
  sha256() : context_{::EVP_MD_CTX_new(), ::EVP_MD_CTX_free} {
    if (!context_ || ::EVP_DigestInit_ex(context_.get(), ::EVP_sha256(), nullptr) != 1)
      throw startup_error{exit_code::bug, "SHA-256 is not available in OpenSSL"};
  }
  void add(std::span<std::byte const> piece) { ::EVP_DigestUpdate(context_.get(), piece.data(), piece.size()); }
  // In hexadecimal. Nothing may be added after it.
  std::string end() {
    std::array<std::byte, 32> out{};
    ::EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(out.data()), nullptr);
    return hex(out);
  }

 private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
};

}  // namespace slipway::backup
