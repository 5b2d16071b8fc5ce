// TLS against OpenSSL's own client, with certificates that are made on the spot.
#include "../../core/tests/temporary_folder.hpp"
#include "../../tls/tests/certificates.hpp"
#include "service.hpp"

#include <gmock/gmock.h>
#include <openssl/ssl.h>

#include <fstream>

using namespace slipway::http;
using namespace slipway::http::tests;
using slipway::tls::tests::make_certificate;

namespace {

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
  void SetUp() override {
    make_certificate(base, {.subject = "default.example"});
    make_certificate(base + "_other", {.subject = "other.example"});
    o.settings.tls.certificate_file = base + ".crt";
    o.settings.tls.key_file = base + ".key";
    o.settings.tls.hosts = {{"*.other.example", base + "_other.crt", base + "_other.key"}};
  }
  slipway::tests::temporary_folder files{"tls"};
  std::string const base = files / "site";
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
  make_certificate(base, {.subject = "renewed.example"});
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

TEST_F(tls, says_which_setting_is_wrong) {
  auto const refusal = [&](auto change) {
    auto bad = o;
    change(bad.settings.tls);
    try {
      service s{bad};
    } catch (slipway::startup_error const& error) {
      EXPECT_EQ(error.code(), slipway::exit_code::config);
      return std::string{error.what()};
    }
    return std::string{"it started"};
  };
  using testing::StartsWith;
  EXPECT_THAT(refusal([&](tls_settings& s) { s.certificate_file = base + ".missing"; }),
              StartsWith("http.tls.certificate_file: cannot use '" + base + ".missing'"));
  EXPECT_THAT(refusal([&](tls_settings& s) { s.key_file = base + "_other.key"; }), StartsWith("http.tls.key_file: "));
  EXPECT_THAT(refusal([&](tls_settings& s) { s.hosts[0].key_file = s.key_file; }),
              StartsWith("http.tls.hosts[0].key_file: "));
  EXPECT_EQ(refusal([&](tls_settings& s) { s.minimum_version = "1.1"; }),
            "http.tls.minimum_version is '1.1': write 1.2 or 1.3");
}
