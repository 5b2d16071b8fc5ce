// Certificates made on the spot, for the tests of every library that speaks TLS.
#pragma once

#include <string>

namespace slipway::tls::tests {

struct certificate {
  std::string subject;            // its common name
  std::string alternative_names;  // "DNS:localhost,IP:127.0.0.1"; empty: none
  std::string issuer;             // the file of another one, without its suffix; empty: an authority of its own
  int seconds = 3'600;            // until it expires; negative: since it has
  std::string passphrase;         // of its key; empty: none
};

// Writes FILE.crt and FILE.key (PEM; a key on the curve P-256). Throws std::runtime_error.
void make_certificate(std::string const& file, certificate const& what);

}  // namespace slipway::tls::tests
