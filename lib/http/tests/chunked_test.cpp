#include <slipway/http/chunked.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

using namespace slipway::http;

namespace {

struct decoded {
  std::string data, rest;
  bool finished, malformed;
};

// Feeds the text cut at the given places.
decoded decode(std::string const& text, std::vector<std::size_t> cuts = {}) {
  chunked_decoder d;
  decoded out{};
  cuts.push_back(text.size());
  std::size_t from = 0;
  for (auto cut : cuts) {
    std::string piece = text.substr(from, cut - from);
    from = cut;
    auto const made = d.decode(piece.data(), piece.size());
    out.data += piece.substr(0, made.data);
    out.rest += piece.substr(made.consumed);
  }
  out.finished = d.finished();
  out.malformed = d.malformed();
  return out;
}

}  // namespace

TEST(chunked, decodes_with_extensions_and_trailers_however_it_is_cut) {
  std::string const text = "5\r\nhello\r\n00006;name=\"v\"\r\n world\r\n0\r\nChecksum: x\r\nOther:y\r\n\r\nGET /next";
  for (std::size_t i = 0; i <= text.size(); ++i)
    for (std::size_t j = i; j <= text.size(); j += 3) {
      auto const out = decode(text, {i, j});
      EXPECT_EQ(out.data, "hello world");
      EXPECT_EQ(out.rest, "GET /next");
      EXPECT_TRUE(out.finished);
    }
}

TEST(chunked, refuses_what_is_not_strict) {
  for (std::string const text :
       {"\r\n", "g\r\n", "5 \r\nhello\r\n", "-5\r\n", "0x5\r\n", "5\nhello\r\n", "5\r\nhelloX", "5\r\nhello\n",
        "5\r\nhello\r\r", "11111111111111111\r\n", "0\r\n bad: x\r\n", "0\r\n: x\r\n", "0\r\nno colon\r\n",
        "0\r\na: b\nc", "5;a\x01\r\n", "0\r\n\n", "5\rhello"})
    EXPECT_TRUE(decode(text).malformed) << text;
}

TEST(chunked, bounds_extensions_and_trailers) {
  EXPECT_TRUE(decode("1;" + std::string(chunked_decoder::max_extensions + 1, 'x')).malformed);
  std::string drip;
  for (std::size_t i = 0; i < chunked_decoder::max_extensions; ++i) drip += "1;x\r\na\r\n";
  EXPECT_TRUE(decode(drip).malformed);
  EXPECT_TRUE(decode("0\r\nA: " + std::string(chunked_decoder::max_trailers, 'x')).malformed);
}

TEST(chunked, heads_of_chunks) {
  EXPECT_EQ(chunk_head{1}.text(), "1\r\n");
  EXPECT_EQ(chunk_head{0xabcdef}.text(), "abcdef\r\n");
  EXPECT_EQ(chunk_head{std::size_t(-1)}.text(), "ffffffffffffffff\r\n");
}
