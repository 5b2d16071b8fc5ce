#include <slipway/meta/scalars.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway {
namespace {

using money = decimal<2>;

TEST(decimals, text_and_back) {
  for (std::string const text : {"0.00", "12.50", "-0.01", "92233720368547758.07", "-92233720368547758.08"})
    EXPECT_EQ(money::parse(text)->text(), text);
  EXPECT_EQ(money::parse("7")->text(), "7.00");
  EXPECT_EQ(money::parse("7.5")->units(), 750);
  EXPECT_EQ(decimal<0>::parse("-42")->text(), "-42");
  for (char const* bad :
       {"", "-", ".5", "5.", "1.234", "1,5", "+1", " 1", "1e3", "92233720368547758.08", "--1", "1.-5"})
    EXPECT_FALSE(money::parse(bad)) << bad;
}

TEST(decimals, arithmetic_is_exact_or_refuses) {
  auto const tenth = *money::parse("0.10");
  money sum;
  for (int i = 0; i < 10; ++i) sum += tenth;
  EXPECT_EQ(sum, money::of(1));
  EXPECT_EQ(tenth * 3 - tenth, *money::parse("0.20"));
  EXPECT_LT(-tenth, money{});
  auto const most = money::units(std::numeric_limits<std::int64_t>::max());
  EXPECT_THROW(most + tenth, std::overflow_error);
  EXPECT_THROW(most * 2, std::overflow_error);
  EXPECT_THROW(money::of(std::numeric_limits<std::int64_t>::max()), std::overflow_error);
  EXPECT_THROW(-money::units(std::numeric_limits<std::int64_t>::min()), std::overflow_error);
}

TEST(decimals, rounding_is_said) {
  auto const rate = *decimal<4>::parse("0.1900");
  EXPECT_EQ(money::parse("10.05")->times(rate).text(), "1.91");  // 1.9095
  EXPECT_EQ(money::units(25).divided_by(2).text(), "0.12");      // 0.125, to the even one
  EXPECT_EQ(money::units(25).divided_by(2, rounding::half_up).text(), "0.13");
  EXPECT_EQ(money::units(-25).divided_by(2, rounding::half_up).text(), "-0.13");
  EXPECT_EQ(money::units(-25).divided_by(2, rounding::down).text(), "-0.12");
  EXPECT_EQ(money::units(35).divided_by(-2).text(), "-0.18");
  EXPECT_EQ(money::parse("1.25")->to<1>().text(), "1.2");
  EXPECT_EQ(money::parse("1.25")->to<4>().text(), "1.2500");
  EXPECT_THROW(money::of(1).divided_by(0), std::domain_error);
}

TEST(dates, text_and_back) {
  auto const& type = meta::describe<std::chrono::year_month_day>;
  std::chrono::year_month_day date;
  EXPECT_TRUE(type.as_scalar->read(&date, "2024-02-29"));
  std::string text;
  type.as_scalar->write(&date, text);
  EXPECT_EQ(text, "2024-02-29");
  for (char const* bad : {"2023-02-29", "2024-2-29", "24-02-29", "2024-13-01", "2024-00-10", "0000-01-01",
                          "2024-02-29 ", "2024/02/29", "", "+024-01-01"})
    EXPECT_FALSE(type.as_scalar->read(&date, bad)) << bad;
  EXPECT_EQ(type.as_scalar->get(&date), 19782);
}

}  // namespace
}  // namespace slipway
