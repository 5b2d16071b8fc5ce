// Commands as bytes: the same as hiredis makes.
#include <slipway/core/random.hpp>
#include <slipway/redis/command.hpp>
#include <slipway/redis/script.hpp>
#include <slipway/redis/slots.hpp>

#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

#include <vector>

using namespace slipway;
using namespace slipway::redis;

namespace {

std::string bytes_of(command const& c) {
  std::string out;
  c.write_to(out);
  return out;
}

TEST(redis_command, is_what_hiredis_would_send) {
  seeded_random random{7};
  for (int round = 0; round < 500; ++round) {
    std::vector<std::string> words;
    for (auto n = 1 + random.below(12); n > 0; --n) {
      std::string word(random.below(round % 10 == 0 ? 5000 : 40), '\0');
      random.fill(std::as_writable_bytes(std::span{word.data(), word.size()}));
      words.push_back(std::move(word));
    }
    command c{words[0]};
    std::vector<char const*> texts;
    std::vector<std::size_t> sizes;
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (i > 0) c.arg(words[i]);
      texts.push_back(words[i].data());
      sizes.push_back(words[i].size());
    }
    char* theirs = nullptr;
    auto const size = redisFormatCommandArgv(&theirs, static_cast<int>(texts.size()), texts.data(), sizes.data());
    ASSERT_GT(size, 0);
    EXPECT_EQ(bytes_of(c), std::string(theirs, static_cast<std::size_t>(size)));
    redisFreeCommand(theirs);
  }
}

TEST(redis_command, numbers_read_back_the_same) {
  EXPECT_EQ(bytes_of(command{"A"}.arg(-9223372036854775807 - 1)), "*2\r\n$1\r\nA\r\n$20\r\n-9223372036854775808\r\n");
  EXPECT_EQ(bytes_of(command{"A"}.arg(0.1)), "*2\r\n$1\r\nA\r\n$3\r\n0.1\r\n");
  EXPECT_EQ(bytes_of(command{"A"}.arg(1.0 / 0.0)), "*2\r\n$1\r\nA\r\n$3\r\ninf\r\n");
}

TEST(redis_command, keys_get_the_prefix_and_decide_the_slot) {
  naming const names{.prefix = "app:", .cluster = true};
  auto c = command{"MGET", &names}.key("{u1}a").arg("no key").key("{u1}b");
  EXPECT_EQ(bytes_of(c), "*4\r\n$4\r\nMGET\r\n$9\r\napp:{u1}a\r\n$6\r\nno key\r\n$9\r\napp:{u1}b\r\n");
  EXPECT_EQ(c.slot(), static_cast<int>(slot_of("u1")));
  EXPECT_FALSE(c.several_slots());
  c.key("other");
  EXPECT_TRUE(c.several_slots());
  EXPECT_EQ(c.name(), "MGET");
  EXPECT_EQ((command{"PING", &names}).slot(), command::no_slot);
}

TEST(redis_script, has_the_hash_that_redis_gives_it) {
  EXPECT_EQ(script{"return 1"}.hash(), "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
}

}  // namespace
