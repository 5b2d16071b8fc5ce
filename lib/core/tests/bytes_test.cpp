// Encodings, identifiers, randomness, secrets and the arena.
#include <slipway/core/arena.hpp>
#include <slipway/core/ascii.hpp>
#include <slipway/core/encoding.hpp>
#include <slipway/core/id.hpp>
#include <slipway/core/scope.hpp>
#include <slipway/core/secret.hpp>

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <unordered_set>

using namespace slipway;
using namespace std::chrono_literals;

TEST(encoding, rfc4648_vectors) {
  struct {
    std::string_view plain, base64, url, hex;
  } const cases[] = {{"", "", "", ""},
                     {"f", "Zg==", "Zg", "66"},
                     {"fo", "Zm8=", "Zm8", "666f"},
                     {"foo", "Zm9v", "Zm9v", "666f6f"},
                     {"foob", "Zm9vYg==", "Zm9vYg", "666f6f62"},
                     {"\xfb\xff", "+/8=", "-_8", "fbff"}};
  for (auto const& c : cases) {
    EXPECT_EQ(base64(as_byte_span(c.plain)), c.base64);
    EXPECT_EQ(base64url(as_byte_span(c.plain)), c.url);
    EXPECT_EQ(hex(as_byte_span(c.plain)), c.hex);
    EXPECT_EQ(from_base64(c.base64), c.plain);
    EXPECT_EQ(from_base64url(c.url), c.plain);
    EXPECT_EQ(from_hex(c.hex), c.plain);
  }
}

TEST(encoding, is_strict) {
  for (auto text : {"Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zg= =", "Zh==", "Zm9v\n", "Zm-v", "Z=g=", "Zm9=Zm9v"})
    EXPECT_FALSE(from_base64(text)) << text;
  for (auto text : {"Z", "Zg==", "Zh", "Zm8=", "Zm+v", "Zm/v", "Zm 9", "Zm9"})
    EXPECT_FALSE(from_base64url(text)) << text;
  for (auto text : {"6", "6g", "0x66", "66 "}) EXPECT_FALSE(from_hex(text)) << text;
  EXPECT_EQ(from_hex("fF"), "\xff");
}

TEST(encoding, random_bytes_go_both_ways) {
  seeded_random random{1};
  for (std::size_t n = 0; n < 100; ++n) {
    std::string bytes(n, '\0');
    random.fill(std::as_writable_bytes(std::span{bytes.data(), bytes.size()}));
    EXPECT_EQ(from_base64url(base64url(as_byte_span(bytes))), bytes);
    EXPECT_EQ(from_base64(base64(as_byte_span(bytes))), bytes);
    EXPECT_EQ(from_hex(hex(as_byte_span(bytes))), bytes);
  }
}

TEST(encoding, percents_stand_for_all_that_is_reserved) {
  EXPECT_EQ(percent_encode("a b/\xc3\xa9~"), "a%20b%2F%C3%A9~");
  EXPECT_EQ(percent_encode("a b/\xc3\xa9~", "/"), "a%20b/%C3%A9~");
  EXPECT_EQ(percent_encode(std::string_view{"\0%\x7f", 3}), "%00%25%7F");
}

TEST(ascii, has_letters_in_two_cases_and_bytes_in_one) {
  EXPECT_EQ(ascii_lowered("Content-TYPE [\xc3\x84] @`{"), "content-type [\xc3\x84] @`{");
  EXPECT_TRUE(equal_in_any_case("X-Amz-Date", "x-AMZ-date"));
  EXPECT_FALSE(equal_in_any_case("a", "ab"));
  EXPECT_FALSE(equal_in_any_case("@", "`"));  // 32 apart, and no letters
}

TEST(encoding, comparison_in_constant_time_compares) {
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "ab"));
}

TEST(uuid, text_form) {
  auto const id = uuid::parse("0190A6B2-7c3d-7e4f-8a5b-6c7d8e9fa0b1");
  ASSERT_TRUE(id);
  EXPECT_EQ(id->text(), "0190a6b2-7c3d-7e4f-8a5b-6c7d8e9fa0b1");
  for (auto text : {"", "0190a6b27c3d7e4f8a5b6c7d8e9fa0b1", "{0190a6b2-7c3d-7e4f-8a5b-6c7d8e9fa0b1}",
                    "0190a6b2-7c3d-7e4f-8a5b-6c7d8e9fa0bg", "0190a6b2-7c3d-7e4f-8a5b-6c7d8e9fa0b",
                    "0190a6b2-7c3d-7e4f-8a5b-6c7d8e9fa0b11", "0190a6b27-c3d-7e4f-8a5b-6c7d8e9fa0b1",
                    "0190a6b2-7c3d-7e4f-8a5b-6c7d8e-fa0b1", "-190a6b2-7c3d-7e4f-8a5b-6c7d8e9fa0b1"})
    EXPECT_FALSE(uuid::parse(text)) << text;
}

TEST(uuid, version_7_carries_the_time_and_ascends) {
  manual_clock clock{time_point{1'700'000'000'123ms}};
  seeded_random random{42};
  auto last = make_uuid7(clock, random);
  EXPECT_EQ(last.bytes[6] >> 4, 7);
  EXPECT_EQ(last.bytes[8] >> 6, 2);
  EXPECT_TRUE(last.text().starts_with("018bcfe5-687b-7"));
  for (int i = 0; i < 100'000; ++i) {
    if (i == 1'000) clock.jump(clock.now() - 5s);  // a clock set back a little does not break the order
    if (i % 5'000 == 0) clock.advance(1ms);
    auto const next = make_uuid7(clock, random);
    ASSERT_LT(last, next) << i;
    last = next;
  }
  clock.jump(time_point{1'600'000'000'000ms});
  EXPECT_LT(make_uuid7(clock, random), last) << "one set back by years is believed";
}

TEST(uuid, ids_of_many_threads_differ) {
  std::vector<std::vector<uuid>> made(4);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : made)
      threads.emplace_back([&mine] {
        for (int i = 0; i < 5'000; ++i) mine.push_back(make_uuid7());
      });
  }
  std::unordered_set<uuid> all;
  for (auto const& mine : made) all.insert(mine.begin(), mine.end());
  EXPECT_EQ(all.size(), 20'000u);
}

TEST(random, the_systems_source_does_not_repeat) {
  std::set<std::string> tokens;
  for (int i = 0; i < 1'000; ++i) tokens.insert(system_random().token(16));
  EXPECT_EQ(tokens.size(), 1'000u);
  EXPECT_EQ(tokens.begin()->size(), 22u);
  EXPECT_EQ(system_random().token(1'000).size(), 1'334u);
}

TEST(random, seeds_repeat_and_bounds_hold) {
  seeded_random a{5}, b{5}, c{6};
  EXPECT_EQ(a.token(40), b.token(40));
  EXPECT_NE(a.token(40), c.token(40));
  std::array<int, 6> seen{};
  for (int i = 0; i < 6'000; ++i) ++seen[a.below(6)];
  for (auto n : seen) EXPECT_NEAR(n, 1'000, 150);
  EXPECT_EQ(a.below(1), 0u);
}

TEST(secret, cannot_be_printed_and_is_wiped) {
  static_assert(!std::is_convertible_v<secret<std::string>, std::string>);
  static_assert(!std::is_constructible_v<std::string, secret<std::string>>);
  static_assert(!std::is_convertible_v<std::string, secret<std::string>>);
  secret<std::string> a{"correct horse battery staple"};
  auto const* memory = a.reveal().data();
  auto const b = std::move(a);
  EXPECT_EQ(b.reveal(), "correct horse battery staple");
  EXPECT_EQ(b.reveal().data(), memory);
  EXPECT_TRUE(a.empty());
  secret<std::string> small{"hunter2"};
  auto const* inside = small.reveal().data();
  auto const moved = std::move(small);
  EXPECT_EQ((std::string_view{inside, 7}), (std::string_view{"\0\0\0\0\0\0\0", 7}))
      << "a short text leaves nothing behind";
  EXPECT_EQ(moved.reveal(), "hunter2");
  auto copy = moved;
  copy.clear();
  EXPECT_EQ(moved.reveal(), "hunter2");
}

TEST(arena, aligns_and_grows_and_starts_again) {
  arena memory;
  std::set<char*> seen;
  for (int round = 0; round < 3; ++round) {
    for (std::size_t n = 1; n < 300; ++n) {
      auto* at = static_cast<char*>(memory.allocate(n, 1));
      std::memset(at, static_cast<int>(n), n);
    }
    auto* number = memory.make<std::uint64_t>(7u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(number) % alignof(std::uint64_t), 0u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.allocate(1, 64)) % 64, 0u);
    auto* large = static_cast<char*>(memory.allocate(100'000));
    std::memset(large, 1, 100'000);
    EXPECT_EQ(memory.copy("text"), "text");
    EXPECT_EQ(memory.copy(""), "");
    memory.reset();
    seen.insert(static_cast<char*>(memory.allocate(8, 8)));
    memory.reset();
  }
  EXPECT_EQ(seen.size(), 1u) << "the first block is kept";
}

TEST(arena, extends_only_the_last_allocation) {
  arena memory;
  auto* a = static_cast<char*>(memory.allocate(16, 1));
  EXPECT_TRUE(memory.extend(a + 16, 16));
  auto* b = static_cast<char*>(memory.allocate(1, 1));
  EXPECT_EQ(b, a + 32);
  EXPECT_FALSE(memory.extend(a + 32, 1));
  EXPECT_FALSE(memory.extend(b + 1, 1 << 20)) << "no room";
}

TEST(scope, permissions_are_a_set) {
  enum class permission { read, write, everything = 63 };
  permission_set const some{permission::read, permission::everything};
  EXPECT_TRUE(some.has(permission::everything));
  EXPECT_FALSE(some.has(permission::write));
  EXPECT_TRUE(some.has_all({permission::read}));
  EXPECT_FALSE(some.has_all({permission::read, permission::write}));
  EXPECT_TRUE((some | permission_set{permission::write}).has(permission::write));
  static_assert(!std::is_default_constructible_v<scope>);
  struct user;
  auto const id = make_uuid7();
  scope const who{id, some};
  id_of<user> const mine = who.user();
  EXPECT_EQ(mine.value, id);
  EXPECT_TRUE(who.may(permission::read));
}
