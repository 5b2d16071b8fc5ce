// Who may take a profile and when it ends, with a recorder that does as it is told.
#include <slipway/core/errors.hpp>
#include <slipway/profiles/profiler.hpp>
#include <slipway/runtime/shards.hpp>

#include <gtest/gtest.h>

using namespace slipway;
using namespace std::chrono_literals;

namespace {

constexpr auto long_enough_to_be_seen = 60s;

struct script {
  std::counting_semaphore<100> begun{0};
  std::atomic<int> begins{0}, finishes{0};
  std::atomic<bool> full{false}, missing{false}, broken{false};
};

class obedient final : public profiles::recorder {
 public:
  explicit obedient(script& s) : script_{s} {}
  result<void> begin(std::chrono::seconds) override {
    if (script_.missing) return std::unexpected{fault::conflict("profiler_missing")};
    ++script_.begins;
    script_.begun.release();
    return {};
  }
  bool full() const noexcept override { return script_.full; }
  std::string finish() override {
    ++script_.finishes;
    if (script_.broken) throw unavailable_error{"the file is gone"};
    return "bytes";
  }

 private:
  script& script_;
};

// What came of it, as one word.
task<std::string> outcome(task<result<std::string>> work) {
  try {
    auto const out = co_await std::move(work);
    co_return out ? *out : std::string{out.error().code()};
  } catch (std::exception const& error) {
    co_return error.what();
  }
}
task<> keep(task<std::string> work, std::string& out, std::binary_semaphore& done) {
  out = co_await std::move(work);
  done.release();
}

class profiler : public testing::Test {
 protected:
  void ask(std::chrono::seconds how_long, context* operation = nullptr) {
    on[1].spawn(keep(outcome(profiler_->cpu(how_long)), first, over), operation);
    recorded.begun.acquire();
  }
  std::string ask_and_wait(std::chrono::seconds how_long) { return on.run(outcome(profiler_->cpu(how_long))); }

  script recorded;
  shards on{2};
  std::string first;
  std::binary_semaphore over{0};
  std::vector<std::string> told;
  std::unique_ptr<profiles::profiler> profiler_ =
      profiles::make_profiler(true, {.cpu = std::make_unique<obedient>(recorded),
                                     .heap = std::make_unique<obedient>(recorded),
                                     .tell = [this](auto const& t) { told.emplace_back(t.what); }});
};

}  // namespace

TEST_F(profiler, is_off_until_it_is_allowed) {
  profiler_->allow(false);
  EXPECT_EQ(ask_and_wait(1s), "not_found");
  EXPECT_EQ(on.run(outcome(profiler_->heap(0s))), "not_found");
  EXPECT_EQ(recorded.begins, 0);
  profiler_->allow(true);
  EXPECT_EQ(on.run(outcome(profiler_->heap(0s))), "bytes");
  EXPECT_EQ(told, std::vector<std::string>{"heap"});
}

TEST_F(profiler, takes_one_at_a_time) {
  ask(long_enough_to_be_seen);
  EXPECT_EQ(ask_and_wait(1s), "profile_running");
  EXPECT_EQ(on.run(outcome(profiler_->heap(0s))), "profile_running");
  recorded.full = true;
  over.acquire();
  EXPECT_EQ(first, "bytes") << "what is full is complete";
  EXPECT_EQ(ask_and_wait(1s), "bytes") << "the next one may";
  EXPECT_EQ(recorded.begins, recorded.finishes);
}

TEST_F(profiler, lasts_as_long_as_was_asked) {
  auto const since = std::chrono::steady_clock::now();
  EXPECT_EQ(ask_and_wait(1s), "bytes");
  EXPECT_GE(std::chrono::steady_clock::now() - since, 1s);
}

TEST_F(profiler, ends_with_an_asker_that_goes_away) {
  context operation;
  ask(long_enough_to_be_seen, &operation);
  on[1].post([&] { operation.cancel(cancel_reason::client_gone); });
  over.acquire();
  EXPECT_EQ(first, "the client went away");
  EXPECT_EQ(recorded.finishes, 1);
  EXPECT_TRUE(told.empty());
  recorded.full = true;
  EXPECT_EQ(ask_and_wait(1s), "bytes");
}

TEST_F(profiler, ends_with_the_process) {
  ask(long_enough_to_be_seen);
  profiler_->close();
  over.acquire();
  EXPECT_EQ(first, "unavailable");
  EXPECT_EQ(recorded.finishes, 1);
  EXPECT_EQ(ask_and_wait(1s), "unavailable") << "and no other begins";
  EXPECT_EQ(recorded.begins, 1);
}

TEST_F(profiler, a_failure_leaves_the_way_free) {
  recorded.missing = true;
  EXPECT_EQ(ask_and_wait(1s), "profiler_missing");
  recorded.missing = false;
  recorded.broken = true;
  recorded.full = true;
  EXPECT_EQ(ask_and_wait(1s), "the file is gone");
  recorded.broken = false;
  EXPECT_EQ(ask_and_wait(1s), "bytes");
}
