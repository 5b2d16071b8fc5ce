#include <slipway/http_client/client.hpp>

#include "test_server.hpp"

#include <gmock/gmock.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>

namespace slipway::http_client {
namespace {

// A key and a self-signed certificate for the name, made for this test alone.
class certificate {
 public:
  explicit certificate(std::string const& name)
      : file_{testing::TempDir() + "slipway_" + std::to_string(::getpid()) + "_" + name + ".pem"} {
    key_ = EVP_EC_gen("P-256");
    x509_ = X509_new();
    X509_set_version(x509_, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509_), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509_), -60);
    X509_gmtime_adj(X509_getm_notAfter(x509_), 3600);
    X509_set_pubkey(x509_, key_);
    auto* const subject = X509_get_subject_name(x509_);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<unsigned char const*>(name.c_str()), -1,
                               -1, 0);
    X509_set_issuer_name(x509_, subject);
    add(NID_basic_constraints, "critical,CA:TRUE");
    add(NID_subject_alt_name, "DNS:" + name);
    X509_sign(x509_, key_, EVP_sha256());
    auto* const out = std::fopen(file_.c_str(), "w");
    PEM_write_X509(out, x509_);
    std::fclose(out);
    context_ = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(context_, x509_);
    SSL_CTX_use_PrivateKey(context_, key_);
  }
  ~certificate() {
    SSL_CTX_free(context_);
    X509_free(x509_);
    EVP_PKEY_free(key_);
    std::remove(file_.c_str());
  }
  std::string const& file() const { return file_; }
  SSL_CTX* context() const { return context_; }

 private:
  void add(int what, std::string const& value) {
    auto* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, what, value.c_str());
    X509_add_ext(x509_, extension, -1);
    X509_EXTENSION_free(extension);
  }
  std::string file_;
  EVP_PKEY* key_ = nullptr;
  X509* x509_ = nullptr;
  SSL_CTX* context_ = nullptr;
};

struct Tls : testing::Test {
  shards on{1};
  certificate localhost{"localhost"};
  test_server server{[](auto const&, int) { return answer(200, "over TLS"); }, localhost.context()};

  failure fails(settings s, std::string const& url) {
    s.private_addresses = true;
    client http{on, s};
    try {
      on.run(http.send({.url = url}));
      ADD_FAILURE() << "an answer came";
    } catch (request_error const& error) {
      return error.why();
    }
    return failure::invalid;
  }
};

TEST_F(Tls, TrustsTheAuthorityThatItWasGiven) {
  client http{on, {.private_addresses = true, .ca_file = localhost.file()}};
  EXPECT_EQ(on.run(http.send({.url = server.url("/", "localhost")})).body, "over TLS");
  EXPECT_EQ(on.run(http.send({.url = server.url("/", "localhost")})).body, "over TLS");
  EXPECT_EQ(server.connection_count(), 1);
}

TEST_F(Tls, RefusesAnAuthorityThatItDoesNotKnow) {
  EXPECT_EQ(fails({}, server.url("/", "localhost")), failure::tls);
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(Tls, RefusesACertificateForAnotherName) {
  EXPECT_EQ(fails({.ca_file = localhost.file()}, server.url("/", "127.0.0.1")), failure::tls);
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(Tls, RefusesAServerThatSpeaksNoTls) {
  test_server plain{[](auto const&, int) { return answer(200); }};
  EXPECT_EQ(fails({}, "https://127.0.0.1:" + std::to_string(plain.port()) + "/"), failure::tls);
}

TEST_F(Tls, CanBeToldNotToLook) {
  client http{on, {.private_addresses = true, .verify_tls = false}};
  EXPECT_EQ(on.run(http.send({.url = server.url()})).status, 200);
}

TEST_F(Tls, IsNotLedFromHttpsToHttp) {
  test_server plain{[](auto const&, int) { return answer(200); }};
  test_server leads{[&](auto const&, int) { return answer(302, "", "Location: " + plain.url() + "\r\n"); },
                    localhost.context()};
  client http{on, {.private_addresses = true, .redirect_to_private = true, .ca_file = localhost.file()}};
  EXPECT_THROW(on.run(http.send({.url = leads.url("/", "localhost"), .redirects = 2})), request_error);
  EXPECT_TRUE(plain.requests().empty());
}

}  // namespace
}  // namespace slipway::http_client
