#include "support.hpp"

#include <slipway/config/watcher.hpp>

#include <gmock/gmock.h>

#include <condition_variable>
#include <future>

namespace slipway::config::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Reload, AppliesWhatMayChangeAndNamesTheRest) {
  fixture f{"name: one\nhttp: { port: 1, idle: 1s }\nmodes: { a: fast, b: fast }\nkey: k1\n"};
  std::vector<std::string> told;
  watcher<settings> w{f.from, f.load(), {.report = [&](reload_report const& r) { told.push_back(r.text()); }}};
  int changes = 0;
  w.on_change([&](settings const& now) { changes += now.http.idle == 2s ? 1 : 100; });
  auto const before = w.current();
  f.dir.write("base.yaml", "name: two\nhttp: { port: 2, idle: 2s, listen: [x] }\nmodes: { b: careful }\nkey: k2\n");
  auto const r = w.reload();
  EXPECT_THAT(r.applied, ElementsAre("http.idle", "modes"));
  EXPECT_THAT(r.need_restart, ElementsAre("name", "http.port", "http.listen", "key"));
  auto const now = w.current();
  EXPECT_EQ(now->http.idle, 2s);
  EXPECT_EQ(now->modes.size(), 1u);
  EXPECT_EQ(now->http.port, 1);
  EXPECT_EQ(now->name, "one");
  EXPECT_EQ(now->key.reveal(), "k1");
  EXPECT_THAT(now->http.listen, ElementsAre("127.0.0.1"));
  EXPECT_EQ(before->http.idle, 1s) << "a snapshot that somebody holds does not change";
  EXPECT_EQ(changes, 1);
  EXPECT_THAT(
      told,
      ElementsAre(
          "Applied: http.idle, modes. Changed, but only a restart applies it: name, http.port, http.listen, key."));
}

TEST(Reload, AnInvalidFileChangesNothingAndIsReported) {
  fixture f{"ratio: 0.1\n"};
  std::vector<std::string> told;
  watcher<settings> w{f.from, f.load(), {.report = [&](reload_report const& r) { told.push_back(r.text()); }}};
  f.dir.write("base.yaml", "ratio: 0.2\nhttp: { prot: 1 }\n");
  EXPECT_THAT(w.reload().problems, SizeIs(1));
  EXPECT_EQ(w.current()->ratio, 0.1);
  EXPECT_THAT(told, ElementsAre(AllOf(HasSubstr("did you mean http.port?"), HasSubstr("Nothing was changed"))));
  f.dir.write("base.yaml", "ratio: 0.2\n");
  EXPECT_THAT(w.reload().applied, ElementsAre("ratio"));
}

TEST(Reload, WithoutADifferenceNobodyIsTold) {
  fixture f{
      "ratio: 0.1\nkey: k\nworkers: 2\nstore: { type: bucket_store, bucket: b }\nhttp: { hosts: [ { name: x } ] }\n"};
  int told = 0;
  watcher<settings> w{f.from, f.load(), {.report = [&](reload_report const&) { ++told; }}};
  auto const before = w.current();
  EXPECT_FALSE(w.reload().changed());
  EXPECT_EQ(w.current(), before);
  EXPECT_EQ(told, 0);
}

TEST(Reload, RestoresEveryKindOfValueThatMayNotChange) {
  fixture f{
      "workers: 2\nstore: { type: bucket_store, bucket: b }\nhttp: { hosts: [ { name: x } ] }\noffset: 3\ndebug: "
      "true\n"};
  watcher<settings> w{f.from, f.load(), {}};
  f.dir.write("base.yaml", "store: { type: file_store, directory: d }\nratio: 0.9\n");
  EXPECT_THAT(w.reload().need_restart, ElementsAre("http.hosts", "debug", "workers", "offset", "store"));
  auto const now = w.current();
  EXPECT_EQ(now->workers, 2);
  EXPECT_EQ(std::get<bucket_store>(now->store).bucket, "b");
  ASSERT_THAT(now->http.hosts, SizeIs(1));
  EXPECT_EQ(now->http.hosts[0].name, "x");
  EXPECT_TRUE(now->debug);
  EXPECT_EQ(now->ratio, 0.9);
}

// Waits for reports instead of sleeping.
class reports {
 public:
  void add(reload_report const& r) {
    std::scoped_lock lock{mutex_};
    all_.push_back(r);
    ready_.notify_all();
  }
  std::optional<reload_report> next() {
    std::unique_lock lock{mutex_};
    if (!ready_.wait_for(lock, 20s, [&] { return seen_ < all_.size(); })) return std::nullopt;
    return all_[seen_++];
  }

 private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::vector<reload_report> all_;
  std::size_t seen_ = 0;
};

TEST(FileWatch, SeesWritesRenamesAndNewFiles) {
  fixture f{"ratio: 0.1\n"};
  reports told;
  watcher<settings> w{f.from, f.load(), {.report = [&](reload_report const& r) { told.add(r); }, .settle = 20ms}};
  w.watch_files();

  f.dir.write("base.yaml", "ratio: 0.2\n");  // in place
  ASSERT_TRUE(told.next());
  EXPECT_EQ(w.current()->ratio, 0.2);

  f.dir.write("base.yaml~", "ratio: 0.3\n");  // as editors do
  std::filesystem::rename(f.dir / "base.yaml~", f.dir / "base.yaml");
  ASSERT_TRUE(told.next());
  EXPECT_EQ(w.current()->ratio, 0.3);

  f.dir.write("local.yaml", "ratio: 0.4\n");  // was not there before
  ASSERT_TRUE(told.next());
  EXPECT_EQ(w.current()->ratio, 0.4);

  f.dir.write("base.yaml", "ratio: [\n");
  auto const wrong = told.next();
  ASSERT_TRUE(wrong);
  EXPECT_THAT(wrong->problems, SizeIs(1));
  EXPECT_EQ(w.current()->ratio, 0.4);
}

TEST(FileWatch, SeesASecretThatIsSwappedByALink) {
  fixture f;
  directory secrets;
  std::filesystem::create_directory(secrets / "v1");
  std::filesystem::create_directory(secrets / "v2");
  secrets.write("v1/ratio", "0.1\n");
  secrets.write("v2/ratio", "0.2\n");
  std::filesystem::create_directory_symlink("v1", secrets / "data");
  std::filesystem::create_symlink("data/ratio", secrets / "ratio");
  f.dir.write("base.yaml", "ratio: ${file:" + (secrets / "ratio") + "}");
  reports told;
  watcher<settings> w{f.from, f.load(), {.report = [&](reload_report const& r) { told.add(r); }, .settle = 20ms}};
  w.watch_files();
  std::filesystem::create_directory_symlink("v2", secrets / "data.new");
  std::filesystem::rename(secrets / "data.new", secrets / "data");
  ASSERT_TRUE(told.next());
  EXPECT_EQ(w.current()->ratio, 0.2);
}

TEST(FileWatch, SnapshotsAreReadWhileTheyAreReplaced) {
  fixture f{"ratio: 0.1\n"};
  watcher<settings> w{f.from, f.load(), {}};
  std::atomic<bool> done{false};
  auto reader = std::async(std::launch::async, [&] {
    std::size_t seen = 0;
    while (!done) seen += w.current()->ratio > 0 ? 1 : 0;
    return seen;
  });
  for (int i = 0; i < 50; ++i) {
    f.dir.write("base.yaml", i % 2 == 0 ? "ratio: 0.2\n" : "ratio: 0.3\n");
    w.reload();
  }
  done = true;
  EXPECT_GT(reader.get(), 0u);
}

}  // namespace
}  // namespace slipway::config::test
