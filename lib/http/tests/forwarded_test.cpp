#include <slipway/http/forwarded.hpp>
#include <slipway/http/proxy_protocol.hpp>

#include <gtest/gtest.h>

#include <stdexcept>

using namespace slipway::http;

namespace {

std::string client_of(std::vector<field> const& fields) {
  static std::vector<network> const trusted{network{"10.0.0.0/8"}, network{"2001:db8:1::/48"}};
  auto const said = read_forwarded(fields, trusted);
  auto out = said.client ? said.client->text() : "-";
  if (said.secure) out += *said.secure ? " https" : " http";
  return out;
}

}  // namespace

TEST(forwarded, believes_only_what_trusted_proxies_wrote) {
  EXPECT_EQ(client_of({{"X-Forwarded-For", "1.1.1.1, 203.0.113.9, 10.0.0.2"}, {"X-Forwarded-Proto", "https"}}),
            "203.0.113.9 https");
  EXPECT_EQ(client_of({{"X-Forwarded-For", "1.1.1.1"}, {"X-Forwarded-For", "203.0.113.9"}}), "203.0.113.9");
  EXPECT_EQ(client_of({{"X-Forwarded-For", "nonsense"}}), "-");
  EXPECT_EQ(client_of({{"X-Forwarded-For", "1.1.1.1, unknown, 10.1.1.1"}}), "10.1.1.1");
  EXPECT_EQ(client_of({{"X-Forwarded-For", "198.51.100.7:4711"}}), "198.51.100.7");
  EXPECT_EQ(client_of({}), "-");
}

TEST(forwarded, reads_rfc_7239) {
  EXPECT_EQ(client_of({{"Forwarded", "for=1.1.1.1, for=\"[2001:db8::17]:4711\";proto=https;by=10.0.0.1"}}),
            "2001:db8::17 https");
  EXPECT_EQ(client_of({{"Forwarded", "for=198.51.100.2;proto=http, For=10.3.3.3"}}), "198.51.100.2 http");
  EXPECT_EQ(client_of({{"Forwarded", "for=_hidden"}, {"X-Forwarded-For", "1.1.1.1"}}), "-");
  EXPECT_EQ(client_of({{"Forwarded", "for=\"1.1.1.1, for=2.2.2.2"}}), "-");
  EXPECT_EQ(client_of({{"Forwarded", "for=\"[9.9.9.9], for=\"[2001:db8::17]:4711\""}}), "-");
  EXPECT_EQ(client_of({{"Forwarded", "for=\"9.9.9.9:, for=\"203.0.113.7\""}}), "-");
  EXPECT_EQ(client_of({{"Forwarded", "for=\"[9.9.9.9]x\""}}), "-");
  EXPECT_EQ(client_of({{"Forwarded", "for=\"9.9.9.9:, x\""}}), "-");
  EXPECT_EQ(client_of({{"Forwarded", "for=\"203.0.113.7:_hidden.1\""}}), "203.0.113.7");
}

// A proxy that writes one field may pass on the other, which its client made up.
TEST(forwarded, believes_neither_of_two_that_disagree) {
  EXPECT_EQ(client_of({{"Forwarded", "for=9.9.9.9;proto=https"}, {"X-Forwarded-For", "203.0.113.7"}}), "-");
  EXPECT_EQ(client_of({{"X-Forwarded-For", "9.9.9.9"}, {"Forwarded", "for=203.0.113.7"}}), "-");
  EXPECT_EQ(client_of({{"Forwarded", "for=203.0.113.7;proto=https"}, {"X-Forwarded-For", "203.0.113.7"}}),
            "203.0.113.7 https");
  EXPECT_EQ(client_of({{"Forwarded", "for=203.0.113.7;proto=https"},
                       {"X-Forwarded-For", "203.0.113.7"},
                       {"X-Forwarded-Proto", "http"}}),
            "-");
}

TEST(forwarded, long_lists_are_not_read_to_their_end) {
  std::string many;
  for (int i = 0; i < 1'000; ++i) many += "10.0.0.1, ";
  EXPECT_EQ(client_of({{"X-Forwarded-For", "203.0.113.7, " + many + "10.0.0.1"}}), "10.0.0.1");
  EXPECT_EQ(client_of({{"Forwarded", "for=203.0.113.7" + std::string(10'000, ';')}}), "-");
}

TEST(forwarded, networks) {
  EXPECT_TRUE(network{"192.0.2.0/25"}.has(*address::parse("192.0.2.127")));
  EXPECT_FALSE(network{"192.0.2.0/25"}.has(*address::parse("192.0.2.128")));
  EXPECT_TRUE(network{"::1"}.has(*address::parse("::1")));
  EXPECT_TRUE(network{"0.0.0.0/0"}.has(*address::parse("8.8.8.8")));
  EXPECT_FALSE(network{"0.0.0.0/0"}.has(*address::parse("2001:db8::1")));
  for (auto bad : {"", "x", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/8x", "10.0.0"})
    EXPECT_THROW(network{bad}, std::invalid_argument) << bad;
}

TEST(proxy_protocol, version_2) {
  std::string head{"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", 16};
  EXPECT_EQ(proxy_protocol::rest_size(head), 12u);
  EXPECT_EQ(proxy_protocol::client(head, std::string{"\xcb\0\x71\x05\x7f\0\0\1\x10\x20\x1f\x90", 12})->text(),
            "203.0.113.5");
  head[12] = '\x20';
  EXPECT_EQ(proxy_protocol::client(head, std::string(12, '\0')), std::nullopt);
  head[12] = '\x11';
  EXPECT_EQ(proxy_protocol::rest_size(head), std::nullopt);
  EXPECT_EQ(proxy_protocol::rest_size("GET / HTTP/1.1\r\n"), std::nullopt);
  EXPECT_EQ(proxy_protocol::rest_size(std::string{"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x04", 16}), std::nullopt);
}
