#include <slipway/http_client/client.hpp>

#include "../../core/tests/temporary_folder.hpp"
#include "../../tls/tests/certificates.hpp"
#include "test_server.hpp"

#include <gmock/gmock.h>

#include <memory>

namespace slipway::http_client {
namespace {

// A self-signed certificate for the name, and a server's context with it.
class certificate {
 public:
  explicit certificate(std::string const& name) : context_{SSL_CTX_new(TLS_server_method()), &SSL_CTX_free} {
    tls::tests::make_certificate(files_ / name, {.subject = name, .alternative_names = "DNS:" + name});
    file_ = files_ / (name + ".crt");
    SSL_CTX_use_certificate_file(context(), file_.c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_use_PrivateKey_file(context(), (files_ / (name + ".key")).c_str(), SSL_FILETYPE_PEM);
  }
  std::string const& file() const { return file_; }
  SSL_CTX* context() const { return context_.get(); }

 private:
  slipway::tests::temporary_folder files_{"tls"};
  std::string file_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
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
