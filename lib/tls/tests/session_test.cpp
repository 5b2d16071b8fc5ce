// Both sides of a connection over a pair of sockets, on one thread: neither ever waits.
#include "../../core/tests/temporary_folder.hpp"
#include "certificates.hpp"

#include <slipway/core/descriptor.hpp>
#include <slipway/tls/context.hpp>
#include <slipway/tls/session.hpp>

#include <gmock/gmock.h>
#include <openssl/ssl.h>

#include <sys/socket.h>

#include <cerrno>
#include <csignal>

namespace slipway::tls::tests {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct pair_of_sockets {
  descriptor server, client;

  pair_of_sockets() {
    int both[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both) != 0)
      throw std::runtime_error{"no sockets for the test"};
    server = descriptor{both[0]};
    client = descriptor{both[1]};
  }
};

struct sessions : testing::Test {
  static void SetUpTestSuite() {
    ::signal(SIGPIPE, SIG_IGN);
    files = std::make_unique<slipway::tests::temporary_folder>("tls");
    make_certificate(*files / "authority", {.subject = "authority"});
    make_certificate(*files / "stranger", {.subject = "stranger"});
    make_certificate(*files / "right", {.subject = "right",
                                        .alternative_names = "DNS:db.example,IP:127.0.0.1,IP:::1",
                                        .issuer = *files / "authority"});
    make_certificate(
        *files / "expired",
        {.subject = "expired", .alternative_names = "DNS:db.example", .issuer = *files / "authority", .seconds = -10});
  }
  static void TearDownTestSuite() { files.reset(); }

  sessions() {
    use_certificate(server_context.get(), {"chain", *files / "right.crt"}, {"key", *files / "right.key"});
    trust(client_context.get(), {"authority", *files / "authority.crt"});
  }

  void begin(std::string const& host = "db.example") {
    server = std::make_unique<session>(server_context.get(), sockets.server.get());
    client = std::make_unique<session>(client_context.get(), sockets.client.get());
    server->accept();
    client->connect(host);
  }
  // Until the client knows, and the server has had its chance to hear of it.
  io_state shake_hands() {
    auto ours = io_state::wait_read, theirs = io_state::wait_read;
    for (int turn = 0; turn < 20; ++turn) {
      if (ours == io_state::wait_read) ours = client->handshake().state;
      if (theirs == io_state::wait_read) theirs = server->handshake().state;
      if (ours != io_state::wait_read && theirs != io_state::wait_read) break;
    }
    of_server = theirs;
    return ours;
  }
  std::string read(session& from, std::size_t size = 16'384) {
    std::string into(size, '\0');
    auto const got = from.read(into.data(), size);
    EXPECT_EQ(got.state, io_state::done);
    into.resize(got.size);
    return into;
  }
  io_state state_of_reading(session& from) {
    char into[100];
    return from.read(into, sizeof into).state;
  }

  static inline std::unique_ptr<slipway::tests::temporary_folder> files;
  context server_context = make_server_context(), client_context = make_client_context();
  pair_of_sockets sockets;
  std::unique_ptr<session> server, client;
  io_state of_server{};
};

TEST_F(sessions, a_name_or_an_address_that_the_certificate_is_for) {
  for (auto const* host : {"db.example", "DB.Example", "127.0.0.1", "::1"}) {
    sockets = {};
    begin(host);
    ASSERT_EQ(shake_hands(), io_state::done) << host << ": " << client->reason();
    EXPECT_EQ(client->write("ping").size, 4u);
    EXPECT_EQ(read(*server), "ping");
    EXPECT_EQ(server->write("pong").size, 4u);
    EXPECT_EQ(read(*client), "pong");
    EXPECT_EQ(state_of_reading(*client), io_state::wait_read);
    EXPECT_FALSE(client->is_refusal());
  }
}

TEST_F(sessions, a_server_is_told_the_name_and_no_address) {
  std::vector<std::string> told;
  SSL_CTX_set_tlsext_servername_arg(server_context.get(), &told);
  SSL_CTX_set_tlsext_servername_callback(
      server_context.get(), +[](SSL* ssl, int*, void* names) {
        auto const* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        static_cast<std::vector<std::string>*>(names)->emplace_back(name == nullptr ? "none" : name);
        return SSL_TLSEXT_ERR_OK;
      });
  for (auto const* host : {"db.example", "127.0.0.1"}) {
    sockets = {};
    begin(host);
    EXPECT_EQ(shake_hands(), io_state::done);
  }
  EXPECT_THAT(told, testing::ElementsAre("db.example", "none"));
}

TEST_F(sessions, a_certificate_for_another) {
  for (auto const* host : {"other.example", "127.0.0.2", "::2"}) {
    sockets = {};
    begin(host);
    EXPECT_EQ(shake_hands(), io_state::failed) << host;
    EXPECT_THAT(client->reason(), StartsWith("the server's certificate is not trusted: "));
    EXPECT_THAT(client->reason(), HasSubstr("mismatch"));
    EXPECT_TRUE(client->is_refusal());
    client->close_notify();  // allowed, and nothing
    EXPECT_EQ(of_server == io_state::failed || state_of_reading(*server) == io_state::failed, true);
  }
}

TEST_F(sessions, a_name_that_would_not_be_verified_is_refused) {
  for (auto const& host : {std::string{}, std::string(300, 'a')}) {
    session nobody{client_context.get(), sockets.client.get()};
    EXPECT_THROW(nobody.connect(host), std::invalid_argument);
  }
}

TEST_F(sessions, an_authority_that_is_not_trusted) {
  client_context = make_client_context();
  trust(client_context.get(), {"authority", *files / "stranger.crt"});
  begin();
  EXPECT_EQ(shake_hands(), io_state::failed);
  EXPECT_THAT(client->reason(), StartsWith("the server's certificate is not trusted: unable to get local issuer"));
  EXPECT_TRUE(client->is_refusal());
}

TEST_F(sessions, a_certificate_that_has_expired) {
  use_certificate(server_context.get(), {"chain", *files / "expired.crt"}, {"key", *files / "expired.key"});
  begin();
  EXPECT_EQ(shake_hands(), io_state::failed);
  EXPECT_EQ(client->reason(), "the server's certificate is not trusted: certificate has expired");
  EXPECT_TRUE(client->is_refusal());
}

TEST_F(sessions, a_version_that_is_too_old) {
  set_minimum_version(server_context.get(), "version", "1.3");
  SSL_CTX_set_max_proto_version(client_context.get(), TLS1_2_VERSION);
  begin();
  EXPECT_EQ(shake_hands(), io_state::failed);
  EXPECT_THAT(client->reason(), HasSubstr("alert protocol version"));
  EXPECT_TRUE(client->is_refusal());
  EXPECT_EQ(of_server, io_state::failed);
  EXPECT_THAT(server->reason(), HasSubstr("unsupported protocol"));
}

TEST_F(sessions, a_client_whose_certificate_is_not_trusted) {
  SSL_CTX_set_verify(server_context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  trust(server_context.get(), {"authority", *files / "authority.crt"});
  use_certificate(client_context.get(), {"chain", *files / "stranger.crt"}, {"key", *files / "stranger.key"});
  begin();
  // In TLS 1.3 a client is done before the server has seen its certificate; it hears the verdict when it reads.
  shake_hands();
  EXPECT_EQ(of_server, io_state::failed);
  EXPECT_THAT(server->reason(), StartsWith("the client's certificate is not trusted: "));
  EXPECT_EQ(state_of_reading(*client), io_state::failed);
  EXPECT_TRUE(client->is_refusal());
}

TEST_F(sessions, a_peer_that_speaks_no_tls) {
  begin();
  EXPECT_EQ(client->handshake().state, io_state::wait_read);
  std::string_view const plain = "-ERR unknown command\r\n";
  ASSERT_EQ(::send(sockets.server.get(), plain.data(), plain.size(), MSG_NOSIGNAL), static_cast<ssize_t>(plain.size()));
  EXPECT_EQ(client->handshake().state, io_state::failed);
  EXPECT_THAT(client->reason(), HasSubstr("wrong version number"));
  EXPECT_TRUE(client->is_refusal());
}

TEST_F(sessions, a_peer_that_is_gone_in_the_handshake_has_refused_nothing) {
  begin();
  EXPECT_EQ(client->handshake().state, io_state::wait_read);
  ::shutdown(sockets.server.get(), SHUT_WR);
  EXPECT_EQ(client->handshake().state, io_state::failed);
  EXPECT_THAT(client->reason(), HasSubstr("unexpected eof"));
  EXPECT_FALSE(client->is_refusal()) << "it may just be starting again";
}

TEST_F(sessions, the_end_is_told) {
  begin();
  ASSERT_EQ(shake_hands(), io_state::done);
  server->write("last words");
  server->close_notify();
  EXPECT_EQ(read(*client), "last words");
  EXPECT_EQ(state_of_reading(*client), io_state::end);
  client->close_notify();
  EXPECT_EQ(state_of_reading(*server), io_state::end);
}

TEST_F(sessions, an_end_that_was_not_told_is_a_failure_unless_the_context_says_otherwise) {
  for (auto const is_ignored : {false, true}) {
    if (is_ignored) SSL_CTX_set_options(client_context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
    sockets = {};
    begin();
    ASSERT_EQ(shake_hands(), io_state::done);
    server->write("half a sent");
    sockets.server = {};
    EXPECT_EQ(read(*client), "half a sent");
    EXPECT_EQ(state_of_reading(*client), is_ignored ? io_state::end : io_state::failed);
    if (is_ignored) continue;
    EXPECT_THAT(client->reason(), HasSubstr("unexpected eof"));
    client->close_notify();
  }
}

TEST_F(sessions, a_connection_that_was_reset_keeps_the_systems_reason) {
  begin();
  ASSERT_EQ(shake_hands(), io_state::done);
  client->write("which nobody reads");
  sockets.server = {};
  std::string const more(100, 'x');
  EXPECT_EQ(client->write(more).state, io_state::failed);
  errno = 0;  // whatever happens between
  EXPECT_EQ(client->reason(), "Broken pipe");
  EXPECT_FALSE(client->is_refusal());
}

TEST_F(sessions, what_is_decrypted_already_is_known) {
  begin();
  ASSERT_EQ(shake_hands(), io_state::done);
  EXPECT_FALSE(client->has_buffered());
  server->write(std::string(10'000, 'x'));
  EXPECT_EQ(read(*client, 100).size(), 100u);
  EXPECT_TRUE(client->has_buffered());
  EXPECT_EQ(read(*client).size(), 9'900u);
  EXPECT_FALSE(client->has_buffered());
}

TEST_F(sessions, more_than_the_socket_takes_goes_on_from_wherever_it_is) {
  begin();
  ASSERT_EQ(shake_hands(), io_state::done);
  std::string sent(5'000'000, '\0');
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 7 + i / 251);
  std::string got, into(64 << 10, '\0');
  std::size_t gone = 0;
  unsigned waits = 0;
  while (got.size() < sent.size()) {
    while (gone < sent.size()) {
      std::string const moved = sent.substr(gone, 1 << 20);
      auto const went = server->write(moved);
      if (went.state == io_state::wait_write) {
        ++waits;
        break;
      }
      ASSERT_EQ(went.state, io_state::done) << server->reason();
      gone += went.size;
    }
    for (;;) {
      auto const came = client->read(into.data(), into.size());
      if (came.state == io_state::wait_read) break;
      ASSERT_EQ(came.state, io_state::done) << client->reason();
      got.append(into, 0, came.size);
    }
  }
  EXPECT_GT(waits, 5u);
  EXPECT_TRUE(got == sent);
}

TEST_F(sessions, the_owner_lives_as_long) {
  auto owner = std::make_shared<int>();
  std::weak_ptr<int> const watch = owner;
  auto held = std::make_unique<session>(server_context.get(), sockets.server.get(), std::move(owner));
  EXPECT_FALSE(watch.expired());
  held.reset();
  EXPECT_TRUE(watch.expired());
}

}  // namespace
}  // namespace slipway::tls::tests
