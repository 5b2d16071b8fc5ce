#include <slipway/content/fields.hpp>
#include <slipway/content/media_types.hpp>
#include <slipway/content/negotiation.hpp>

#include <gtest/gtest.h>

#include <array>

namespace slipway::content {
namespace {

using enum coding;
constexpr std::array all{zstd, brotli, gzip};

TEST(negotiation, chooses_a_coding) {
  struct row {
    char const* field;
    std::optional<coding> chosen;
  };
  for (auto const& [field, chosen] : {// The examples of RFC 9110, section 12.5.3.
                                      row{"compress, gzip", gzip},
                                      row{"", identity},
                                      row{"*", zstd},
                                      row{"compress;q=0.5, gzip;q=1.0", gzip},
                                      row{"gzip;q=1.0, identity; q=0.5, *;q=0", gzip},
                                      row{"gzip, deflate, br, zstd", zstd},
                                      row{"gzip, br", brotli},
                                      row{"GZIP", gzip},
                                      row{"x-gzip", gzip},
                                      row{"gzip;q=0.5, br;q=0.4", gzip},
                                      row{"identity, gzip;q=0.5", identity},
                                      row{"gzip;q=0", identity},
                                      row{"identity;q=0", std::nullopt},
                                      row{"*;q=0", std::nullopt},
                                      row{"identity;q=0, gzip", gzip},
                                      row{"*;q=0, identity", identity},
                                      row{"br;q=0, *", zstd},
                                      row{"*, zstd;q=0, br;q=0", gzip},
                                      row{"gzip;q=2", identity},
                                      row{"gzip;q=", identity},
                                      row{"gzip;q=0.0001", identity},
                                      row{",, gzip ,,", gzip},
                                      row{"gzip;q=0.001", gzip},
                                      row{"deflate", identity},
                                      row{"gzip;level=9;q=0", identity}})
    EXPECT_EQ(choose_coding(field, all), chosen) << field;
  EXPECT_EQ(choose_coding({}, all), identity) << "no field";
  EXPECT_EQ(choose_coding("gzip", {}), identity);
}

TEST(negotiation, chooses_a_media_type) {
  constexpr std::array<std::string_view, 3> offered{"application/json", "text/html", "text/plain;charset=utf-8"};
  struct row {
    char const* field;
    std::optional<std::size_t> chosen;
  };
  for (auto const& [field, chosen] :
       {row{"", 0u}, row{"*/*", 0u}, row{"text/*", 1u}, row{"text/plain", 2u}, row{"TEXT/Html", 1u},
        row{"image/png", std::nullopt}, row{"text/html;q=0.5, application/json;q=0.4", 1u},
        row{"*/*, application/json;q=0", 1u}, row{"text/*;q=0.3, text/plain;charset=utf-8, application/json;q=0.2", 2u},
        row{"text/plain;charset=latin1", std::nullopt}, row{"text/plain;charset=\"UTF-8\"", 2u},
        row{"application/json;q=0", std::nullopt}, row{"garbage", std::nullopt},
        row{"text/html;q=1.5, application/json;q=0.1", 0u}})
    EXPECT_EQ(choose_media_type(field, offered), chosen) << field;
  // RFC 9110, section 12.5.1: the closest range decides.
  constexpr std::string_view ranges =
      "text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5";
  auto const better = [&](std::string_view a, std::string_view b) {
    std::array const two{b, a};
    return choose_media_type(ranges, two) == 1u;
  };
  EXPECT_TRUE(better("text/plain;format=flowed", "text/plain"));
  EXPECT_TRUE(better("text/plain", "image/jpeg"));
  EXPECT_TRUE(better("image/jpeg", "text/plain;format=fixed"));
  EXPECT_TRUE(better("text/plain;format=fixed", "text/html;level=3"));
}

TEST(fields, quality) {
  EXPECT_EQ(parse_quality("1"), 1000);
  EXPECT_EQ(parse_quality("0.85"), 850);
  EXPECT_EQ(parse_quality("1.000"), 1000);
  EXPECT_EQ(parse_quality("0."), 0);
  for (auto text : {"", "1.001", "2", "0.1234", "-1", ".5", "0,5", "1.1", "a"})
    EXPECT_EQ(parse_quality(text), std::nullopt) << text;
}

TEST(fields, lists_and_quotes) {
  pieces list{R"(a, "b,\"c", ,d)"};
  std::string_view piece;
  std::vector<std::string> out;
  while (list.next(piece)) out.emplace_back(piece);
  EXPECT_EQ(out, (std::vector<std::string>{"a", R"("b,\"c")", "d"}));
  EXPECT_EQ(unquote(R"("a\"b\\")"), R"(a"b\)");
  EXPECT_EQ(unquote("tok"), "tok");
  for (auto text : {"\"", "\"a", "\"a\\", "a b", "\"a\"b", ""}) EXPECT_EQ(unquote(text), std::nullopt) << text;
  EXPECT_EQ(quote(R"(a"b\)"), R"("a\"b\\")");
  EXPECT_EQ(split("a", '=').second.data(), nullptr);
  EXPECT_NE(split("a=", '=').second.data(), nullptr);
}

TEST(media_types, by_extension) {
  EXPECT_EQ(media_type_of("a/b.HTML"), "text/html; charset=utf-8");
  EXPECT_EQ(media_type_of("x.woff2"), "font/woff2");
  EXPECT_EQ(media_type_of("x.tar.gz"), "application/gzip");
  for (auto name : {"README", "a.b/c", "x.", "x.averyveryverylongextension", ""})
    EXPECT_EQ(media_type_of(name), "application/octet-stream") << name;
  EXPECT_TRUE(is_compressible("application/json; charset=utf-8"));
  EXPECT_TRUE(is_compressible("application/vnd.api+json"));
  EXPECT_TRUE(is_compressible("Text/Plain"));
  for (auto type : {"image/png", "text/event-stream", "application/gzip", "font/woff2", ""})
    EXPECT_FALSE(is_compressible(type)) << type;
}

}  // namespace
}  // namespace slipway::content
