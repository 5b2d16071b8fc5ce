#include <slipway/core/decimal.hpp>
#include <slipway/core/id.hpp>
#include <slipway/core/secret.hpp>
#include <slipway/factories/factory.hpp>
#include <slipway/json/validate.hpp>
#include <slipway/meta/scalars.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace slipway::factories::tests {

enum class color { red, green };
BOOST_DESCRIBE_ENUM(color, red, green)

struct place {
  std::string city, street;
};
BOOST_DESCRIBE_STRUCT(place, (), (city, street))

struct dot {
  int x = 0;
};
BOOST_DESCRIBE_STRUCT(dot, (), (x))
struct line {
  double length = 0;
};
BOOST_DESCRIBE_STRUCT(line, (), (length))

struct everything {
  id_of<everything> id;
  std::string email, contact, name, code, slogan, short_name, homepage;
  secret<std::string> password;
  std::optional<std::string> nickname;
  bool active = false;
  std::int8_t tiny = 0;
  std::uint16_t port = 0;
  int temperature = 0, pages = 0;
  std::uint64_t big = 0;
  double share = 0;
  color paint = color::red;
  time_point seen_at{};
  std::chrono::milliseconds wait{};
  std::chrono::year_month_day born{};
  decimal<2> price;
  std::vector<std::string> tags;
  std::vector<place> homes;
  std::map<std::string, int, std::less<>> counts;
  std::variant<dot, line> shape;
  place home;
};
BOOST_DESCRIBE_STRUCT(everything, (),
                      (id, email, contact, name, code, slogan, short_name, homepage, password, nickname, active, tiny,
                       port, temperature, pages, big, share, paint, seen_at, wait, born, price, tags, homes, counts,
                       shape, home))

bool is_code(std::string_view text) { return text.size() == 4 && text.starts_with("AB"); }

}  // namespace slipway::factories::tests

template <>
inline constexpr auto slipway::rules_of<slipway::factories::tests::everything> = [] {
  using slipway::factories::tests::everything;
  return slipway::rules(
      slipway::field(&everything::contact).email().max_length(254), slipway::field(&everything::name).not_blank(),
      slipway::field(&everything::code)
          .format("code", "^AB..$", slipway::factories::tests::is_code)
          .example("\"AB12\""),
      slipway::field(&everything::slogan).min_length(60).max_length(80),
      slipway::field(&everything::short_name).max_length(3), slipway::field(&everything::homepage).url(),
      slipway::field(&everything::password).min_length(12).max_length(128),
      slipway::field(&everything::temperature).minimum(-40).maximum(-5), slipway::field(&everything::pages).minimum(7),
      slipway::field(&everything::share).minimum(0.25).maximum(0.5),
      slipway::field(&everything::wait).minimum(100).maximum(200),
      slipway::field(&everything::tags).min_items(2).max_items(4).unique_items(),
      slipway::field(&everything::homes).max_items(2));
}();

namespace slipway::factories::tests {
namespace {

TEST(factory, whatever_is_made_keeps_the_rules_of_its_type) {
  seeded_random random{1};
  factory make{random};
  std::set<std::string> emails;
  std::set<bool> nicknames;
  std::set<std::size_t> shapes;
  for (int i = 0; i < 2000; ++i) {
    auto const one = make.one<everything>();
    auto const wrong = json::validate(one);
    ASSERT_TRUE(wrong.empty()) << wrong.front().pointer << " " << wrong.front().code;
    EXPECT_TRUE(emails.insert(one.email).second) << one.email;
    EXPECT_TRUE(one.born.ok());
    EXPECT_EQ(one.id.text().substr(14, 1), "7");
    EXPECT_LE(one.seen_at, system_clock().now());
    nicknames.insert(one.nickname.has_value());
    shapes.insert(one.shape.index());
  }
  EXPECT_EQ(nicknames.size(), 2u);
  EXPECT_EQ(shapes.size(), 2u);
}

TEST(factory, the_same_seed_makes_the_same_texts_and_another_makes_others) {
  auto const texts = [](std::uint64_t seed) {
    seeded_random random{seed};
    factory make{random};
    std::string out;
    for (auto const& e : make.many<everything>(50)) out += e.email + e.slogan + e.home.city + std::to_string(e.pages);
    return out + make.name() + make.email() + make.paragraph();
  };
  EXPECT_EQ(texts(7), texts(7));
  EXPECT_NE(texts(7), texts(8));
}

TEST(factory, what_a_test_is_about_is_set_by_it) {
  seeded_random random{3};
  factory make{random};
  int count = 0;
  auto const all = make.many<everything>(5, [&count](everything& e) { e.pages = ++count; });
  ASSERT_EQ(all.size(), 5u);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)].pages, i + 1);
}

}  // namespace
}  // namespace slipway::factories::tests
