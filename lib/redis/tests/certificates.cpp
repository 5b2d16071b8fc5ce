#include "certificates.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>

namespace slipway::redis::tests {
namespace {

using key_ptr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using certificate_ptr = std::unique_ptr<X509, decltype(&X509_free)>;
using file_ptr = std::unique_ptr<FILE, int (*)(FILE*)>;

file_ptr open(std::string const& name, char const* how) { return {std::fopen(name.c_str(), how), &std::fclose}; }

void extend(X509* certificate, int what, std::string const& value) {
  std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> const extension{
      X509V3_EXT_conf_nid(nullptr, nullptr, what, value.c_str()), &X509_EXTENSION_free};
  if (extension == nullptr || X509_add_ext(certificate, extension.get(), -1) != 1)
    throw std::runtime_error{"no extension " + value};
}

}  // namespace

certificates::certificates(std::string folder) : folder_{std::move(folder)} {
  make("authority", "authority", "");
  make("stranger", "stranger", "");
  make("server", "authority", "IP:127.0.0.1,DNS:localhost");
  make("misnamed", "authority", "DNS:other.example.com");
  make("expired", "authority", "IP:127.0.0.1", -10);
  make("client", "authority", "DNS:client");
}

void certificates::make(std::string const& name, std::string const& authority, std::string const& alternative_names,
                        int seconds) {
  static long serial = 1;
  key_ptr const key{EVP_EC_gen("P-256"), &EVP_PKEY_free};
  certificate_ptr const made{X509_new(), &X509_free};
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), seconds);
  X509_set_pubkey(made.get(), key.get());
  auto* const subject = X509_get_subject_name(made.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<unsigned char const*>(name.c_str()), -1, -1,
                             0);
  auto const own = name == authority;
  key_ptr signer{nullptr, &EVP_PKEY_free};
  if (own) {
    X509_set_issuer_name(made.get(), subject);
    extend(made.get(), NID_basic_constraints, "critical,CA:TRUE");
  } else {
    auto const from = open(file(authority + ".crt"), "r");
    certificate_ptr const issuer{PEM_read_X509(from.get(), nullptr, nullptr, nullptr), &X509_free};
    X509_set_issuer_name(made.get(), X509_get_subject_name(issuer.get()));
    signer.reset(PEM_read_PrivateKey(open(file(authority + ".key"), "r").get(), nullptr, nullptr, nullptr));
    extend(made.get(), NID_subject_alt_name, alternative_names);
  }
  if (X509_sign(made.get(), own ? key.get() : signer.get(), EVP_sha256()) <= 0) throw std::runtime_error{"not signed"};
  PEM_write_X509(open(file(name + ".crt"), "w").get(), made.get());
  PEM_write_PrivateKey(open(file(name + ".key"), "w").get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
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
