#include "samples.hpp"

#include <slipway/json/scalar.hpp>
#include <slipway/json/validate.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace slipway;
using testing::ElementsAre;

namespace {

template <class T>
std::vector<std::string> broken(T const& value) {
  std::vector<std::string> out;
  for (auto const& e : json::validate(value)) out.push_back(e.pointer + " " + e.code);
  return out;
}

struct outer {
  std::vector<sample::window> windows;
  std::optional<sample::window> maybe;
  std::map<std::string, sample::window, std::less<>> by_name;
};
BOOST_DESCRIBE_STRUCT(outer, (), (windows, maybe, by_name))

struct lists {
  std::vector<int> numbers;
  std::vector<sample::point> points;
  std::vector<secret<std::string>> keys;
  std::uint64_t big = 0;
};
BOOST_DESCRIBE_STRUCT(lists, (), (numbers, points, keys, big))

}  // namespace

template <>
inline constexpr auto slipway::rules_of<lists> = slipway::rules(
    slipway::field(&lists::numbers).min_items(1).unique_items(), slipway::field(&lists::points).unique_items(),
    slipway::field(&lists::keys).unique_items(), slipway::field(&lists::big).maximum(1e19));

TEST(json_validate, finds_broken_rules_at_any_depth) {
  outer o;
  o.windows.resize(2);
  o.windows[1] = {.wait = std::chrono::milliseconds{99},
                  .share = 1.5,
                  .slug = "A",
                  .labels = {{"a", "1234"}, {"b", ""}, {"c", ""}}};
  o.maybe = sample::window{.slug = ""};
  o.by_name["x/y"] = {.wait = std::chrono::hours{1}};
  EXPECT_THAT(broken(o),
              ElementsAre("/windows/1/wait out_of_range", "/windows/1/share out_of_range", "/windows/1/slug slug",
                          "/windows/1/labels too_many", "/windows/1/labels/a too_long", "/maybe/slug slug",
                          "/by_name/x~1y/wait out_of_range"));
  EXPECT_EQ(json::validate(o)[0].message, "must be at least 100ms");
  std::vector<field_error> errors;
  json::validate(meta::describe<outer>, &o, errors, "/body");
  EXPECT_EQ(errors[0].pointer, "/body/windows/1/wait");
}

TEST(json_validate, unique_items_of_every_kind) {
  EXPECT_THAT(broken(lists{}), ElementsAre("/numbers too_few"));
  lists l{.numbers = {1, 2, 1}, .points = {{1, 2}, {1, 2}}, .keys = {}, .big = 18446744073709551615u};
  l.keys.emplace_back("a");
  l.keys.emplace_back("a");
  EXPECT_THAT(broken(l),
              ElementsAre("/numbers not_unique", "/points not_unique", "/keys not_unique", "/big out_of_range"));
}

TEST(json_validate, lengths_count_code_points) {
  sample::sign_up s;
  s.email = "a@b.de";
  s.password = secret<std::string>{"äöüäöüäöüäöü"};  // 12 characters, 24 bytes
  s.name = "🛥🛥🛥🛥🛥";
  EXPECT_THAT(broken(s), ElementsAre());
  s.name = "🛥🛥🛥🛥🛥🛥";
  s.password = secret<std::string>{"äöüäöüäöüäö"};
  EXPECT_THAT(broken(s), ElementsAre("/password too_short", "/name too_long"));
  for (auto const& e : json::validate(s))
    EXPECT_EQ(e.message.find("ä"), std::string::npos) << "a secret is never repeated";
}

TEST(json_validate, one_member_alone) {
  std::vector<field_error> errors;
  auto const& age = *meta::describe<sample::sign_up>.find("age");
  int value = 3;
  EXPECT_FALSE(json::check_rules(*age.about, *age.of, &value, errors, "age"));
  EXPECT_EQ(errors[0].pointer, "age");
  EXPECT_EQ(errors[0].message, "must be at least 18");
  value = 18;
  EXPECT_TRUE(json::check_rules(*age.about, *age.of, &value, errors, "age"));
}

TEST(json_formats, email) {
  for (auto good : {"a@b.de", "first.last+tag@sub.example.co", "x!#$%&'*+/=?^_`{|}~-@example.com", "1@1.example"})
    EXPECT_TRUE(json::is_email(good)) << good;
  for (auto bad : {"",           "a",        "@b.de",   "a@",       "a@b",     ".a@b.de",     "a.@b.de",
                   "a..b@c.de",  "a b@c.de", "a@b..de", "a@-b.de",  "a@b-.de", "a@[1.2.3.4]", "a@1.2.3.4",
                   "\"a\"@b.de", "a@b.de\n", "é@b.de",  "a@b_c.de", "a@@b.de", "a@b.de."})
    EXPECT_FALSE(json::is_email(bad)) << bad;
  EXPECT_TRUE(json::is_email(std::string(64, 'a') + "@b.de"));
  EXPECT_FALSE(json::is_email(std::string(65, 'a') + "@b.de"));
  EXPECT_FALSE(json::is_email("a@" + std::string(64, 'b') + ".de"));
}

TEST(json_formats, url) {
  for (auto good : {"http://a", "https://example.com", "HTTPS://Example.com:8080/a/b?c=d&e=%20#f", "http://127.0.0.1/",
                    "http://[::1]:80/", "https://a.b/?", "https://a.b#x"})
    EXPECT_TRUE(json::is_url(good)) << good;
  for (auto bad : {"",
                   "http:/a",
                   "http://",
                   "ftp://a",
                   "javascript:alert(1)",
                   "//a",
                   "http:// a",
                   "http://a b",
                   "http://user@a/",
                   "http://u:p@a/",
                   "http://a:0/",
                   "http://a:65536/",
                   "http://a:/",
                   "http://a/%2",
                   "http://a/%zz",
                   "http://a/\"",
                   "http://a/<",
                   "http://a#b#c",
                   "http://[::1",
                   "http://[zz]/",
                   "http://256.1.1.1/",
                   "http://-a/",
                   "http://a\\b",
                   "http://é/",
                   "http://a/\n"})
    EXPECT_FALSE(json::is_url(bad)) << bad;
}

TEST(json_scalar, reads_plain_text) {
  int i = 0;
  EXPECT_FALSE(json::read_scalar(meta::describe<int>, &i, "-12"));
  EXPECT_EQ(i, -12);
  for (auto bad : {"", "+1", "1.0", " 1", "1 ", "0x1", "01"})
    EXPECT_STREQ(json::read_scalar(meta::describe<int>, &i, bad).code, "wrong_type") << bad;
  EXPECT_STREQ(json::read_scalar(meta::describe<int>, &i, "3000000000").code, "out_of_range");
  EXPECT_EQ(i, -12);
  std::optional<sample::colour> c;
  EXPECT_STREQ(json::read_scalar(meta::describe<std::optional<sample::colour>>, &c, "pink").code, "not_in_enum");
  EXPECT_FALSE(c) << "a problem leaves the value as it was";
  EXPECT_FALSE(json::read_scalar(meta::describe<std::optional<sample::colour>>, &c, "green"));
  EXPECT_EQ(c, sample::colour::green);
  bool b = false;
  EXPECT_FALSE(json::read_scalar(meta::describe<bool>, &b, "true"));
  EXPECT_STREQ(json::read_scalar(meta::describe<bool>, &b, "1").code, "wrong_type");
  double d = 0;
  EXPECT_FALSE(json::read_scalar(meta::describe<double>, &d, "1e3"));
  EXPECT_EQ(d, 1000);
  for (auto bad : {"nan", "inf", "1.", ".5", "1e400", "0x1p3"})
    EXPECT_TRUE(json::read_scalar(meta::describe<double>, &d, bad)) << bad;
  std::string s;
  EXPECT_STREQ(json::read_scalar(meta::describe<std::string>, &s, "\xff").code, "bad_text");
  EXPECT_STREQ(json::read_scalar(meta::describe<std::string>, &s, std::string_view{"a\0b", 3}).code, "bad_text");
  EXPECT_TRUE(json::read_scalar(meta::describe<sample::point>, &d, "x"));
  EXPECT_FALSE(json::is_scalar(meta::describe<std::vector<int>>));
  EXPECT_TRUE(json::is_scalar(meta::describe<std::optional<int>>));
}

TEST(json_scalar, writes_plain_text) {
  auto const shown = []<class T>(T const& v) { return json::write_scalar(meta::describe<T>, &v); };
  EXPECT_EQ(shown(42), "42");
  EXPECT_EQ(shown(true), "true");
  EXPECT_EQ(shown(std::string{"a\"b"}), "a\"b");
  EXPECT_EQ(shown(std::chrono::milliseconds{1500}), "1500ms");
  EXPECT_EQ(shown(sample::colour::green), "green");
  EXPECT_EQ(shown(std::int64_t{1} << 60), "1152921504606846976");
  EXPECT_EQ(shown(secret<std::string>{"x"}), "***");
  EXPECT_EQ(shown(std::optional<int>{}), "");
}
