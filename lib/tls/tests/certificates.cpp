#include "certificates.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <stdexcept>

namespace slipway::tls::tests {
namespace {

using key_ptr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using certificate_ptr = std::unique_ptr<X509, decltype(&X509_free)>;
using file_ptr = std::unique_ptr<FILE, int (*)(FILE*)>;

void require(bool holds, std::string const& what) {
  if (!holds) throw std::runtime_error{"no certificate for the test: " + what};
}

file_ptr open(std::string const& name, char const* how) {
  file_ptr opened{std::fopen(name.c_str(), how), &std::fclose};
  require(opened != nullptr, name);
  return opened;
}

void extend(X509* certificate, int what, std::string const& value) {
  std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> const extension{
      X509V3_EXT_conf_nid(nullptr, nullptr, what, value.c_str()), &X509_EXTENSION_free};
  require(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1, value);
}

}  // namespace

void make_certificate(std::string const& file, certificate const& what) {
  static std::atomic<long> serial{1};
  key_ptr const key{EVP_EC_gen("P-256"), &EVP_PKEY_free};
  certificate_ptr const made{X509_new(), &X509_free};
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), serial++);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), what.seconds);
  X509_set_pubkey(made.get(), key.get());
  auto* const subject = X509_get_subject_name(made.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<unsigned char const*>(what.subject.c_str()),
                             -1, -1, 0);
  key_ptr signer{nullptr, &EVP_PKEY_free};
  if (what.issuer.empty()) {
    X509_set_issuer_name(made.get(), subject);
    extend(made.get(), NID_basic_constraints, "critical,CA:TRUE");
  } else {
    certificate_ptr const issuer{PEM_read_X509(open(what.issuer + ".crt", "r").get(), nullptr, nullptr, nullptr),
                                 &X509_free};
    signer.reset(PEM_read_PrivateKey(open(what.issuer + ".key", "r").get(), nullptr, nullptr, nullptr));
    require(issuer != nullptr && signer != nullptr, what.issuer);
    X509_set_issuer_name(made.get(), X509_get_subject_name(issuer.get()));
  }
  if (!what.alternative_names.empty()) extend(made.get(), NID_subject_alt_name, what.alternative_names);
  require(X509_sign(made.get(), signer != nullptr ? signer.get() : key.get(), EVP_sha256()) > 0, "not signed");
  auto const* const cipher = what.passphrase.empty() ? nullptr : EVP_aes_256_cbc();
  require(PEM_write_X509(open(file + ".crt", "w").get(), made.get()) == 1, file + ".crt");
  require(PEM_write_PrivateKey(open(file + ".key", "w").get(), key.get(), cipher,
                               reinterpret_cast<unsigned char const*>(what.passphrase.data()),
                               static_cast<int>(what.passphrase.size()), nullptr, nullptr) == 1,
          file + ".key");
}

}  // namespace slipway::tls::tests
