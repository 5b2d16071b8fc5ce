// Limits that two processes share, against a real server; two clients stand for the processes.
#include "../../redis/tests/server.hpp"

#include <slipway/limits/route_limits.hpp>
#include <slipway/limits/shared_throttle.hpp>

using namespace slipway;
using namespace slipway::limits;
using namespace slipway::redis::tests;
using namespace std::chrono_literals;

namespace {

struct shared_limits : fixture {
  void SetUp() override {
    fixture::SetUp();
    if (IsSkipped()) return;
    store.emplace();
    auto s = with(store->url());
    s.outage_patience = 50ms;
    one.emplace(redis::connect(s, on));
    two.emplace(redis::connect(s, on));
  }
  void TearDown() override {
    one.reset();
    two.reset();
  }
  std::optional<server> store;
  std::optional<redis::client> one, two;
};

task<int> admitted(shared_buckets& in, std::string key, pace p, int attempts) {
  int got = 0;
  for (int i = 0; i < attempts; ++i)
    if ((co_await in.take(key, p)).wait == 0us) ++got;
  co_return got;
}

TEST_F(shared_limits, a_bucket_is_exact_over_all) {
  shared_buckets first{*one}, second{*two};
  pace const slow{.cost = 60s, .span = 50 * 60s};
  std::atomic<int> sum{0}, left{4};
  for (unsigned i = 0; i < 4; ++i)
    on[i % 2].spawn([](shared_buckets& in, pace p, std::atomic<int>& all, std::atomic<int>& running) -> task<> {
      all += co_await admitted(in, "k", p, 40);
      --running;
    }(i < 2 ? first : second, slow, sum, left));
  ASSERT_TRUE(wait_until([&] { return left == 0; }));
  EXPECT_EQ(sum, 50);
  auto const refused = on.run(first.take("k", slow));
  EXPECT_GT(refused.wait, 0us);
  EXPECT_LE(refused.wait, 60s);
  EXPECT_EQ(on.run(first.take("other", slow)).left, 49u);
}

TEST_F(shared_limits, tokens_come_back_and_a_full_bucket_is_forgotten) {
  shared_buckets in{*one};
  pace const fast{.cost = 50ms, .span = 100ms};
  EXPECT_EQ(on.run(admitted(in, "k", fast, 3)), 2);
  EXPECT_TRUE(wait_until([&] { return on.run(admitted(in, "k", fast, 1)) == 1; }, 2s));
  EXPECT_TRUE(wait_until([&] { return store->cli({"dbsize"}) == "0"; }, 2s));
}

struct manual : auth::throttle {
  task<std::chrono::seconds> ask(std::string, std::string) override {
    ++asked;
    co_return 7s;
  }
  task<> failed(std::string, std::string) override { co_return; }
  task<> succeeded(std::string, std::string) override { co_return; }
  int asked = 0;
};

TEST_F(shared_limits, failed_logins_count_in_every_process_and_show_no_names) {
  manual own;
  shared_throttle first{*one, {}, fallback::memory, own}, second{*two, {}, fallback::memory, own};
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(on.run(second.ask("ada@example.com", "192.0.2.1")), 0s);
    on.run(first.failed("ada@example.com", "192.0.2.1"));
  }
  EXPECT_EQ(on.run(second.ask("ada@example.com", "192.0.2.1")), 1s);
  on.run(first.failed("ada@example.com", "192.0.2.1"));
  EXPECT_EQ(on.run(second.ask("ada@example.com", "192.0.2.1")), 2s);
  EXPECT_EQ(on.run(second.ask("ada@example.com", "192.0.2.2")), 0s);
  auto const keys = store->cli({"keys", "*"});
  EXPECT_FALSE(keys.contains("ada") || keys.contains("192")) << keys;
  on.run(second.succeeded("ada@example.com", "192.0.2.1"));
  EXPECT_EQ(on.run(first.ask("ada@example.com", "192.0.2.1")), 0s);
  EXPECT_EQ(own.asked, 0);
}

TEST_F(shared_limits, without_the_store_as_was_chosen) {
  manual own;
  shared_throttle lenient{*one, {}, fallback::memory, own}, strict{*one, {}, fallback::refuse, own};
  store->kill();
  ASSERT_TRUE(wait_until([&] { return one->use().open == 0; }));
  EXPECT_EQ(on.run(lenient.ask("a", "b")), 7s);
  EXPECT_EQ(own.asked, 1);
  EXPECT_EQ(lenient.store_failures(), 1u);
  EXPECT_THROW(on.run(strict.ask("a", "b")), unavailable_error);
}

}  // namespace
