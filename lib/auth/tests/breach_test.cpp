#include <slipway/auth/breach.hpp>

#include <gtest/gtest.h>

namespace slipway::auth {
namespace {

secret<std::string> text(char const* t) { return secret<std::string>{t}; }

TEST(breach, asks_with_five_digits) {
  auto const q = ask_about(text("password"));  // sha1sum says 5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8
  EXPECT_EQ(q.prefix, "5BAA6");
  EXPECT_EQ(q.suffix.reveal(), "1E4C9B93F3F0682250B6CF8331B7EE68FD8");
}

TEST(breach, finds_its_line_and_no_other) {
  auto const suffix = ask_about(text("password")).suffix;
  std::string const other = "0018A45C4D1DEF81644B54AB7F969B88D65:3\r\n";
  EXPECT_EQ(seen_in("", suffix), 0u);
  EXPECT_EQ(seen_in(other, suffix), 0u);
  EXPECT_EQ(seen_in(other + "1E4C9B93F3F0682250B6CF8331B7EE68FD8:9659365\r\n" + other, suffix), 9659365u);
  EXPECT_EQ(seen_in(other + "1e4c9b93f3f0682250b6cf8331b7ee68fd8:7", suffix), 7u);
  EXPECT_EQ(seen_in("1E4C9B93F3F0682250B6CF8331B7EE68FD8:0\n", suffix), 0u) << "padding";
}

TEST(breach, what_is_no_range_says_nothing) {
  auto const suffix = ask_about(text("password")).suffix;
  for (auto const* bad : {"<html>", "0018A45C4D1DEF81644B54AB7F969B88D65", "0018A45C4D1DEF81644B54AB7F969B88D65:",
                          "0018A45C4D1DEF81644B54AB7F969B88D65:x", "0018A45C4D1DEF81644B54AB7F969B88D65:-1", "short:1"})
    EXPECT_EQ(seen_in(bad, suffix), std::nullopt) << bad;
}

}  // namespace
}  // namespace slipway::auth
