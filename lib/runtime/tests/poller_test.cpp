#include <slipway/runtime/shards.hpp>

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <latch>

using namespace slipway;

namespace {

struct pair_of_sockets {
  int ours = -1, theirs = -1;
  pair_of_sockets() {
    int both[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both) != 0) std::abort();
    ours = both[0];
    theirs = both[1];
  }
  pair_of_sockets(pair_of_sockets const&) = delete;
  pair_of_sockets& operator=(pair_of_sockets const&) = delete;
  ~pair_of_sockets() {
    ::close(ours);
    if (theirs >= 0) ::close(theirs);
  }
  void say(std::string_view text) const { EXPECT_EQ(::write(theirs, text.data(), text.size()), ssize_t(text.size())); }
  void hang_up() { ::close(std::exchange(theirs, -1)); }
};

// Counts what it is told; `then` runs on the shard each time.
struct listening final : poller::watcher {
  void ready(std::uint32_t events) noexcept override {
    last = events;
    ++told;
    if (then) then();
    told.notify_all();
  }
  void wait_for(int count) {
    for (auto now = told.load(); now < count; now = told.load()) told.wait(now);
  }
  std::atomic<int> told{0};
  std::atomic<std::uint32_t> last{0};
  std::function<void()> then;
};

}  // namespace

TEST(poller, tells_once_what_a_socket_has_become) {
  shards all{1};
  pair_of_sockets s;
  listening l;
  all.on_each([&](shard& on) { EXPECT_TRUE(on.sockets().watch(s.ours, l)); });
  s.say("a");
  l.wait_for(1);
  EXPECT_EQ(l.last, poller::readable);
  // Nobody has read it, and it is not told again: a turn of the loop later there has been nothing more.
  all.on_each([](shard&) {});
  EXPECT_EQ(l.told, 1);
  s.say("b");
  l.wait_for(2);
  all.on_each([&](shard& on) { EXPECT_TRUE(on.sockets().watch_writable(s.ours, l)); });
  l.wait_for(3);
  EXPECT_EQ(l.last, poller::readable | poller::writable);
  s.hang_up();
  l.wait_for(4);
  EXPECT_NE(l.last & poller::ended, 0u);
  all.on_each([&](shard& on) { on.sockets().forget(l); });
}

TEST(poller, wakes_later_and_once) {
  shards all{1};
  pair_of_sockets s;
  listening l;
  all.on_each([&](shard& on) {
    EXPECT_TRUE(on.sockets().watch(s.ours, l));
    on.sockets().wake(l);
    on.sockets().wake(l);
    EXPECT_EQ(l.told, 0) << "not from within the call";
  });
  l.wait_for(1);
  EXPECT_EQ(l.last, 0u);
  all.on_each([](shard&) {});
  EXPECT_EQ(l.told, 1);
  all.on_each([&](shard& on) {
    on.sockets().wake(l);
    on.sockets().forget(l);
  });
  all.on_each([](shard&) {});
  EXPECT_EQ(l.told, 1) << "forgotten, and so never woken";
}

TEST(poller, forgets_what_this_turn_has_still_to_tell) {
  shards all{1};
  pair_of_sockets a, b;
  listening first, second;
  std::latch done{1};
  auto& sockets = all[0].sockets();
  // Whichever is told first takes the other away, as a connection does that ends another.
  first.then = [&] {
    sockets.forget(second);
    done.count_down();
  };
  second.then = [&] {
    sockets.forget(first);
    done.count_down();
  };
  all.on_each([&](shard& on) {
    EXPECT_TRUE(on.sockets().watch(a.ours, first));
    EXPECT_TRUE(on.sockets().watch(b.ours, second));
    a.say("a");
    b.say("b");
  });
  done.wait();
  all.on_each([](shard&) {});
  EXPECT_EQ(first.told + second.told, 1);
}

TEST(poller, forgets_a_socket_that_stays_open) {
  shards all{1};
  pair_of_sockets s;
  listening l;
  all.on_each([&](shard& on) {
    EXPECT_TRUE(on.sockets().watch(s.ours, l));
    on.sockets().forget(s.ours, l);
  });
  s.say("a");
  all.on_each([](shard&) {});
  all.on_each([](shard&) {});
  EXPECT_EQ(l.told, 0);
  all.on_each([&](shard& on) {
    EXPECT_TRUE(on.sockets().watch(s.ours, l)) << "it is not in the set any more";
    on.sockets().forget(s.ours, l);
  });
}

TEST(poller, a_socket_that_is_none_is_refused) {
  shards all{1};
  listening l;
  all.on_each([&](shard& on) {
    EXPECT_FALSE(on.sockets().watch(-1, l));
    EXPECT_FALSE(on.sockets().watch_writable(-1, l));
  });
}

TEST(shards, posts_from_many_threads_all_run) {
  shards all{2};
  constexpr int threads = 4, each = 2'000;
  std::atomic<int> ran{0};
  std::latch done{threads * each};
  {
    std::vector<std::jthread> posting;
    for (int t = 0; t < threads; ++t)
      posting.emplace_back([&, t] {
        for (int i = 0; i < each; ++i)
          all[static_cast<unsigned>(t) % 2].post([&] {
            ++ran;
            done.count_down();
          });
      });
  }
  done.wait();
  EXPECT_EQ(ran, threads * each);
}
