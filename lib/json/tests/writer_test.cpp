#include "samples.hpp"

#include <slipway/core/random.hpp>
#include <slipway/core/time.hpp>
#include <slipway/json/object_writer.hpp>
#include <slipway/json/writer.hpp>

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>

using namespace slipway;
using sample::everything;

namespace {

std::string text_of(std::string_view text) {
  json::buffer out;
  json::write_text(out, text);
  return out.text();
}
std::string number_of(double v) {
  json::buffer out;
  json::write_number(out, v);
  return out.text();
}

}  // namespace

TEST(json_writer, writes_every_kind) {
  everything v;
  v.yes = true;
  v.tiny = -128;
  v.port = 65'535;
  v.count = -7;
  v.big = 42;
  v.huge = 43;
  v.ratio = 0.1f;
  v.exact = 0.1;
  v.text = "a\"b";
  v.tint = sample::colour::blue;
  v.id = *uuid::parse("0190a6b2-7c3d-7e4f-8a5b-6c7d8e9fa0b1");
  v.at = *from_rfc3339("2026-01-31T12:00:00.5Z");
  v.wait = std::chrono::milliseconds{250};
  v.level = 3;
  v.title.emplace();
  v.tags = {"x", "y"};
  v.points = {{1, 2.5}};
  v.scores = {{"a/b", 1}, {"c", 2}};
  v.pay = sample::transfer{"DE00"};
  v.extra = {{"k", {1, nullptr, "t"}}};
  EXPECT_EQ(
      json::write(v),
      R"({"yes":true,"tiny":-128,"port":65535,"count":-7,"big":42,"huge":43,"ratio":0.1,"exact":0.1,"text":"a\"b","tint":"blue",)"
      R"("id":"0190a6b2-7c3d-7e4f-8a5b-6c7d8e9fa0b1","message_id":"00000000-0000-0000-0000-000000000000",)"
      R"("at":"2026-01-31T12:00:00.500000Z","wait":"250ms","note":null,"level":3,"title":null,"tags":["x","y"],)"
      R"("points":[{"x":1,"y":2.5}],"scores":{"a/b":1,"c":2},"pay":{"type":"transfer","iban":"DE00"},"origin":{"x":0,"y":0},"extra":{"k":[1,null,"t"]}})");
}

TEST(json_writer, integers_that_javascript_would_round_are_text) {
  everything v;
  auto const has = [&](std::string_view part) { return json::write(v).find(part) != std::string::npos; };
  v.big = json::max_exact_integer;
  v.huge = static_cast<std::uint64_t>(json::max_exact_integer);
  EXPECT_TRUE(has(R"("big":9007199254740991,"huge":9007199254740991,)"));
  v.big = -json::max_exact_integer;
  EXPECT_TRUE(has(R"("big":-9007199254740991,)"));
  v.big = json::max_exact_integer + 1;
  v.huge = std::numeric_limits<std::uint64_t>::max();
  EXPECT_TRUE(has(R"("big":"9007199254740992","huge":"18446744073709551615",)"));
  v.big = std::numeric_limits<std::int64_t>::min();
  EXPECT_TRUE(has(R"("big":"-9223372036854775808",)"));
  v.big = -json::max_exact_integer - 1;
  EXPECT_TRUE(has(R"("big":"-9007199254740992",)"));
}

TEST(json_writer, escapes_at_every_position_and_length) {
  // The scan works in blocks of 16, 8 and 4 bytes: a special byte must be found wherever it falls.
  for (std::size_t size = 1; size <= 40; ++size)
    for (std::size_t at = 0; at < size; ++at)
      for (auto [c, escaped] : {std::pair<char, std::string_view>{'"', "\\\""},
                                {'\\', "\\\\"},
                                {'\n', "\\n"},
                                {'\x01', "\\u0001"},
                                {'\x1f', "\\u001f"},
                                {'\0', "\\u0000"},
                                {'\xff', "\xEF\xBF\xBD"}}) {
        std::string const text(size, 'a');
        auto input = text;
        input[at] = c;
        auto const expected = '"' + text.substr(0, at) + std::string{escaped} + text.substr(at + 1) + '"';
        ASSERT_EQ(text_of(input), expected) << size << " " << at;
      }
  EXPECT_EQ(text_of(""), "\"\"");
  EXPECT_EQ(text_of("\b\f\r\t/\x7f"), "\"\\b\\f\\r\\t/\x7f\"");
}

TEST(json_writer, text_that_is_not_utf8_is_repaired) {
  EXPECT_EQ(text_of("grüß 你好 🛥"), "\"grüß 你好 🛥\"");
  EXPECT_EQ(text_of("a\xC3"), "\"a\xEF\xBF\xBD\"");
  EXPECT_EQ(text_of("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");  // a surrogate
  EXPECT_EQ(text_of("\xC0\xAF"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");                  // an overlong slash
  EXPECT_EQ(text_of("\xF4\x90\x80\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST(json_writer, numbers_are_the_shortest_that_read_back) {
  EXPECT_EQ(number_of(0), "0");
  EXPECT_EQ(number_of(-0.0), "-0.0");  // "-0" would be read back as an integer, without its sign
  EXPECT_EQ(number_of(1e6), "1000000");
  EXPECT_EQ(number_of(1e22), "1e+22");
  EXPECT_EQ(number_of(5e-324), "5e-324");
  EXPECT_EQ(number_of(std::numeric_limits<double>::max()), "1.7976931348623157e+308");
  EXPECT_EQ(number_of(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(number_of(-99.5), "-99.5");
  EXPECT_EQ(number_of(0.001), "0.001");
  EXPECT_EQ(number_of(-0.05), "-0.05");
  EXPECT_EQ(number_of(123456789.12345), "123456789.12345");
  // Against the standard library's shortest form, over numbers with few decimals and over all bit patterns.
  seeded_random random{7};
  for (int i = 0; i < 20'000; ++i) {
    auto const bits = random.next64();
    auto const v =
        i % 2 == 0 ? std::bit_cast<double>(bits) : static_cast<double>(bits % 1'000'000'007) / std::pow(10, i % 8);
    if (!std::isfinite(v)) continue;
    auto const text = number_of(v);
    double back = 0;
    ASSERT_EQ(std::from_chars(text.data(), text.data() + text.size(), back).ptr, text.data() + text.size()) << text;
    ASSERT_EQ(back, v);
    std::array<char, 40> shortest;
    auto const size = static_cast<std::size_t>(
        std::to_chars(shortest.data(), shortest.data() + shortest.size(), v).ptr - shortest.data());
    if (v != std::trunc(v)) ASSERT_LE(text.size(), size) << text;
  }
}

TEST(json_writer, what_json_cannot_hold_is_a_bug_and_leaves_the_buffer_as_it_was) {
  json::buffer out;
  out.append("before");
  sample::point p{std::numeric_limits<double>::quiet_NaN(), 0};
  EXPECT_THROW(json::write_to(out, p), json::write_error);
  p.x = std::numeric_limits<double>::infinity();
  EXPECT_THROW(json::write_to(out, p), json::write_error);
  EXPECT_EQ(out.view(), "before");
  everything v;
  v.tint = static_cast<sample::colour>(7);
  EXPECT_THROW(json::write(v), json::write_error);
  secret<std::string> s{"x"};
  EXPECT_THROW(json::write_value(out, meta::describe<secret<std::string>>, &s), json::write_error);
}

TEST(json_writer, write_only_members_and_absent_changes_are_left_out) {
  sample::sign_up in;
  in.password = secret<std::string>{"hunter2hunter2"};
  in.email = "a@b.de";
  EXPECT_EQ(
      json::write(in),
      R"({"id":"00000000-0000-0000-0000-000000000000","email":"a@b.de","name":"","age":18,"tags":[],"site":null})");
  static_assert(json::detail::would_write_secret(meta::describe<std::vector<secret<std::string>>>));
  static_assert(!json::detail::would_write_secret(meta::describe<sample::sign_up>));
}

TEST(json_writer, large_documents_grow_on_the_heap_and_in_an_arena) {
  std::vector<std::string> list;
  for (int i = 0; i < 2'000; ++i) list.push_back(std::string(static_cast<std::size_t>(i % 70), i % 3 == 0 ? '"' : 'x'));
  auto const expected = json::write(list);
  arena memory;
  json::buffer out{memory};
  json::write_to(out, list);
  EXPECT_EQ(out.view(), expected);
  EXPECT_GT(expected.size(), 60'000u);
}

TEST(json_buffer, small_documents_in_an_arena_stay_in_its_first_block) {
  arena memory;
  json::buffer out{memory};
  for (int i = 0; i < 100; ++i) out.append("0123456789");
  auto const* first = out.view().data();
  EXPECT_EQ(out.size(), 1'000u);
  EXPECT_EQ(first, out.view().data());
  auto const* next = static_cast<char const*>(memory.allocate(1, 1));
  EXPECT_GE(next, first);
  EXPECT_LT(next, first + 2'048) << "it grew where it stood";
}

TEST(json_buffer, moves_and_clears) {
  json::buffer a;
  a.append("abc");
  json::buffer b{std::move(a)};
  EXPECT_EQ(b.view(), "abc");
  a = std::move(b);
  EXPECT_EQ(a.view(), "abc");
  a.truncate(1);
  a.push('z');
  EXPECT_EQ(a.text(), "az");
  a.clear();
  EXPECT_TRUE(a.empty());
}

TEST(json_selection, writes_what_was_asked_for) {
  everything v;
  v.points = {{1, 2}, {3, 4}};
  auto const only = json::selection::parse(meta::describe<everything>, "count,points.y,origin");
  ASSERT_TRUE(only);
  json::buffer out;
  json::write_to(out, v, *only);
  EXPECT_EQ(out.view(), R"({"count":0,"points":[{"y":2},{"y":4}],"origin":{"x":0,"y":0}})");
}

TEST(json_selection, asking_for_a_whole_wins_over_its_parts) {
  for (auto text : {"origin,origin.x", "origin.x,origin"}) {
    auto const only = json::selection::parse(meta::describe<everything>, text);
    ASSERT_TRUE(only);
    json::buffer out;
    json::write_to(out, everything{}, *only);
    EXPECT_EQ(out.view(), R"({"origin":{"x":0,"y":0}})") << text;
  }
}

TEST(json_selection, refuses_what_is_not_there) {
  for (auto text : {"nothing", "count,", ",", "count.x", "origin.z", "points.", "origin.x.y", "text\n"}) {
    auto const only = json::selection::parse(meta::describe<everything>, text);
    ASSERT_FALSE(only) << text;
    ASSERT_EQ(only.error().more().fields.size(), text == std::string_view{","} ? 2u : 1u) << text;
    EXPECT_EQ(only.error().more().fields[0].pointer, "fields");
    EXPECT_EQ(only.error().more().fields[0].code, "unknown");
  }
  EXPECT_FALSE(json::selection::parse(meta::describe<sample::sign_up>, "password")) << "it is never written";
  EXPECT_TRUE(json::selection::parse(meta::describe<everything>, "")->all());
  std::string many;
  for (int i = 0; i < 100; ++i) many += "count,";
  EXPECT_EQ(json::selection::parse(meta::describe<everything>, many + "count").error().more().fields[0].code,
            "too_many");
}

TEST(json_selection, of_a_page_applies_to_its_items) {
  page<sample::point> p{{{1, 2}}, "n"};
  auto const items = json::selection::parse(meta::describe<sample::point>, "x");
  json::buffer out;
  json::write_to(out, p, items->within(meta::describe<page<sample::point>>, "items"));
  EXPECT_EQ(out.view(), R"({"items":[{"x":1}],"next":"n"})");
}

TEST(json_object_writer, makes_documents_by_hand) {
  json::buffer out;
  {
    json::object_writer o{out};
    o.add("title", "Not \"Found\"")
        .add("status", 404)
        .add("ok", false)
        .add("none", nullptr)
        .add("big", std::uint64_t{18446744073709551615u});
    o.add("where", sample::point{1, 2}).add_raw("raw", "[1]").add("ratio", 0.5);
    auto errors = o.array("errors");
    errors.object().add("code", "required");
    errors.add("text").add(1).add_raw("{}");
    errors.array().add(true);
    errors.close();
    o.object("empty");
  }
  EXPECT_EQ(
      out.view(),
      R"({"title":"Not \"Found\"","status":404,"ok":false,"none":null,"big":18446744073709551615,"where":{"x":1,"y":2},"raw":[1],"ratio":0.5,)"
      R"("errors":[{"code":"required"},"text",1,{},[true]],"empty":{}})");
}
