#include "certificates.hpp"

#include "../../tls/tests/certificates.hpp"

namespace slipway::redis::tests {

certificates::certificates(std::string folder) : folder_{std::move(folder)} {
  auto const authority = folder_ + "/authority";
  auto const make = [&](std::string const& name, std::string const& issuer, std::string const& names,
                        int seconds = 3'600) {
    tls::tests::make_certificate(folder_ + "/" + name, {name, names, issuer, seconds, {}});
  };
  make("authority", "", "");
  make("stranger", "", "");
  make("server", authority, "IP:127.0.0.1,DNS:localhost");
  make("misnamed", authority, "DNS:other.example.com");
  make("expired", authority, "IP:127.0.0.1", -10);
  make("client", authority, "DNS:client");
}

std::vector<std::string> certificates::server_arguments(int port, bool ask, std::string const& name) const {
  return {"--port",
          "0",
          "--tls-port",
          std::to_string(port),
          "--tls-cert-file",
          file(name + ".crt"),
          "--tls-key-file",
          file(name + ".key"),
          "--tls-ca-cert-file",
          file("authority.crt"),
          "--tls-auth-clients",
          ask ? "yes" : "no"};
}

}  // namespace slipway::redis::tests
