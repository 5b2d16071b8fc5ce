// TLS against OpenSSL's own client, with certificates that are made on the spot.
#include "service.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace slipway::http;
using namespace slipway::http::tests;

namespace {

// Writes NAME.crt and NAME.key for a certificate whose common name is `subject`.
void make_certificate(std::string const& file, std::string const& subject) {
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{EVP_EC_gen("P-256"), &EVP_PKEY_free};
  std::unique_ptr<X509, decltype(&X509_free)> made{X509_new(), &X509_free};
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), 3'600);
  X509_set_pubkey(made.get(), key.get());
  auto* const name = X509_get_subject_name(made.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<unsigned char const*>(subject.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(made.get(), name);
  ASSERT_GT(X509_sign(made.get(), key.get(), EVP_sha256()), 0);
  std::unique_ptr<FILE, int (*)(FILE*)> certificate{std::fopen((file + ".crt").c_str(), "w"), &std::fclose};
  std::unique_ptr<FILE, int (*)(FILE*)> secret{std::fopen((file + ".key").c_str(), "w"), &std::fclose};
  ASSERT_EQ(PEM_write_X509(certificate.get(), made.get()), 1);
  ASSERT_EQ(PEM_write_PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr), 1);
}

class tls_client {
 public:
  tls_client(std::string const& address, std::string const& name, int version = TLS1_3_VERSION)
      : below_{address},
        context_{SSL_CTX_new(TLS_client_method()), &SSL_CTX_free},
        ssl_{SSL_new(context_.get()), &SSL_free} {
    timeval const limit{10, 0};
    ::setsockopt(below_.descriptor(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    SSL_set_min_proto_version(ssl_.get(), version);
    SSL_set_max_proto_version(ssl_.get(), version);
    SSL_set_tlsext_host_name(ssl_.get(), name.c_str());
    SSL_set_fd(ssl_.get(), below_.descriptor());
    connected = SSL_connect(ssl_.get()) == 1;
  }
  std::string subject() const {
    std::unique_ptr<X509, decltype(&X509_free)> const shown{SSL_get1_peer_certificate(ssl_.get()), &X509_free};
    char name[100] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(shown.get()), NID_commonName, name, sizeof name);
    return name;
  }
  void send(std::string_view text) {
    EXPECT_EQ(SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())), static_cast<int>(text.size()));
  }
  std::string read_until(std::string_view end) {
    std::string out;
    char piece[16'384];
    while (!out.ends_with(end)) {
      auto const n = SSL_read(ssl_.get(), piece, sizeof piece);
      if (n <= 0) break;
      out.append(piece, static_cast<std::size_t>(n));
    }
    return out;
  }
  bool connected = false;

 private:
  client below_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
};

class tls : public testing::Test {
 protected:
  // A folder of its own: files of fixed names would belong to whoever ran the tests first.
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "slipway-tls-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder = name;
    base = (folder / "site").string();
    make_certificate(base, "default.example");
    make_certificate(base + "_other", "other.example");
    o.settings.tls.certificate_file = base + ".crt";
    o.settings.tls.key_file = base + ".key";
    o.settings.tls.hosts = {{"*.other.example", base + "_other.crt", base + "_other.key"}};
  }
  void TearDown() override {
    if (!folder.empty()) std::filesystem::remove_all(folder);
  }
  std::filesystem::path folder;
  std::string base;
  service::options o;
};

}  // namespace

TEST_F(tls, serves_both_versions_and_chooses_by_name) {
  service s{o};
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    tls_client c{s.address(), "default.example", version};
    ASSERT_TRUE(c.connected);
    EXPECT_EQ(c.subject(), "default.example");
    c.send(get("/peer") + get("/plain"));
    auto const out = c.read_until("Hello, World!");
    EXPECT_NE(out.find("127.0.0.1 https"), std::string::npos);
    tls_client other{s.address(), "www.OTHER.example", version};
    EXPECT_EQ(other.subject(), "other.example");
    tls_client unknown{s.address(), "nobody.example", version};
    EXPECT_EQ(unknown.subject(), "default.example");
  }
}

TEST_F(tls, carries_large_bodies_both_ways) {
  service s{o};
  tls_client c{s.address(), "default.example"};
  auto const body = pattern(900'000);
  c.send(post("/echo", body));
  auto const out = c.read_until(body.substr(body.size() - 1'000));
  EXPECT_TRUE(out.ends_with(body));
  c.send(get("/chunked"));
  EXPECT_GT(c.read_until("\r\n0\r\n\r\n").size(), 20'000'000u);
}

TEST_F(tls, reloads_without_a_restart_and_keeps_the_old_when_the_new_are_bad) {
  service s{o};
  tls_client before{s.address(), "default.example"};
  make_certificate(base, "renewed.example");
  s.http->reload_certificates();
  EXPECT_EQ((tls_client{s.address(), "default.example"}.subject()), "renewed.example");
  before.send(get("/plain"));
  EXPECT_NE(before.read_until("Hello, World!"), "");
  std::ofstream{base + ".crt"} << "not a certificate";
  EXPECT_THROW(s.http->reload_certificates(), slipway::startup_error);
  EXPECT_EQ((tls_client{s.address(), "default.example"}.subject()), "renewed.example");
}

TEST_F(tls, refuses_old_versions_and_plain_text) {
  o.settings.tls.minimum_version = "1.3";
  service s{o};
  EXPECT_FALSE((tls_client{s.address(), "default.example", TLS1_2_VERSION}.connected));
  client plain{s.address()};
  plain.send(get("/plain"));
  EXPECT_EQ(plain.until_closed().find("HTTP/"), std::string::npos);
  EXPECT_EQ((tls_client{s.address(), "default.example"}.connected), true);
}

TEST_F(tls, says_what_is_wrong_with_its_files) {
  for (auto change : {0, 1, 2}) {
    auto bad = o;
    if (change == 0) bad.settings.tls.certificate_file = base + ".missing";
    if (change == 1) bad.settings.tls.key_file = base + "_other.key";
    if (change == 2) bad.settings.tls.minimum_version = "1.1";
    try {
      service s{bad};
      ADD_FAILURE() << change;
    } catch (slipway::startup_error const& error) {
      EXPECT_EQ(error.code(), slipway::exit_code::config);
    }
  }
}
