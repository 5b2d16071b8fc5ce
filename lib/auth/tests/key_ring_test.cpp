#include <slipway/auth/key_ring.hpp>

#include "support.hpp"

#include <slipway/core/errors.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include <sys/stat.h>

namespace slipway::auth {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
using tests::noon;

struct key_ring_test : testing::Test {
  slipway::tests::temporary_folder scratch{"auth"};
  std::filesystem::path directory = scratch / "keys";
  manual_clock clock{noon};
  key_settings settings{.directory = directory.string(), .retire_after = 24h};
  key_ring open() { return key_ring{settings, clock}; }

  static unsigned mode(std::filesystem::path const& p) {
    struct stat about{};
    EXPECT_EQ(::stat(p.c_str(), &about), 0) << p;
    return about.st_mode & 07777u;
  }
  std::vector<std::string> files() const {
    std::vector<std::string> out;
    for (auto const& f : std::filesystem::directory_iterator{directory})
      if (!f.path().filename().string().starts_with('.')) out.push_back(f.path().filename().string());
    std::ranges::sort(out);
    return out;
  }
  void write(std::string const& name, std::string_view text,
             std::filesystem::perms p = std::filesystem::perms::owner_read) {
    std::filesystem::create_directories(directory);
    std::ofstream{directory / name} << text;
    std::filesystem::permissions(directory / name, p);
  }
  void expect_refusal(exit_code code, std::string const& text) {
    try {
      open();
      ADD_FAILURE() << "was taken";
    } catch (startup_error const& e) {
      EXPECT_EQ(e.code(), code) << e.what();
      EXPECT_THAT(e.what(), HasSubstr(text));
    }
  }
};

TEST_F(key_ring_test, the_first_key_can_be_made_where_none_shall_be_made_unasked) {
  settings.create = false;
  expect_refusal(exit_code::config, "slipway keys rotate");
  auto const made = make_first_key(settings, clock);
  ASSERT_TRUE(made);
  EXPECT_EQ(open().current()->signing->kid(), *made);
  EXPECT_FALSE(make_first_key(settings, clock));
  EXPECT_EQ(files().size(), 1u);
}

TEST_F(key_ring_test, makes_its_first_key_for_this_user_alone) {
  auto ring = open();
  EXPECT_EQ(files(), std::vector<std::string>{"20260131T120000Z.pem"});
  EXPECT_EQ(mode(directory), 0700u);
  EXPECT_EQ(mode(directory / "20260131T120000Z.pem"), 0600u);
  auto const now = ring.current();
  EXPECT_EQ(now->signing->alg(), algorithm::eddsa);
  EXPECT_EQ(open().current()->signing->kid(), now->signing->kid());  // the second start finds it
  EXPECT_THAT(ring.jwks(), HasSubstr(now->signing->kid()));
  EXPECT_THAT(ring.jwks(), Not(HasSubstr("\"d\"")));
}

TEST_F(key_ring_test, makes_keys_of_every_kind) {
  for (auto a : {algorithm::es256, algorithm::hs256}) {
    settings.directory = scratch / to_string(a);
    settings.algorithm = a;
    EXPECT_EQ(open().current()->signing->alg(), a);
    EXPECT_EQ(open().current()->signing->alg(), a);
  }
}

TEST_F(key_ring_test, rotation_keeps_the_old_key_until_it_retires) {
  auto ring = open();
  auto const first = ring.current()->signing->kid();
  clock.advance(1h);
  auto const generation = ring.generation();
  auto const second = ring.rotate();
  EXPECT_NE(ring.generation(), generation);
  EXPECT_EQ(ring.current()->signing->kid(), second);
  EXPECT_NE(ring.current()->keys.find(first), nullptr);
  clock.advance(24h - 1us);
  EXPECT_NE(ring.current()->keys.find(first), nullptr);
  auto const before = ring.generation();
  clock.advance(1us);
  EXPECT_EQ(ring.current()->keys.find(first), nullptr);
  EXPECT_NE(ring.generation(), before);
  EXPECT_THAT(ring.jwks(), Not(HasSubstr(first)));
  EXPECT_EQ(files().size(), 2u);  // gone from use at once, from disk with the next rotation
  ring.rotate();
  EXPECT_EQ(files().size(), 2u);
  EXPECT_THAT(files(), Not(testing::Contains("20260131T120000Z.pem")));
}

TEST_F(key_ring_test, a_successor_can_be_published_ahead) {
  auto ring = open();
  auto const first = ring.current()->signing->kid();
  auto const second = ring.rotate(600s);
  EXPECT_EQ(ring.current()->signing->kid(), first);
  EXPECT_THAT(ring.jwks(), HasSubstr(second));
  clock.advance(600s);
  EXPECT_EQ(ring.current()->signing->kid(), second);
}

TEST_F(key_ring_test, several_rotations_in_one_second_do_not_collide) {
  auto ring = open();
  for (int i = 0; i < 3; ++i) ring.rotate();
  EXPECT_EQ(files().size(), 4u);
}

TEST_F(key_ring_test, a_clock_that_went_back_still_finds_a_key) {
  open();
  clock.jump(noon - 48h);
  EXPECT_NE(open().current()->signing, nullptr);
}

TEST_F(key_ring_test, another_process_rotates_and_this_one_learns_it) {
  auto ring = open();
  auto other = open();
  clock.advance(1min);
  auto const second = other.rotate();
  EXPECT_EQ(ring.current()->keys.find(second), nullptr);
  EXPECT_TRUE(ring.reload_for_unknown_key());
  EXPECT_EQ(ring.current()->signing->kid(), second);
  clock.advance(1min);
  auto const third = other.rotate();
  clock.advance(-1min + 5s);
  EXPECT_FALSE(ring.reload_for_unknown_key());  // five seconds after the last time
  clock.advance(5s);
  EXPECT_TRUE(ring.reload_for_unknown_key());
  EXPECT_NE(ring.current()->keys.find(third), nullptr);
  EXPECT_FALSE(ring.reload_for_unknown_key());
}

TEST_F(key_ring_test, many_processes_that_start_together_agree_on_one_key) {
  std::vector<std::string> kids(8);
  {
    std::vector<std::jthread> starters;
    for (auto& kid : kids) starters.emplace_back([&] { kid = open().current()->signing->kid(); });
  }
  EXPECT_THAT(kids, testing::Each(kids.front()));
  EXPECT_EQ(files().size(), 1u);
}

TEST_F(key_ring_test, a_broken_file_leaves_the_old_keys) {
  auto ring = open();
  auto const kid = ring.current()->signing->kid();
  write("20270101T000000Z.pem", "nonsense");
  EXPECT_THROW(ring.reload(), startup_error);
  EXPECT_FALSE(ring.reload_for_unknown_key());
  EXPECT_EQ(ring.current()->signing->kid(), kid);
}

TEST_F(key_ring_test, refuses_what_it_cannot_trust_or_read_and_says_what_to_do) {
  write("20260101T000000Z.pem", key::generate(algorithm::eddsa).private_text().reveal(), std::filesystem::perms{0644});
  expect_refusal(exit_code::permission, "chmod 600");
  write("20260101T000000Z.pem", "nonsense", std::filesystem::perms{0600});
  expect_refusal(exit_code::data, "20260101T000000Z.pem");
  std::filesystem::remove(directory / "20260101T000000Z.pem");
  write("signing.pem", key::generate(algorithm::eddsa).private_text().reveal());
  expect_refusal(exit_code::config, "YYYYMMDDThhmmssZ.pem");
  std::filesystem::remove(directory / "signing.pem");
  write("20261301T000000Z.pem", key::generate(algorithm::eddsa).private_text().reveal());
  expect_refusal(exit_code::config, "not named like a key");
  std::filesystem::remove(directory / "20261301T000000Z.pem");
  write("20260101T000000Z.key", "c2hvcnQ");
  expect_refusal(exit_code::data, "32 bytes");
  std::filesystem::remove(directory / "20260101T000000Z.key");
  write("README.txt", "is left alone");
  settings.create = false;
  expect_refusal(exit_code::config, "keys rotate");
}

TEST_F(key_ring_test, a_key_that_cannot_sign_cannot_be_the_signing_one) {
  auto const theirs = *key::from_jwk(key::generate(algorithm::eddsa).public_jwk());
  EXPECT_THROW((key_ring{{{.key = theirs, .since = noon - 1h}}, 24h, clock}), startup_error);
  key_ring const ring{
      {{.key = key::generate(algorithm::eddsa), .since = noon - 1h}, {.key = theirs, .since = noon - 2h}}, 24h, clock};
  EXPECT_NE(ring.current()->keys.find(theirs.kid()), nullptr);
}

TEST_F(key_ring_test, a_directory_that_cannot_be_made_is_named) {
  std::ofstream{scratch / "file"} << "a file";
  settings.directory = scratch / "file/keys";
  expect_refusal(exit_code::config, settings.directory);
  settings.directory = scratch / "file";
  expect_refusal(exit_code::config, settings.directory);
  settings.directory = scratch / "not_mounted/data/keys";
  expect_refusal(exit_code::config, "auth.keys.directory");
  expect_refusal(exit_code::config, "there is no " + scratch / "not_mounted");
  EXPECT_FALSE(std::filesystem::exists(scratch / "not_mounted"));
}

}  // namespace
}  // namespace slipway::auth
