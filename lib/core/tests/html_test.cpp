#include <slipway/core/html.hpp>

#include <gtest/gtest.h>

namespace slipway::tests {
namespace {

std::string html(std::string_view text) {
  std::string out = "[";
  append_html(out, text);
  return out + "]";
}

TEST(html, what_is_special_becomes_an_entity) {
  EXPECT_EQ(html(""), "[]");
  EXPECT_EQ(html("フレームワーク und mehr"), "[フレームワーク und mehr]");
  EXPECT_EQ(html("<script>alert('This \"should\" & must not run.');</script>"),
            "[&lt;script&gt;alert(&#39;This &quot;should&quot; &amp; must not run.&#39;);&lt;/script&gt;]");
}

TEST(html, at_every_place_of_texts_of_every_length) {
  for (int c = 0; c < 256; ++c)
    for (std::size_t length : {1, 16, 37}) {
      std::string const text(length, static_cast<char>(c));
      auto const changed = std::string_view{"&<>\"'"}.find(static_cast<char>(c)) != std::string_view::npos;
      EXPECT_EQ(html(text) != "[" + text + "]", changed) << c;
    }
  for (std::size_t length = 1; length < 40; ++length)
    for (std::size_t place = 0; place < length; ++place) {
      std::string text(length, 'x');
      text[place] = '<';
      EXPECT_EQ(html(text), "[" + text.substr(0, place) + "&lt;" + text.substr(place + 1) + "]");
    }
}

}  // namespace
}  // namespace slipway::tests
