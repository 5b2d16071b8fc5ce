// What is said about files and settings that are no use.
#include "../../core/tests/temporary_folder.hpp"
#include "certificates.hpp"

#include <slipway/core/errors.hpp>
#include <slipway/tls/context.hpp>

#include <gmock/gmock.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <fstream>

namespace slipway::tls::tests {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

struct contexts : testing::Test {
  slipway::tests::temporary_folder files{"tls"};
  context made = make_server_context();

  void SetUp() override {
    make_certificate(files / "own", {.subject = "own"});
    make_certificate(files / "other", {.subject = "other"});
  }
  // What use_certificate says about these files.
  std::string about(std::string const& chain, std::string const& key) {
    return refusal([&] { use_certificate(made.get(), {"a.chain", files / chain}, {"a.key", files / key}); });
  }
  template <class Work>
  std::string refusal(Work work) {
    try {
      work();
    } catch (startup_error const& error) {
      EXPECT_EQ(error.code(), exit_code::config);
      EXPECT_EQ(::ERR_peek_error(), 0u) << "nothing is left for whoever asks OpenSSL next";
      return error.what();
    }
    return "nothing";
  }
};

TEST_F(contexts, a_certificate_and_its_key) { EXPECT_EQ(about("own.crt", "own.key"), "nothing"); }

TEST_F(contexts, a_certificate_that_cannot_be_used) {
  EXPECT_THAT(about("none.crt", "own.key"),
              AllOf(StartsWith("a.chain: cannot use '" + files / "none.crt" + "': "), HasSubstr("readable PEM file"),
                    HasSubstr("No such file or directory")));
  std::ofstream{files / "rubbish.crt"} << "not a certificate";
  EXPECT_THAT(about("rubbish.crt", "own.key"), AllOf(StartsWith("a.chain: "), HasSubstr("no start line")));
}

TEST_F(contexts, a_key_that_cannot_be_used) {
  EXPECT_THAT(about("own.crt", "none.key"), StartsWith("a.key: cannot use '" + files / "none.key" + "': "));
  EXPECT_THAT(about("own.crt", "other.key"),
              AllOf(StartsWith("a.key: "), HasSubstr("belong to the certificate in '" + files / "own.crt" + "'"),
                    HasSubstr("key values mismatch")));
  // Nobody is asked for the passphrase: a server would wait on its terminal.
  make_certificate(files / "locked", {.subject = "locked", .passphrase = "secret"});
  EXPECT_THAT(about("locked.crt", "locked.key"), AllOf(StartsWith("a.key: "), HasSubstr("without a passphrase")));
}

TEST_F(contexts, versions) {
  EXPECT_EQ(SSL_CTX_get_min_proto_version(made.get()), TLS1_2_VERSION);
  set_minimum_version(made.get(), "a.version", "1.3");
  EXPECT_EQ(SSL_CTX_get_min_proto_version(made.get()), TLS1_3_VERSION);
  set_minimum_version(made.get(), "a.version", "1.2");
  EXPECT_EQ(SSL_CTX_get_min_proto_version(made.get()), TLS1_2_VERSION);
  for (auto const* wrong : {"1.1", "", "tls1.2"})
    EXPECT_EQ(refusal([&] { set_minimum_version(made.get(), "a.version", wrong); }),
              "a.version is '" + std::string{wrong} + "': write 1.2 or 1.3");
}

TEST_F(contexts, authorities) {
  auto const client = make_client_context();
  EXPECT_EQ(SSL_CTX_get_verify_mode(client.get()), SSL_VERIFY_PEER);
  EXPECT_EQ(refusal([&] { trust(client.get(), {"an.authority", files / "own.crt"}); }), "nothing");
  EXPECT_EQ(refusal([&] { trust(client.get(), {"an.authority", ""}); }), "nothing") << "the system's";
  EXPECT_THAT(refusal([&] { trust(client.get(), {"an.authority", files / "none.crt"}); }),
              AllOf(StartsWith("an.authority: cannot use '"), HasSubstr("readable PEM file of certificates")));
}

}  // namespace
}  // namespace slipway::tls::tests
