#include <slipway/backup/sealed.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/core/random.hpp>

#include "../../core/tests/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

namespace slipway::backup {
namespace {

namespace fs = std::filesystem;
using testing::AnyOf;
using testing::HasSubstr;

class memory final : public sink {
 public:
  void write(std::span<std::byte const> piece) override { bytes.insert(bytes.end(), piece.begin(), piece.end()); }
  void finish() override { finished = true; }
  std::vector<std::byte> bytes;
  bool finished = false;
};

// Gives a few bytes at a time: what reads must not count on whole pieces.
class reading final : public source {
 public:
  reading(std::span<std::byte const> bytes, std::size_t step) : bytes_{bytes}, step_{step} {}
  std::size_t read(std::span<std::byte> into) override {
    auto const n = std::min({step_, into.size(), bytes_.size()});
    std::ranges::copy(bytes_.first(n), into.begin());
    bytes_ = bytes_.subspan(n);
    return n;
  }

 private:
  std::span<std::byte const> bytes_;
  std::size_t step_;
};

key some_key(unsigned char fill = 7) {
  key k;
  k.bytes.fill(fill);
  return k;
}

std::vector<std::byte> seal(std::span<std::byte const> plain, std::optional<key> const& with) {
  memory to;
  auto const sealing = make_sealing_sink(to, with, "a/database");
  reading from{plain, 70'001};
  copy(from, *sealing);
  EXPECT_TRUE(to.finished);
  return to.bytes;
}

std::vector<std::byte> open(std::span<std::byte const> sealed, std::optional<key> const& with, std::size_t step = 4096,
                            std::string purpose = "a/database") {
  reading from{sealed, step};
  auto const opening = make_opening_source(from, with, std::move(purpose));
  memory to;
  copy(*opening, to);
  return to.bytes;
}

std::string refusal(std::span<std::byte const> sealed, std::optional<key> const& with,
                    std::string purpose = "a/database") {
  try {
    open(sealed, with, 4096, std::move(purpose));
  } catch (startup_error const& e) {
    EXPECT_EQ(e.code(), exit_code::data);
    return e.what();
  }
  return "taken";
}

std::vector<std::byte> plain_bytes(std::size_t size) {
  std::vector<std::byte> out(size);
  seeded_random{size}.fill(out);
  return out;
}

TEST(sealed, gives_back_what_it_was_given) {
  std::optional<key> const with = some_key(), without;
  for (auto const size : {0u, 1u, 65'535u, 65'536u, 65'537u, 131'072u, 1'000'000u})
    for (auto const& k : {&with, &without})
      for (auto const step : {1'000'000u, 3'001u}) {
        auto const plain = plain_bytes(size);
        EXPECT_EQ(open(seal(plain, *k), *k, step), plain) << size;
      }
}

TEST(sealed, another_key_and_another_purpose_open_nothing) {
  std::optional<key> const with = some_key();
  auto const sealed = seal(plain_bytes(1000), with);
  EXPECT_THAT(refusal(sealed, some_key(8)), HasSubstr("the key is another one"));
  EXPECT_THAT(refusal(sealed, with, "b/database"), HasSubstr("was changed"));
  EXPECT_THAT(refusal(sealed, std::nullopt), HasSubstr("was changed"));
}

TEST(sealed, every_cut_and_every_changed_byte_is_noticed) {
  for (std::optional<key> const& with : {std::optional<key>{some_key()}, std::optional<key>{}}) {
    auto const sealed = seal(plain_bytes(400), with);
    for (std::size_t size = 0; size < sealed.size(); ++size)
      EXPECT_NE(refusal(std::span{sealed}.first(size), with), "taken") << size;
    for (std::size_t at = 0; with && at < sealed.size(); ++at) {
      auto changed = sealed;
      changed[at] ^= std::byte{0x10};
      EXPECT_NE(refusal(changed, with), "taken") << at;
    }
    auto longer = sealed;
    longer.push_back(std::byte{0});
    EXPECT_NE(refusal(longer, with), "taken");
  }
}

TEST(sealed, chunks_do_not_change_places) {
  std::optional<key> const with = some_key();
  auto const sealed = seal(plain_bytes(300'000), with);
  constexpr std::size_t header = 24, chunk = 65'536 + 17;
  auto swapped = sealed;
  std::swap_ranges(swapped.begin() + header, swapped.begin() + header + chunk, swapped.begin() + header + chunk);
  EXPECT_NE(refusal(swapped, with), "taken");
  auto shorter = sealed;
  shorter.erase(shorter.begin() + header, shorter.begin() + header + chunk);
  EXPECT_NE(refusal(shorter, with), "taken");
}

TEST(sealed, a_key_is_made_once_kept_private_and_read_back) {
  slipway::tests::temporary_folder const folder{"key"};
  fs::path const file{folder / "deeper/backup.key"};
  make_key(file);
  EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  auto const first = read_key(file);
  EXPECT_EQ(read_key(file).bytes, first.bytes);
  EXPECT_THROW(make_key(file), startup_error);  // never over another: the backups of before would be lost
  fs::permissions(file, fs::perms::group_read, fs::perm_options::add);
  EXPECT_THROW(read_key(file), startup_error);
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  std::ofstream{file} << "not a key\n";
  EXPECT_THROW(read_key(file), startup_error);
}

}  // namespace
}  // namespace slipway::backup
