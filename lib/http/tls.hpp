// The server's certificates for TLS 1.2 and 1.3.
#pragma once

#include <slipway/http/server.hpp>
#include <slipway/tls/session.hpp>

#include <memory>

namespace slipway::http {

// Certificates and keys, chosen by SNI. Immutable: a reload makes another.
class tls_certificates {
 public:
  virtual ~tls_certificates() = default;
  virtual std::unique_ptr<tls::session> accept(int socket) const = 0;
};

// Throws startup_error: a file that cannot be read, a key that does not fit its certificate, an unknown version.
std::shared_ptr<tls_certificates const> load_certificates(tls_settings const& settings);

}  // namespace slipway::http
