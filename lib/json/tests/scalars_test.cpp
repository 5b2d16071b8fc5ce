// Types that are one text: dates and exact decimals.
#include <slipway/json/reader.hpp>
#include <slipway/json/scalar.hpp>
#include <slipway/json/writer.hpp>
#include <slipway/meta/scalars.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::json {
namespace {

struct invoice {
  decimal<2> total;
  std::optional<decimal<4>> rate;
  std::chrono::year_month_day due{std::chrono::year{2026} / 1 / 31};
};
BOOST_DESCRIBE_STRUCT(invoice, (), (total, rate, due))

TEST(scalars, come_and_go_as_text) {
  auto const read_back = read<invoice>(R"({"total":"12.50","rate":null,"due":"2024-02-29"})");
  ASSERT_TRUE(read_back);
  EXPECT_EQ(read_back->total.units(), 1250);
  EXPECT_EQ(read_back->due, std::chrono::year{2024} / 2 / 29);
  EXPECT_EQ(write(*read_back), R"({"total":"12.50","rate":null,"due":"2024-02-29"})");
}

TEST(scalars, that_are_wrong_are_named) {
  auto const refused = read<invoice>(R"({"total":"1.234","rate":0.19,"due":"2023-02-29"})");
  ASSERT_FALSE(refused);
  std::vector<std::string> found;
  for (auto const& e : refused.error().more().fields) found.push_back(e.pointer + " " + e.code + ": " + e.message);
  EXPECT_THAT(found,
              testing::ElementsAre("/total bad_format: must be a decimal number with at most 2 digits after the point",
                                   "/rate wrong_type: must be a text in its format, not a number",
                                   "/due bad_format: must be a date such as 2026-01-31"));
}

TEST(scalars, as_parameters) {
  decimal<2> out;
  EXPECT_FALSE(read_scalar(meta::describe<decimal<2>>, &out, "7.25"));
  EXPECT_EQ(write_scalar(meta::describe<decimal<2>>, &out), "7.25");
  EXPECT_TRUE(read_scalar(meta::describe<decimal<2>>, &out, "7,25"));
  EXPECT_EQ(out.units(), 725);
}

}  // namespace
}  // namespace slipway::json
