// The grammar's edges, as a table: what must be read and what must be refused. And every naughty string must come
// back as it went.
#include "samples.hpp"

#include <slipway/json/cursor.hpp>
#include <slipway/json/object_writer.hpp>
#include <slipway/json/reader.hpp>
#include <slipway/json/value.hpp>

#include <gtest/gtest.h>
#include <simdjson.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

using namespace slipway;
using namespace std::string_view_literals;

namespace {

constexpr std::string_view good[] = {
    "null",
    "true",
    " false ",
    "0",
    "-0",
    "-1",
    "1.5",
    "1E5",
    "1e+5",
    "1e-5",
    "0.0",
    "\"\"",
    "[]",
    "{}",
    "[ ]",
    "{ }",
    "\t[\r\n1 , 2]\n",
    R"("\"\\\/\b\f\n\r\t")",
    R"("\u00e9\uD83D\uDE00")",
    "\"\x7f\"",
    "\"\xE2\x80\xA8\"",
    R"({"":1})",
    R"({"a":{"b":[{}]}})",
    "[[[[]]]]",
    "\"\xF4\x8F\xBF\xBF\"",
    "[1,2.5,\"x\",null,true]",
    R"("\uFFFF")",
    "18446744073709551615",
    "-9223372036854775808",
    "1.7976931348623157e308",
    "5e-324",
};

constexpr std::string_view bad[] = {
    ""sv,
    " "sv,
    "nul"sv,
    "True"sv,
    "nan"sv,
    "NaN"sv,
    "Infinity"sv,
    "-Infinity"sv,
    "+1"sv,
    "01"sv,
    "-01"sv,
    "-"sv,
    "--1"sv,
    ".5"sv,
    "5."sv,
    "1.e5"sv,
    "1e"sv,
    "1e+"sv,
    "0x1"sv,
    "1_0"sv,
    "1 2"sv,
    "\""sv,
    "\"a"sv,
    "\"\\"sv,
    "\"\\\""sv,
    "\"\\x41\""sv,
    "\"\\u12\""sv,
    "\"\\u12g4\""sv,
    "\"\\U0041\""sv,
    "'a'"sv,
    "\"\n\""sv,
    "\"\t\""sv,
    "\"\x00\""sv,
    "\"\x1f\""sv,
    "["sv,
    "]"sv,
    "[1"sv,
    "[1,"sv,
    "[1,]"sv,
    "[,1]"sv,
    "[,]"sv,
    "[1 2]"sv,
    "[1]]"sv,
    "[1}"sv,
    "{"sv,
    "}"sv,
    "{]"sv,
    "{1:2}"sv,
    "{a:1}"sv,
    "{\"a\"}"sv,
    "{\"a\":}"sv,
    "{\"a\":1,}"sv,
    "{,}"sv,
    "{\"a\" 1}"sv,
    "{\"a\":1 \"b\":2}"sv,
    "{\"a\":1}}"sv,
    "{\"a\":1}{}"sv,
    "{null:1}"sv,
    "{'a':1}"sv,
    "/*c*/1"sv,
    "1//c"sv,
    "#"sv,
    "[1;2]"sv,
    "\xEF\xBB\xBF[]"sv,
    "\xFE\xFF\x00[\x00]"sv,
    "\"\xff\""sv,
    "\"\xC0\x80\""sv,
    "\"\xED\xA0\x80\""sv,
    "\"\xF4\x90\x80\x80\""sv,
    "\"\xE2\x82\""sv,
    "\"\x80\""sv,
    R"("\ud800")"sv,
    R"("\udfff")"sv,
    R"("\ud800\ud800")"sv,
    R"("\ud800x")"sv,
    "\xC2\xA0[]"sv,
    "[]\x00"sv,
    "\x00"sv,
    "[\x0b]"sv,
    "\f1"sv,
    "truefalse"sv,
    "nulll"sv,
    "\"a\"\"b\""sv,
    "[\"a\",\n4\n,1,"sv,
    "{\"a\":\"b\"}#"sv,
    "[1e]"sv,
    "[-a]"sv,
    "[0e]"sv,
    "[1.0e-]"sv,
    "*"sv,
    "\\u000A\"\""sv,
};

// Somebody else's opinion.
simdjson::error_code other_parser(std::string_view text) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  return parser.parse(text.data(), text.size()).get(root);
}

}  // namespace

TEST(json_edges, what_must_be_read) {
  for (auto text : good) {
    auto const v = json::read<json::value>(text);
    EXPECT_TRUE(v) << text << " " << (v ? "" : v.error().more().detail);
    EXPECT_TRUE(json::detail::is_json(text, 32)) << text;
    EXPECT_EQ(other_parser(text), simdjson::SUCCESS) << text;
    if (!v) continue;
    auto const again = json::read<json::value>(json::serialize(*v));
    ASSERT_TRUE(again) << text;
    EXPECT_EQ(json::serialize(*again), json::serialize(*v));
  }
}

TEST(json_edges, what_must_be_refused) {
  for (auto text : bad) {
    auto const v = json::read<json::value>(text);
    ASSERT_FALSE(v) << text;
    EXPECT_EQ(v.error().code(), "malformed_json") << text;
    EXPECT_NE(other_parser(text), simdjson::SUCCESS) << text;
    EXPECT_NE(v.error().more().detail.find("Line "), std::string::npos) << "the place must be known: " << text;
    auto const object = json::read<sample::everything>(text);
    EXPECT_FALSE(object);
  }
}

TEST(json_edges, every_prefix_of_a_document_is_refused) {
  std::string const text = R"({"a":[1,-2.5e3,true,null,"x\u00e9\ud83d\ude00\n"],"b":{"c":"é"}})";
  ASSERT_TRUE(json::read<json::value>(text));
  for (std::size_t n = 0; n < text.size(); ++n) {
    auto const v = json::read<json::value>(text.substr(0, n));
    ASSERT_FALSE(v) << n;
    EXPECT_EQ(v.error().code(), "malformed_json");
  }
}

TEST(json_edges, every_byte_changed_is_read_or_refused_with_a_place) {
  std::string const text = R"({"text":"aé\u00e9","n":[12,3.5]})";
  for (std::size_t at = 0; at < text.size(); ++at)
    for (int byte = 0; byte < 256; ++byte) {
      auto changed = text;
      changed[at] = static_cast<char>(byte);
      auto const v = json::read<json::value>(changed);
      if (!v && v.error().kind() == fault_kind::malformed)
        ASSERT_NE(v.error().more().detail.find("Line"), std::string::npos) << changed;
      if (v)
        ASSERT_EQ(other_parser(changed), simdjson::SUCCESS) << changed;
      else if (v.error().kind() == fault_kind::malformed)
        ASSERT_NE(other_parser(changed), simdjson::SUCCESS) << changed;
    }
}

TEST(json_edges, naughty_strings_come_back_as_they_went) {
  std::vector<std::string> naughty = {
      "",
      "undefined",
      "null",
      "\\",
      "\\\\",
      "\"",
      "'\"'",
      "</script>",
      "<!--",
      "\x01\x02\x1f\x7f",
      "\xEF\xBB\xBF bom",
      "\u200b\u2028\u2029",
      "Ω≈ç√∫˜µ≤≥÷",
      "田中さんにあげて下さい",
      "👾 🙇 💁",
      "🇺🇸🇷🇺",
      "مُنَاقَشَةُ",
      "Ṱ̺̺̕o͞ ̷i̲̬͇̪",
      "%00",
      "%s%d%n",
      "${HOME}",
      "{{7*7}}",
      "; DROP TABLE users",
      "../../etc/passwd",
      "\r\nSet-Cookie: a=b",
      std::string(5'000, '\\'),
      std::string(33, '"') + "é",
  };
  if (auto const* corpora = std::getenv("SLIPWAY_CORPORA")) {
    std::ifstream file{std::string{corpora} + "/blns/blns.json"};
    ASSERT_TRUE(file) << "SLIPWAY_CORPORA is set, but there is no blns/blns.json in it";
    std::stringstream content;
    content << file.rdbuf();
    auto const more = json::read<std::vector<std::string>>(content.str());
    ASSERT_TRUE(more) << more.error().more().detail;
    EXPECT_GT(more->size(), 400u);
    naughty.insert(naughty.end(), more->begin(), more->end());
  } else {
    std::cerr << "SKIPPED: the big list of naughty strings. Set SLIPWAY_CORPORA to the directory that holds "
                 "blns/blns.json.\n";
  }
  for (auto const& text : naughty) {
    auto const back = json::read<sample::message>(json::write(sample::message{text}));
    ASSERT_TRUE(back) << text;
    EXPECT_EQ(back->text, text);
    auto const key = json::read<std::map<std::string, int, std::less<>>>(
        json::write(std::map<std::string, int, std::less<>>{{text, 1}}));
    ASSERT_TRUE(key) << text;
    EXPECT_TRUE(key->contains(text));
  }
}
