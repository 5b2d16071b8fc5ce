// Limits that two processes share, against a real server; two clients stand for the processes.
#include "../../redis/tests/server.hpp"

#include <slipway/http/address.hpp>
#include <slipway/limits/route_limits.hpp>
#include <slipway/limits/shared_throttle.hpp>

#include <random>

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

// What a request from there gets: 200 from the handler, or 429.
int status_of(shards& on, route_limits& limits, http::route const& r, std::string const& from) {
  http::exchange x;
  x.route = &r;
  x.request.peer = {.address = from, .address_hash = http::address::parse(from).value().hash()};
  on.run(limits.around(x, [](http::exchange&) -> task<> { co_return; }));
  return x.response.status;
}

TEST_F(shared_limits, a_route_counts_a_network_as_one_in_every_process_and_shows_no_addresses) {
  route_limits first{*one, fallback::refuse}, second{*two, fallback::refuse};
  http::route r{.verb = http::method::post, .pattern = "/v1/users"};
  for (auto* each : {&first, &second}) each->limit(r, {.count = 2});
  EXPECT_EQ(status_of(on, first, r, "2001:db8::1"), 200);
  EXPECT_EQ(status_of(on, second, r, "2001:db8::2"), 200);
  EXPECT_EQ(status_of(on, first, r, "2001:db8::ffff:0:3"), 429) << "whoever has one of these has the other 2^64";
  EXPECT_EQ(first.refused(), 1u);
  EXPECT_EQ(status_of(on, first, r, "2001:db8:0:1::1"), 200);
  EXPECT_EQ(status_of(on, first, r, "192.0.2.1"), 200);
  EXPECT_EQ(status_of(on, first, r, "192.0.2.2"), 200);
  EXPECT_EQ(store->cli({"dbsize"}), "4");
  auto const keys = store->cli({"keys", "*"});
  EXPECT_TRUE(keys.contains("limit:POST /v1/users:")) << keys;
  for (std::string const from : {"2001:db8::1", "192.0.2.1"})
    EXPECT_FALSE(keys.contains(from) || keys.contains(std::to_string(http::address::parse(from)->hash()))) << keys;
}

TEST_F(shared_limits, a_route_without_the_store_does_as_was_chosen) {
  route_limits lenient{*one, fallback::memory}, strict{*one, fallback::refuse};
  http::route r{.verb = http::method::post, .pattern = "/v1/users"};
  for (auto* each : {&lenient, &strict}) each->limit(r, {.count = 1});
  store->kill();
  ASSERT_TRUE(wait_until([&] { return one->use().open == 0; }));
  EXPECT_EQ(status_of(on, lenient, r, "192.0.2.1"), 200);
  EXPECT_EQ(status_of(on, lenient, r, "192.0.2.1"), 429);
  EXPECT_EQ(lenient.store_failures(), 2u);
  EXPECT_THROW(status_of(on, strict, r, "192.0.2.1"), unavailable_error);
  strict.set_enabled(false);
  EXPECT_EQ(status_of(on, strict, r, "192.0.2.1"), 200);
}

struct manual : auth::throttle {
  task<std::chrono::seconds> ask(std::string, std::string) override {
    ++asked;
    co_return 7s;
  }
  task<> failed(std::string, std::string) override { co_return; }
  task<> succeeded(std::string, std::string) override { co_return; }
  task<> withdrawn(std::string, std::string) override { co_return; }
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

TEST_F(shared_limits, of_a_burst_of_logins_no_more_are_let_in_than_one_after_the_other) {
  manual own;
  shared_throttle first{*one, {}, fallback::refuse, own}, second{*two, {}, fallback::refuse, own};
  std::atomic<int> let_in{0}, left{25};
  for (unsigned i = 0; i < 25; ++i)
    on[i % 2].spawn([](shared_throttle& in, std::atomic<int>& sum, std::atomic<int>& running) -> task<> {
      if (co_await in.ask("ada@example.com", "192.0.2.1") == 0s) ++sum;
      --running;
    }(i % 2 ? first : second, let_in, left));
  ASSERT_TRUE(wait_until([&] { return left == 0; }));
  EXPECT_EQ(let_in, 5);
  EXPECT_EQ(on.run(first.ask("ada@example.com", "192.0.2.2")), 0s) << "the owner, elsewhere";
  on.run(first.succeeded("ada@example.com", "192.0.2.2"));
  for (int i = 0; i < 5; ++i) on.run(first.withdrawn("ada@example.com", "192.0.2.1"));
  EXPECT_EQ(store->cli({"dbsize"}), "0");
}

TEST_F(shared_limits, an_attempt_whose_client_leaves_meanwhile_ends_in_the_store_as_well) {
  manual own;
  shared_throttle in{*one, {}, fallback::refuse, own};
  on.run([](shared_throttle& to) -> task<> {
    context leaving;
    co_await slipway::detail::with_context{&leaving};
    std::function<task<bool>()> const compare = [&leaving]() -> task<bool> {
      leaving.cancel(cancel_reason::client_gone);
      co_return true;
    };
    auto const good = co_await auth::attempt(to, "ada@example.com", "192.0.2.1", compare);
    EXPECT_TRUE(good && *good);
    co_await uncancellable();  // the context ends here
  }(in));
  EXPECT_EQ(store->cli({"dbsize"}), "0") << "it stays counted";
}

TEST_F(shared_limits, of_a_comparison_and_a_store_that_fail_the_first_is_told) {
  manual own;
  shared_throttle in{*one, {}, fallback::refuse, own};
  std::string said;
  on.run([](shared_throttle& to, server& kept, std::string& out) -> task<> {
    std::function<task<bool>()> const compare = [&kept]() -> task<bool> {
      kept.kill();
      throw unavailable_error{"too much to hash"};
      co_return false;
    };
    try {
      (void)co_await auth::attempt(to, "ada@example.com", "192.0.2.1", compare);
    } catch (unavailable_error const& failed) {
      out = failed.what();
    }
  }(in, *store, said));
  EXPECT_EQ(said, "too much to hash");
  EXPECT_EQ(in.store_failures(), 1u);
}

// The rule is there twice, in C++ and in the script.
TEST_F(shared_limits, the_script_decides_as_the_rule_in_memory_does) {
  auth::throttle_settings const s{.first_delay = 1min, .longest_delay = 1h};  // so that no wait ends meanwhile
  manual unused;
  shared_throttle shared{*one, s, fallback::refuse, unused};
  auth::throttle_in_memory own{s};
  std::minstd_rand random{7};
  int refused = 0;
  for (int step = 0; step < 600; ++step) {
    auto const pick = [&random](unsigned among) { return std::to_string(random() % among); };
    auto const account = "a" + pick(3), address = "i" + pick(2);
    auto const wait = on.run(own.ask(account, address));
    auto const found = on.run(shared.ask(account, address));
    ASSERT_LE(std::chrono::abs(found - wait), 1s) << step << ": " << found.count() << " and " << wait.count();
    ASSERT_EQ(found == 0s, wait == 0s) << step;
    if (wait > 0s) ++refused;
    auto const how = random() % 8;
    auto const tell = [&](auth::throttle& in) {
      if (how < 2) on.run(in.succeeded(account, address));
      if (how == 2) on.run(in.withdrawn(account, address));
      if (how == 3) on.run(in.failed(account, address));
    };
    tell(own);
    tell(shared);
  }
  EXPECT_GT(refused, 20);
  EXPECT_LT(refused, 580);
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
