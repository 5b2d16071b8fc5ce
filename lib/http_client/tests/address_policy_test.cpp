#include <slipway/http_client/address_policy.hpp>

#include <gtest/gtest.h>

#include <netinet/in.h>
#include <sys/un.h>
#include <stdexcept>

namespace slipway::http_client {
namespace {

TEST(SpecialAddresses, AreNotOnThePublicInternet) {
  for (auto const* text : {"127.0.0.1",
                           "127.255.255.255",
                           "0.0.0.0",
                           "10.0.0.1",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.168.1.1",
                           "169.254.169.254",
                           "100.64.0.1",
                           "100.127.255.255",
                           "192.0.0.192",
                           "198.18.0.1",
                           "198.19.255.255",
                           "224.0.0.1",
                           "255.255.255.255",
                           "168.63.129.16",
                           "::",
                           "::1",
                           "::ffff:127.0.0.1",
                           "::ffff:10.1.2.3",
                           "::10.0.0.1",
                           "::8.8.8.8",
                           "fe80::1",
                           "febf::1",
                           "fec0::1",
                           "fc00::1",
                           "fd00:ec2::254",
                           "ff02::1",
                           "64:ff9b::7f00:1",
                           "64:ff9b:1::1",
                           "2002:7f00:1::",
                           "2002:a9fe:a9fe::",
                           "2001::1",
                           "2001:db8::1",
                           "100::1",
                           "3fff::1"}) {
    auto const a = parse_address(text);
    ASSERT_TRUE(a) << text;
    EXPECT_TRUE(is_special(*a)) << text;
  }
}

TEST(SpecialAddresses, AreNotTheRest) {
  for (auto const* text : {"8.8.8.8",      "1.1.1.1",          "172.15.255.255",  "172.32.0.0",     "100.63.255.255",
                           "100.128.0.0",  "192.167.255.255",  "169.253.255.255", "11.0.0.1",       "126.255.255.255",
                           "128.0.0.0",    "223.255.255.255",  "198.17.255.255",  "168.63.129.17",  "2606:4700::1111",
                           "2a00:1450::1", "64:ff9b::808:808", "2002:808:808::1", "::ffff:8.8.8.8", "2001:200::1",
                           "2400:cb00::1"}) {
    auto const a = parse_address(text);
    ASSERT_TRUE(a) << text;
    EXPECT_FALSE(is_special(*a)) << text;
  }
}

TEST(AddressPolicy, AllowsWhatItWasTold) {
  address_policy const strict{false, {"10.1.0.0/16", "fd00::/8", "192.168.1.7"}};
  EXPECT_TRUE(strict.allows(*parse_address("8.8.8.8")));
  EXPECT_TRUE(strict.allows(*parse_address("10.1.255.1")));
  EXPECT_FALSE(strict.allows(*parse_address("10.2.0.1")));
  EXPECT_TRUE(strict.allows(*parse_address("fd12::1")));
  EXPECT_FALSE(strict.allows(*parse_address("fc12::1")));
  EXPECT_TRUE(strict.allows(*parse_address("::ffff:192.168.1.7")));
  EXPECT_FALSE(strict.allows(*parse_address("192.168.1.8")));
  address_policy const open{true, {}};
  EXPECT_TRUE(open.allows(*parse_address("127.0.0.1")));
  EXPECT_FALSE(open.allows_after_redirect(*parse_address("127.0.0.1"), false));
  EXPECT_TRUE(open.allows_after_redirect(*parse_address("127.0.0.1"), true));
}

TEST(AddressPolicy, RefusesWhatIsNoRange) {
  for (auto const* text :
       {"", "10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "fd00::/129", "host", "10.0.0.0/8x", "10.0.0.0/-1"})
    EXPECT_THROW((address_policy{false, {text}}), std::invalid_argument) << text;
}

TEST(AddressOf, ReadsSocketAddresses) {
  sockaddr_in v4{.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
  EXPECT_EQ(address_of(reinterpret_cast<sockaddr const&>(v4)), parse_address("127.0.0.1"));
  sockaddr_in6 v6{.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  EXPECT_EQ(address_of(reinterpret_cast<sockaddr const&>(v6)), parse_address("::1"));
  sockaddr_un un{.sun_family = AF_UNIX};
  EXPECT_FALSE(address_of(reinterpret_cast<sockaddr const&>(un)));
}

}  // namespace
}  // namespace slipway::http_client
