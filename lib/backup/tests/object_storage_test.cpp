// What only an object store can do to a backup.
#include <slipway/backup/storage.hpp>
#include <slipway/backup/store.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/runtime/shards.hpp>
#include <slipway/s3/bucket.hpp>

#include "object_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace slipway::backup {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class object_storage_test : public testing::Test {
 protected:
  void SetUp() override {
    if (tests::node_of_object_store().empty())
      GTEST_SKIP() << "no object store: npm has not installed tests/e2e/package.json (@20minutes/s3rver)";
    server_ = std::make_unique<tests::object_store>();
    settings_ = server_->settings_for("mine");
  }
  std::unique_ptr<storage> make() const { return make_storage(settings_, system_clock()); }
  static void put(storage& in, std::string const& path, std::string_view text) {
    auto const to = in.put(path);
    to->write(std::as_bytes(std::span{text}));
    to->finish();
  }
  std::string refusal(exit_code code, std::function<void()> const& what) {
    try {
      what();
    } catch (startup_error const& e) {
      EXPECT_EQ(e.code(), code) << e.what();
      EXPECT_THAT(e.what(), Not(HasSubstr("not-the-secret")));
      return e.what();
    }
    return "done";
  }

  std::unique_ptr<tests::object_store> server_;
  settings settings_;
};

TEST_F(object_storage_test, wrong_keys_and_a_missing_bucket_are_named) {
  auto const list = [&] { make()->directories(); };
  settings_.s3.secret_key = secret<std::string>{"not-the-secret"};
  EXPECT_THAT(refusal(exit_code::config, list), HasSubstr("s3.secret_key"));
  settings_.s3.access_key = "SOMEBODY";
  EXPECT_THAT(refusal(exit_code::config, list), HasSubstr("s3.access_key"));
  settings_ = server_->settings_for("mine");
  settings_.storage = "s3://nowhere/mine";
  EXPECT_THAT(refusal(exit_code::config, list), AllOf(HasSubstr("s3://nowhere"), HasSubstr("make it")));
  EXPECT_THAT(refusal(exit_code::config, [&] { put(*make(), "wal/a", "a"); }), HasSubstr("make it"));
  settings_ = server_->settings_for("mine");
  settings_.s3.private_network = false;
  EXPECT_THAT(refusal(exit_code::unavailable, list), HasSubstr("set backup.s3.private_network"));
  settings_.s3.access_key = "";
  EXPECT_THAT(refusal(exit_code::config, list), HasSubstr("backup.s3.access_key"));
}

TEST_F(object_storage_test, when_the_store_goes_away_in_the_middle_nothing_is_there) {
  constexpr auto id = "20260131T000100Z-12ab";
  std::string const some(6 << 20, 'x');
  settings_.s3.timeout = std::chrono::seconds{5};
  auto const kept = make();
  auto const said = refusal(exit_code::unavailable, [&] {
    auto const draft = kept->stage(id);
    auto const to = draft->put("database.zst");
    to->write(std::as_bytes(std::span{some}));
    server_->kill();
    to->write(std::as_bytes(std::span{some}));
    draft->publish("{}");
  });
  EXPECT_THAT(said, AllOf(HasSubstr("cannot be reached"), HasSubstr("backup.s3.endpoint")));
  server_->start();
  EXPECT_THAT(make()->directories(), IsEmpty());
}

TEST_F(object_storage_test, when_the_store_goes_away_while_it_is_read_the_end_is_no_end) {
  std::string const some(12 << 20, 'x');
  put(*make(), "wal/some", some);
  settings_.s3.timeout = std::chrono::seconds{5};
  auto const kept = make();
  auto const from = kept->open("wal/some");
  ASSERT_NE(from, nullptr);
  server_->kill();
  refusal(exit_code::unavailable, [&] {
    digest_of(*from);
    ADD_FAILURE() << "it ended";
  });
}

TEST_F(object_storage_test, what_is_put_in_its_place_while_it_is_read_is_noticed) {
  auto const kept = make();
  put(*kept, "wal/some", std::string(12 << 20, 'x'));
  auto const from = kept->open("wal/some");
  put(*kept, "wal/some", std::string(13 << 20, 'y'));
  EXPECT_NE(refusal(exit_code::data, [&] { digest_of(*from); }), "done");
}

TEST_F(object_storage_test, others_in_the_bucket_are_left_alone) {
  shards on{1};
  http_client::client http{on, s3::http_settings(settings_.s3)};
  auto const bucket = s3::make_bucket(http, settings_.s3, "backups");
  on.run(bucket->put("mine-too/20260131T000100Z-12ab/database.zst", "theirs"));
  on.run(bucket->put("mine/photos/a.jpg", "theirs as well"));
  on.run(bucket->put("mine/old + new/manifest.json", "no manifest of ours"));
  manual_clock later{system_clock().now() + std::chrono::hours{24 * 8}};
  make_storage(settings_, later)->remove_abandoned();
  EXPECT_EQ(on.run(bucket->list("mine", false)).objects.size(), 3u);
  EXPECT_EQ(on.run(bucket->get("mine/old + new/manifest.json", 0, 100, {}))->bytes, "no manifest of ours");
  store const ours{settings_, later, system_random(), "1.2.3", [](std::string_view) {}};
  EXPECT_TRUE(ours.list().empty());
}

TEST_F(object_storage_test, a_long_list_is_read_to_its_end) {
  shards on{1};
  http_client::client http{on, s3::http_settings(settings_.s3)};
  auto const bucket = s3::make_bucket(http, settings_.s3, "backups");
  for (int i = 0; i < 5; ++i) on.run(bucket->put("mine/few/" + std::to_string(i), "x"));
  std::vector<std::string> keys;
  unsigned pages = 0;
  for (std::string from;;) {
    auto const page = on.run(bucket->list("mine/few/", true, from, 2));
    for (auto const& o : page.objects) keys.push_back(o.key);
    ++pages;
    from = page.next;
    if (from.empty()) break;
  }
  EXPECT_EQ(keys.size(), 5u);
  EXPECT_GE(pages, 3u);

  // And more than a store ever puts into one page.
  constexpr int many = 1'005;
  for (int i = 0; i < many; ++i) on.run(bucket->put("mine/wal/" + std::to_string(i), "x"));
  EXPECT_FALSE(on.run(bucket->list("mine/wal/", true)).next.empty());
  auto const kept = make();
  auto names = kept->files("wal");
  EXPECT_EQ((std::set<std::string>{names.begin(), names.end()}.size()), static_cast<std::size_t>(many));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(many));
}

}  // namespace
}  // namespace slipway::backup
