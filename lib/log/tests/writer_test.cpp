#include "support.hpp"

#include <slipway/core/errors.hpp>

#include <gmock/gmock.h>
#include <boost/json/parse.hpp>

#include <unistd.h>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <thread>

namespace slipway::log::test {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

// A reader whose behaviour the test sets.
struct scripted {
  std::atomic<int> error{0};         // fail with this
  std::atomic<bool> reads{true};     // false: takes nothing
  std::atomic<std::size_t> most{0};  // bytes a write takes; zero: all
  std::shared_ptr<memory_sink::text> text = std::make_shared<memory_sink::text>();
};
class scripted_sink final : public sink {
 public:
  explicit scripted_sink(std::shared_ptr<scripted> by) : by_{std::move(by)}, to_{by_->text} {}
  outcome write(std::span<std::string_view const> pieces, std::chrono::milliseconds wait) override {
    if (by_->error != 0) return {0, by_->error};
    if (!by_->reads) return {};
    if (by_->most == 0) return to_.write(pieces, wait);
    auto const piece = pieces[0].empty() ? pieces[1] : pieces[0];
    std::array<std::string_view, 1> const part{piece.substr(0, by_->most)};
    return to_.write(part, wait);
  }

 private:
  std::shared_ptr<scripted> by_;
  memory_sink to_;
};

struct scripted_journal {
  std::shared_ptr<scripted> reader = std::make_shared<scripted>();
  log::journal journal;
  explicit scripted_journal(settings const& s = quick())
      : journal{s, {.output = std::make_unique<scripted_sink>(reader)}} {}
};

settings small_buffer() {
  auto s = quick();
  s.buffer_bytes = 65'536;
  return s;
}

TEST(Writer, AFullBufferDropsCountsAndReports) {
  scripted_journal j{small_buffer()};
  j.reader->reads = false;
  auto const log = j.journal.named("busy");
  std::string const text(1000, 'x');
  constexpr int many = 500;
  for (int i = 0; i < many; ++i) log.info("x", {{"i", i}, {"text", text}});
  auto const dropped = j.journal.counters().dropped;
  EXPECT_GT(dropped, 400u);
  EXPECT_LT(dropped, static_cast<unsigned>(many));
  j.reader->reads = true;
  ASSERT_TRUE(j.journal.flush(5s));
  std::size_t kept = 0;
  std::uint64_t reported = 0;
  for (auto const& line : j.reader->text->lines()) {
    auto const parsed = boost::json::parse(line);
    if (parsed.at("message").as_string() == "x") ++kept;
    if (parsed.at("message").as_string() == "log lines were dropped")
      reported += parsed.at("dropped").to_number<std::uint64_t>();
  }
  EXPECT_EQ(kept + dropped, static_cast<unsigned>(many));
  EXPECT_EQ(reported, dropped);
}

TEST(Writer, AnErrorWaitsForRoomButOnlyOnceAJam) {
  scripted_journal j{small_buffer()};
  j.reader->reads = false;
  auto const log = j.journal.named("busy");
  std::string const text(1000, 'x');
  for (int i = 0; i < 100; ++i) log.info("x", {{"text", text}});
  auto const begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) log.error("lost", {{"text", text}});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 900ms);  // 20 times 50 ms would be more
  j.reader->reads = true;
  ASSERT_TRUE(j.journal.flush(5s));
  log.error("kept");
  ASSERT_TRUE(j.journal.flush(5s));
  EXPECT_THAT(j.reader->text->copy(), HasSubstr("kept"));
}

TEST(Writer, ManySmallWritesKeepLinesWhole) {
  scripted_journal j;
  j.reader->most = 7;
  auto const log = j.journal.named("a");
  std::vector<std::jthread> threads;
  for (int i = 0; i < 50; ++i) log.info("x", {{"i", i}});
  ASSERT_TRUE(j.journal.flush(5s));
  auto const lines = j.reader->text->lines();
  ASSERT_THAT(lines, SizeIs(50));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(boost::json::parse(lines[static_cast<std::size_t>(i)]).at("i").as_int64(), i);
}

TEST(Writer, AFullDiskHoldsTheLinesUntilThereIsRoom) {
  scripted_journal j;
  j.reader->error = ENOSPC;
  j.journal.named("a").info("waits");
  EXPECT_FALSE(j.journal.flush(20ms));
  EXPECT_GT(j.journal.counters().failed, 0u);
  j.reader->error = 0;
  EXPECT_TRUE(j.journal.flush(5s));
  EXPECT_THAT(j.reader->text->lines(), SizeIs(1));
}

TEST(Writer, AReaderThatIsGoneCostsTheLinesAndNothingElse) {
  scripted_journal j;
  j.reader->error = EPIPE;
  j.journal.named("a").info("gone");
  EXPECT_TRUE(j.journal.flush(5s));
  EXPECT_GT(j.journal.counters().failed, 0u);
}

TEST(Writer, AReaderThatDoesNotReadHoldsTheEndUpForTwoSecondsAtMost) {
  auto const begin = std::chrono::steady_clock::now();
  {
    scripted_journal j;
    j.reader->reads = false;
    j.journal.named("a").info("x");
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 4s);
}

class file_log : public ::testing::Test {
 protected:
  std::filesystem::path directory_ =
      std::filesystem::path{::testing::TempDir()} / ("slipway-log-" + std::to_string(::getpid()));
  file_log() { std::filesystem::create_directories(directory_); }
  ~file_log() override { std::filesystem::remove_all(directory_); }
  settings to_file(char const* name) const {
    auto s = quick();
    s.output = (directory_ / name).string();
    return s;
  }
};

TEST_F(file_log, RotationLosesNoLine) {
  constexpr int each = 3000;
  auto const name = directory_ / "app.log";
  int rotations = 0;
  {
    journal j{to_file("app.log")};
    std::atomic<int> running{2};
    std::vector<std::jthread> threads;
    for (int t = 0; t < 2; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < each; ++i) j.named("a").error("x", {{"key", t * each + i}});
        --running;
      });
    while (running > 0) {
      std::filesystem::rename(name, directory_ / ("app.log." + std::to_string(rotations++)));
      j.reopen();
      ASSERT_TRUE(j.flush(5s));
    }
  }
  std::vector<bool> seen(2 * each);
  for (auto const& file : std::filesystem::directory_iterator{directory_}) {
    std::ifstream in{file.path()};
    for (std::string line; std::getline(in, line);)
      seen.at(static_cast<std::size_t>(boost::json::parse(line).at("key").as_int64())) = true;
  }
  EXPECT_GT(rotations, 1);
  EXPECT_TRUE(std::ranges::all_of(seen, [](bool b) { return b; }));
}

TEST_F(file_log, AppendsToWhatIsThere) {
  { journal{to_file("a.log")}.named("x").info("one"); }
  { journal{to_file("a.log")}.named("x").info("two"); }
  std::ifstream in{directory_ / "a.log"};
  std::string const all{std::istreambuf_iterator<char>{in}, {}};
  EXPECT_THAT(all, HasSubstr("one"));
  EXPECT_THAT(all, HasSubstr("two"));
}

TEST_F(file_log, AReopenThatFailsKeepsTheOldFileAndSaysSo) {
  auto const name = directory_ / "deep" / "app.log";
  std::filesystem::create_directory(name.parent_path());
  std::ifstream in;
  {
    journal j{to_file("deep/app.log")};
    in.open(name);
    std::filesystem::rename(name.parent_path(), directory_ / "moved");
    j.reopen();
    j.named("a").info("after");
  }
  std::string const all{std::istreambuf_iterator<char>{in}, {}};
  EXPECT_THAT(all, HasSubstr("No such file or directory; the lines go on into the old file"));
  EXPECT_THAT(all, HasSubstr("after"));
}

TEST_F(file_log, AFileThatCannotBeMadeStopsTheStartAndSaysWhatToDo) {
  try {
    journal j{to_file("no/such/app.log")};
    FAIL();
  } catch (startup_error const& e) {
    EXPECT_EQ(e.code(), exit_code::cannot_create);
    EXPECT_THAT(e.what(), HasSubstr("No such file or directory"));
    EXPECT_THAT(e.what(), HasSubstr("log.output"));
  }
}

}  // namespace
}  // namespace slipway::log::test
