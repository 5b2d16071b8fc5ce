#include <slipway/content/urlencoded.hpp>

#include <gtest/gtest.h>

namespace slipway::content {
namespace {

std::vector<std::pair<std::string, std::string>> pairs(std::string_view text) {
  arena memory;
  auto const decoded = decode_form(text, memory);
  EXPECT_TRUE(decoded) << text;
  std::vector<std::pair<std::string, std::string>> out;
  if (decoded)
    for (auto const& p : *decoded) out.emplace_back(p.name, p.value);
  return out;
}
using list = std::vector<std::pair<std::string, std::string>>;

TEST(form, decodes) {
  EXPECT_EQ(pairs(""), list{});
  EXPECT_EQ(pairs("&&"), list{});
  EXPECT_EQ(pairs("a=1&b=2"), (list{{"a", "1"}, {"b", "2"}}));
  EXPECT_EQ(pairs("a&b=&=c"), (list{{"a", ""}, {"b", ""}, {"", "c"}}));
  EXPECT_EQ(pairs("a=1&a=2"), (list{{"a", "1"}, {"a", "2"}}));
  EXPECT_EQ(pairs("q=a+b%2Bc%20d%26"), (list{{"q", "a b+c d&"}}));
  EXPECT_EQ(pairs("a%3db=c=d"), (list{{"a=b", "c=d"}}));
  EXPECT_EQ(pairs("x=%2525"), (list{{"x", "%25"}})) << "once";
  EXPECT_EQ(pairs("x=%E2%82%AC"), (list{{"x", "\xe2\x82\xac"}}));
}

TEST(form, reports_every_broken_pair) {
  arena memory;
  auto const bad = decode_form("ok=1&a=%&b=%4&c=%zz&d=%00&e=%ff&%f0=1&=%", memory);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().kind(), fault_kind::malformed);
  EXPECT_EQ(bad.error().code(), "invalid_encoding");
  std::string names;
  for (auto const& f : bad.error().more().fields) names += f.pointer + ',';
  EXPECT_EQ(names, "a,b,c,d,e,,,");
}

TEST(form, is_bounded) {
  arena memory;
  std::string text;
  for (int i = 0; i < 256; ++i) text += "a=1&";
  EXPECT_TRUE(decode_form(text, memory));
  EXPECT_EQ(decode_form(text + "a", memory).error().code(), "too_many_parameters");
  EXPECT_FALSE(decode_form("a&b&c", memory, {.pairs = 2}));
}

TEST(form, encodes_what_it_decodes) {
  std::string every;
  for (int c = 1; c < 128; ++c) every += static_cast<char>(c);
  auto const text = encode_form({{"k", every}, {every, "v"}});
  EXPECT_EQ(pairs(text), (list{{"k", every}, {every, "v"}}));
}

TEST(form, utf8) {
  for (auto good : {"", "abc", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"})
    EXPECT_TRUE(is_utf8(good)) << good;
  for (auto bad : {"\x80", "\xc3", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                   "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xe2\x82", "\xe2\x28\xa1"})
    EXPECT_FALSE(is_utf8(bad)) << bad;
}

}  // namespace
}  // namespace slipway::content
