#include <slipway/s3/settings.hpp>

#include <gtest/gtest.h>

namespace slipway::s3 {
namespace {

TEST(location, is_a_bucket_and_a_prefix_that_ends_with_a_slash) {
  auto const prefix = [](std::string_view text) {
    auto const found = parse_location(text);
    return found ? found->bucket + "|" + found->prefix : "none";
  };
  EXPECT_EQ(prefix("s3://backups"), "backups|");
  EXPECT_EQ(prefix("s3://backups/"), "backups|");
  EXPECT_EQ(prefix("s3://backups/a"), "backups|a/");
  EXPECT_EQ(prefix("s3://my.backups-1/a/B_c.d/"), "my.backups-1|a/B_c.d/");
  for (auto const* wrong : {"", "s3://", "s3://ab", "s3:///a", "s3://Backups", "s3://a_b_c", "s3://-abc", "s3://a..b",
                            "http://backups", "backups", "s3://backups//a", "s3://backups/a//b", "s3://backups/..",
                            "s3://backups/a/./b", "s3://backups/a b", "s3://backups/a?b", "s3://backups/a//"})
    EXPECT_FALSE(is_location(wrong)) << wrong;
}

TEST(endpoint, is_a_scheme_a_host_and_a_port) {
  for (auto const* good : {"https://s3.example.com", "http://127.0.0.1:9000", "https://minio:9000"})
    EXPECT_TRUE(is_endpoint(good)) << good;
  for (auto const* wrong : {"", "minio:9000", "https://", "https://host/", "https://host/path", "https://me@host",
                            "https://host:", "https://host:x", "https://host:123456", "ftp://host", "https://a\"b"})
    EXPECT_FALSE(is_endpoint(wrong)) << wrong;
  EXPECT_TRUE(is_region("eu-central-1"));
  EXPECT_FALSE(is_region("eu central"));
}

}  // namespace
}  // namespace slipway::s3
