// What a server listens on, and whom it believes about the client behind a connection.
#include "service.hpp"

#include <slipway/core/descriptor.hpp>

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cstring>
#include <thread>

using namespace slipway::http;
using namespace slipway::http::tests;

namespace {

bool has_ipv6() {
  int const probe = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return false;
  sockaddr_in6 at{};
  at.sin6_family = AF_INET6;
  at.sin6_addr = in6addr_loopback;
  bool const there = ::bind(probe, reinterpret_cast<sockaddr const*>(&at), sizeof at) == 0;
  ::close(probe);
  return there;
}

}  // namespace

TEST(addresses, two_shards_share_the_port_and_a_taken_port_is_told) {
  service::options o;
  o.shards = 2;
  service s{o};
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client{s.address()}.ask(get("/plain")).status, 200);
  service::options taken;
  taken.settings.listen = {s.address()};
  try {
    service second{taken};
    FAIL() << "the port was shared with another server";
  } catch (slipway::startup_error const& error) {
    EXPECT_EQ(error.code(), slipway::exit_code::cannot_create);
    EXPECT_NE(std::string{error.what()}.find("in use"), std::string::npos);
  }
}

TEST(addresses, an_address_that_cannot_be_used_names_its_setting_and_says_what_to_do) {
  auto const refusal = [](std::string address) {
    service::options o;
    o.settings.listen = {std::move(address)};
    o.settings.listen_key = "operations.listen";
    try {
      service{o};
    } catch (slipway::startup_error const& error) {
      EXPECT_NE(std::string{error.what()}.find("operations.listen"), std::string::npos) << error.what();
      return error.code();
    }
    return slipway::exit_code::ok;
  };
  EXPECT_EQ(refusal("no port"), slipway::exit_code::config);
  EXPECT_EQ(refusal("host.invalid:1"), slipway::exit_code::config);
  EXPECT_EQ(refusal("192.0.2.1:1"), slipway::exit_code::config);
  EXPECT_EQ(refusal("unix:" + std::string(200, 'x')), slipway::exit_code::config);
  EXPECT_EQ(refusal("unix:/nowhere/at/all.sock"), slipway::exit_code::cannot_create);
  EXPECT_EQ(refusal("unix:/dev/null/a.sock"), slipway::exit_code::cannot_create);
}

TEST(addresses, ipv6) {
  if (!has_ipv6()) GTEST_SKIP() << "this machine has no ::1";
  service::options o;
  o.shards = 2;
  o.settings.listen = {"[::1]:0", "127.0.0.1:0"};
  service s{o};
  EXPECT_TRUE(s.address(0).starts_with("[::1]:")) << s.address(0);
  EXPECT_FALSE(s.address(0).ends_with(":0")) << s.address(0);
  client c{s.address(0)};
  EXPECT_EQ(c.ask(get("/peer")).body, "::1 http");
  EXPECT_EQ(c.ask("GET /peer HTTP/1.1\r\nHost: " + s.address(0) + "\r\n\r\n").body, "::1 http");
  EXPECT_EQ(client{s.address(1)}.ask(get("/peer")).body, "127.0.0.1 http");
  service::options taken;
  taken.settings.listen = {s.address(0)};
  EXPECT_THROW(service{taken}, slipway::startup_error);
}

// [::] is every address of IPv6 and of nothing else, so that 0.0.0.0 may stand beside it with the same port.
TEST(addresses, ipv6_every_address_beside_ipv4s) {
  if (!has_ipv6()) GTEST_SKIP() << "this machine has no ::1";
  service::options o;
  o.settings.listen = {"[::]:0"};
  o.settings.trusted_proxies = {"::1/128"};
  service six{o};
  EXPECT_EQ(client{six.address()}.ask(get("/peer")).body, "::1 http");
  EXPECT_EQ(client{six.address()}.ask(get("/peer", "Forwarded: for=\"[2001:db8::7]\"\r\n")).body, "2001:db8::7 http");
  auto const port = six.address().substr(six.address().rfind(':'));
  service::options beside;
  beside.settings.listen = {"0.0.0.0" + port};
  service four{beside};
  EXPECT_EQ(client{"127.0.0.1" + port}.ask(get("/peer")).body, "127.0.0.1 http");
  EXPECT_EQ(client{"[::1]" + port}.ask(get("/peer")).body, "::1 http");
}

TEST(addresses, unix_sockets) {
  auto const path = "unix:" + testing::TempDir() + "slipway_http_test_" + std::to_string(::getpid()) + ".sock";
  service::options o;
  o.shards = 2;
  o.settings.listen = {"127.0.0.1:0", path};
  o.settings.trusted_proxies = {"unix"};
  {
    service s{o};
    client c{s.address(1)};
    EXPECT_EQ(c.ask(get("/peer")).body, "unix http");
    EXPECT_EQ(c.ask(get("/peer", "X-Forwarded-For: 203.0.113.7\r\n")).body, "203.0.113.7 http");
    service::options again;
    again.settings.listen = {path};
    EXPECT_THROW(service{again}, slipway::startup_error);
  }
  EXPECT_NE(::access(path.c_str() + 5, F_OK), 0);
}

TEST(addresses, a_socket_file_of_somebody_else_stays) {
  auto const path = testing::TempDir() + "slipway_http_test_other_" + std::to_string(::getpid()) + ".sock";
  // Of a kind that no stream can connect to, as one that another user has closed to us: not left over.
  slipway::descriptor const other{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  std::memcpy(where.sun_path, path.c_str(), path.size() + 1);
  ASSERT_EQ(::bind(other.get(), reinterpret_cast<sockaddr const*>(&where), sizeof where), 0);
  service::options o;
  o.settings.listen = {"unix:" + path};
  EXPECT_THROW(service{o}, slipway::startup_error);
  EXPECT_EQ(::unlink(path.c_str()), 0) << "it is still there";
}

TEST(addresses, forwarded_only_from_trusted_proxies) {
  std::string const fields = "Forwarded: for=203.0.113.7;proto=https\r\n";
  service untrusting;
  EXPECT_EQ(client{untrusting.address()}.ask(get("/peer", fields)).body, "127.0.0.1 http");
  service::options o;
  o.settings.trusted_proxies = {"127.0.0.0/8"};
  service trusting{o};
  client c{trusting.address()};
  EXPECT_EQ(c.ask(get("/peer", fields)).body, "203.0.113.7 https");
  EXPECT_EQ(c.ask(get("/peer")).body, "127.0.0.1 http");
}

TEST(addresses, proxy_protocol_from_trusted_peers) {
  service::options o;
  o.settings.trusted_proxies = {"127.0.0.1"};
  o.settings.proxy_protocol = true;
  service s{o};
  std::string const header{"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x05\x7f\0\0\1\x10\x20\x1f\x90", 28};
  client c{s.address()};
  for (char byte : header + get("/peer")) c.send({&byte, 1});
  EXPECT_EQ(c.read().body, "203.0.113.5 http");
  client without{s.address()};
  without.send(get("/peer"));
  EXPECT_EQ(without.until_closed(), "");
}
