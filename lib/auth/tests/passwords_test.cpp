#include <slipway/auth/passwords.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/runtime/shards.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <semaphore>

namespace slipway::auth {
namespace {

using testing::StartsWith;

constexpr password_settings cheap{.memory_kib = 64, .passes = 1, .lanes = 1};

struct passwords_test : testing::Test {
  shards threads{1};
  blocking_pool pool{"passwords", {.threads = 1, .queue = 1}};
  std::unique_ptr<passwords> p = make_passwords(cheap, pool);
  std::string hash(std::string text) { return threads.run(p->hash(secret<std::string>{std::move(text)})); }
  bool verify(std::string text, std::optional<std::string> phc) {
    return threads.run(p->verify(secret<std::string>{std::move(text)}, std::move(phc)));
  }
};

TEST_F(passwords_test, hash_and_verify) {
  auto const phc = hash("correct horse");
  EXPECT_THAT(phc, StartsWith("$argon2id$v=19$m=64,t=1,p=1$"));
  EXPECT_TRUE(verify("correct horse", phc));
  EXPECT_FALSE(verify("correct horsf", phc));
  EXPECT_FALSE(verify("", phc));
  EXPECT_NE(hash("correct horse"), phc);  // each has its own salt
}

// Made with libargon2's own encoder: t=2, m=64, p=1 and p=4, salt "somesalt16bytes!".
TEST_F(passwords_test, reads_what_others_wrote) {
  EXPECT_TRUE(verify("password",
                     "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQxNmJ5dGVzIQ$rAkjBlH0hVFBs838o+d6erGnDTALvUp4z5u2WDM+Sr4"));
  EXPECT_TRUE(verify("password",
                     "$argon2id$v=19$m=64,t=2,p=4$c29tZXNhbHQxNmJ5dGVzIQ$lqkLaNae/maIh9pj35FxpGykXR7C8v37Rz8RA/WqrP4"));
  EXPECT_FALSE(verify(
      "Password", "$argon2id$v=19$m=64,t=2,p=4$c29tZXNhbHQxNmJ5dGVzIQ$lqkLaNae/maIh9pj35FxpGykXR7C8v37Rz8RA/WqrP4"));
}

TEST_F(passwords_test, bytes_that_are_no_text_and_long_ones_count) {
  std::string const binary{"a\0b", 3};
  auto const phc = hash(binary);
  EXPECT_TRUE(verify(binary, phc));
  EXPECT_FALSE(verify("a", phc));
  auto const longest = std::string(max_password_bytes, 'x');
  auto const phc_of_longest = hash(longest);
  EXPECT_TRUE(verify(longest, phc_of_longest));
  EXPECT_FALSE(verify(longest + "x", phc_of_longest));
  EXPECT_THROW(hash(longest + "x"), std::length_error);
}

TEST_F(passwords_test, no_hash_or_an_unreadable_one_costs_the_same_and_says_no) {
  auto const before = pool.use().done;
  EXPECT_FALSE(verify("anything", std::nullopt));
  for (auto const* bad : {"", "$2b$12$abcdefghijklmnopqrstuu", "$argon2id$v=19$m=64,t=1,p=1$c2FsdA$",
                          "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$AAAA",
                          "$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQxNmJ5dGVzIQ$AAAAAAAAAAAAAAAAAAAAAA",
                          "$argon2id$v=19$m=64,t=0,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA"})
    EXPECT_FALSE(verify("anything", bad)) << bad;
  EXPECT_EQ(pool.use().done, before + 7);
}

TEST_F(passwords_test, finds_hashes_of_old_parameters) {
  auto const phc = hash("x");
  EXPECT_FALSE(p->needs_rehash(phc));
  EXPECT_TRUE(make_passwords({.memory_kib = 128, .passes = 1, .lanes = 1}, pool)->needs_rehash(phc));
  EXPECT_TRUE(make_passwords({.memory_kib = 64, .passes = 2, .lanes = 1}, pool)->needs_rehash(phc));
  EXPECT_TRUE(p->needs_rehash("nonsense"));
  // And a verifier with other parameters still verifies the old ones.
  EXPECT_TRUE(threads.run(
      make_passwords({.memory_kib = 128, .passes = 3, .lanes = 2}, pool)->verify(secret<std::string>{"x"}, phc)));
}

TEST_F(passwords_test, a_full_pool_answers_unavailable_at_once) {
  std::binary_semaphore go{0}, started{0};
  auto const block = [](blocking_pool& b, std::binary_semaphore& s, std::binary_semaphore& g) -> task<> {
    co_await b.run([&s, &g] {
      s.release();
      g.acquire();
    });
  };
  auto const queue_one = [](passwords& some) -> task<> { (void)co_await some.hash(secret<std::string>{"waits"}); };
  threads[0].spawn(block(pool, started, go));
  started.acquire();                // the only thread is busy
  threads[0].spawn(queue_one(*p));  // the only place is taken
  EXPECT_THROW(hash("no room"), unavailable_error);
  EXPECT_EQ(pool.use().refused, 1u);
  go.release();
  while (pool.use().done < 2) std::this_thread::yield();
  EXPECT_FALSE(hash("room again").empty());
}

TEST_F(passwords_test, refuses_to_start_with_impossible_parameters) {
  for (auto const& bad : {password_settings{.memory_kib = 7}, password_settings{.passes = 0},
                          password_settings{.lanes = 0}, password_settings{.memory_kib = 16, .lanes = 3}})
    try {
      make_passwords(bad, pool);
      ADD_FAILURE() << "was taken";
    } catch (startup_error const& e) {
      EXPECT_EQ(e.code(), exit_code::config);
    }
}

}  // namespace
}  // namespace slipway::auth
