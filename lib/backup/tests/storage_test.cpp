// What every place for backups promises: one suite for the directory and for the object store.
#include <slipway/backup/storage.hpp>

#include <slipway/backup/store.hpp>
#include <slipway/backup/wal.hpp>
#include <slipway/core/errors.hpp>

#include "../../core/tests/temporary_folder.hpp"
#include "object_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace slipway::backup {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr auto id = "20260131T000100Z-12ab";

class storage_test : public testing::TestWithParam<char const*> {
 protected:
  static void SetUpTestSuite() {
    if (!tests::node_of_object_store().empty()) server = std::make_unique<tests::object_store>();
  }
  static void TearDownTestSuite() { server.reset(); }

  void SetUp() override {
    if (in_directory()) {
      settings_.directory = folder_ / "backups";
    } else {
      if (!server) GTEST_SKIP() << "no object store: npm has not installed tests/e2e/package.json (@20minutes/s3rver)";
      settings_ = server->settings_for(folder_.path().substr(folder_.path().rfind('/') + 1));
      settings_.directory = folder_ / "scratch";
    }
    settings_.encrypt = false;
    kept_ = make_storage(settings_, clock_);
  }
  static bool in_directory() { return GetParam() == std::string_view{"directory"}; }

  static void fill(sink& to, std::string_view text) {
    to.write(std::as_bytes(std::span{text}));
    to.finish();
  }
  void put(std::string const& path, std::string_view text) { fill(*kept_->put(path), text); }
  std::string text_of(std::string const& path) const {
    auto const in = kept_->open(path);
    if (in == nullptr) return "absent";
    std::string out;
    std::array<std::byte, 70'001> piece{};
    while (auto const n = in->read(piece)) out.append(reinterpret_cast<char const*>(piece.data()), n);
    return out;
  }
  // What a process leaves that ended while it made a backup.
  void leave(std::string const& of) {
    if (!in_directory()) return put(of + "/database.zst", "half");
    fs::create_directory(fs::path{settings_.directory} / (of + ".partial"));
  }
  std::size_t left() const {
    if (!in_directory()) return kept_->directories().size();
    return static_cast<std::size_t>(std::distance(fs::directory_iterator{settings_.directory}, {}));
  }
  void let_a_week_pass() {
    clock_.advance(24h * 8);
    if (in_directory())
      for (auto const& there : fs::directory_iterator{settings_.directory})
        fs::last_write_time(there.path(), fs::file_time_type::clock::now() - 24h * 8);
  }

  inline static std::unique_ptr<tests::object_store> server;
  slipway::tests::temporary_folder folder_{"storage"};
  settings settings_;
  manual_clock clock_{std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now())};
  seeded_random random_{5};
  std::unique_ptr<storage> kept_;
};

TEST_P(storage_test, what_is_published_is_there) {
  EXPECT_THAT(kept_->directories(), IsEmpty());
  EXPECT_EQ(kept_->open("none/manifest.json"), nullptr);
  auto const draft = kept_->stage(id);
  auto const file = draft->put("database.zst");
  fill(*file, "all of it");
  EXPECT_EQ(file->size(), 9u);
  EXPECT_EQ(file->digest(), "07630777646b9ad0ad5940c20f7703e5ba431d90dc8f191af6916bffca3e859c");
  draft->publish("{}");
  EXPECT_THAT(kept_->directories(), ElementsAre(id));
  EXPECT_THAT(kept_->files(id), UnorderedElementsAre("database.zst", "manifest.json"));
  EXPECT_EQ(text_of(std::string{id} + "/database.zst"), "all of it");
  EXPECT_EQ(text_of(std::string{id} + "/manifest.json"), "{}");
}

TEST_P(storage_test, what_is_not_published_leaves_nothing) {
  {
    auto const draft = kept_->stage(id);
    fill(*draft->put("database.zst"), "all of it");
    EXPECT_EQ(text_of(std::string{id} + "/manifest.json"), "absent");
  }
  EXPECT_EQ(left(), 0u);
}

TEST_P(storage_test, large_content_comes_back_as_it_was) {
  // Beyond a part and beyond a read, and not a multiple of either.
  std::string large(std::size_t{11'000'003}, ' ');
  random_.fill(std::as_writable_bytes(std::span{large}));
  auto const to = kept_->put("wal/large");
  for (std::size_t at = 0; at < large.size(); at += 300'007)
    to->write(std::as_bytes(std::span{large}.subspan(at, std::min<std::size_t>(300'007, large.size() - at))));
  EXPECT_EQ(text_of("wal/large"), "absent") << "nothing is there before the end";
  to->finish();
  EXPECT_EQ(to->size(), large.size());
  EXPECT_TRUE(text_of("wal/large") == large);
  EXPECT_EQ(to->digest(), digest_of(*kept_->open("wal/large")));
}

TEST_P(storage_test, what_is_exactly_a_part_comes_back) {
  std::string const part(5 << 20, 'x');
  put("wal/part", part);
  EXPECT_TRUE(text_of("wal/part") == part);
}

TEST_P(storage_test, a_file_that_is_not_finished_is_not_there) {
  std::string const some(11 << 20, 'x');
  kept_->put("wal/some")->write(std::as_bytes(std::span{some}));
  EXPECT_EQ(text_of("wal/some"), "absent");
  EXPECT_THAT(kept_->files("wal"), IsEmpty());
  put("wal/some", "now");
  put("wal/some", "and again");
  EXPECT_EQ(text_of("wal/some"), "and again");
}

TEST_P(storage_test, what_is_removed_is_gone) {
  fill(*kept_->put("wal/a"), "a");
  fill(*kept_->put("wal/b"), "b");
  kept_->remove("wal/a");
  EXPECT_THAT(kept_->files("wal"), ElementsAre("b"));
  kept_->stage(id)->publish("{}");
  kept_->remove_backup(id);
  EXPECT_THAT(kept_->directories(), ElementsAre("wal"));
}

TEST_P(storage_test, what_was_left_behind_goes_after_a_day) {
  leave("20260130T000100Z-12ab");
  kept_->stage(id)->publish("{}");
  put("wal/a", "a");
  kept_->remove_abandoned();
  EXPECT_EQ(left(), 3u) << "it may be in the making";
  let_a_week_pass();
  kept_->remove_abandoned();
  EXPECT_THAT(kept_->directories(), UnorderedElementsAre(id, "wal"));
  EXPECT_EQ(left(), 2u);
}

TEST_P(storage_test, backups_are_made_listed_opened_and_thrown_away) {
  settings_.keep = 2;
  store s{settings_, clock_, random_, "1.2.3", [](std::string_view) {}};
  std::vector<std::string> made;
  for (int i = 0; i < 3; ++i) {
    clock_.advance(1min);
    made.push_back(s.create("postgres", "base", "tar", {}, [](sink& to) { fill(to, "content"); }).id);
  }
  leave("20300101T000000Z-0000");
  std::vector<std::string> there;
  for (auto const& m : s.list()) there.push_back(m.id);
  EXPECT_THAT(there, ElementsAre(made[1], made[2]));
  std::string read;
  auto const newest = s.find("latest", "base");
  s.open(newest, newest.entries[0], [&](source& from) {
    std::array<std::byte, 100> piece{};
    while (auto const n = from.read(piece)) read.append(reinterpret_cast<char const*>(piece.data()), n);
  });
  EXPECT_EQ(read, "content");
  EXPECT_THROW(s.create("postgres", "base", "tar", {}, [](sink&) { throw startup_error{exit_code::data, "no"}; }),
               startup_error);
  EXPECT_EQ(s.list().size(), 2u);
}

TEST_P(storage_test, the_log_takes_a_segment_once_and_no_other_in_its_place) {
  store s{settings_, clock_, random_, "1.2.3", [](std::string_view) {}};
  wal_archive log{s};
  auto const segment = folder_ / "segment";
  std::ofstream{segment} << std::string(100'000, 'a');
  std::string const name = "000000010000000000000007";
  EXPECT_THROW(log.get(name, folder_ / "back"), startup_error) << "an empty place may be one that is not mounted";
  log.put(segment, name);
  EXPECT_FALSE(log.get("000000010000000000000008", folder_ / "back"));
  log.put(segment, name);
  std::ofstream{segment} << "another";
  try {
    log.put(segment, name);
    ADD_FAILURE() << "it was taken";
  } catch (startup_error const& error) {
    EXPECT_THAT(error.what(), HasSubstr("does a second server archive"));
  }
  EXPECT_TRUE(log.get(name, folder_ / "back"));
  EXPECT_EQ(fs::file_size(folder_ / "back"), 100'000u);
}

INSTANTIATE_TEST_SUITE_P(, storage_test, testing::Values("directory", "object_store"),
                         [](auto const& param) { return std::string{param.param}; });

}  // namespace
}  // namespace slipway::backup
