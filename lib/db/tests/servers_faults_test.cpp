// Networks that fail, by a gate between the pool and the server. Whatever happens: errors are unavailable_error or the
// request's own deadline, service is back within five seconds, and nobody gets the answer of another.
#include "fault_gate.hpp"
#include "server_case.hpp"

#include <atomic>
#include <cstdio>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <thread>

namespace slipway::db::tests {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr int clients = 24;

struct tally {
  std::atomic<std::uint64_t> right{0}, wrong{0}, unavailable{0}, late{0}, other{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::map<std::string, int> texts;
};

// One request: reads its own row and, sometimes, changes it.
task<> request(database& db, int number, std::uint64_t round, tally& t) {
  auto const found = co_await db.query("select id, name, repeat(name, 40) from counters where id = $1", {number});
  auto const name = "n" + std::to_string(number);
  std::string often;
  for (int i = 0; i < 40; ++i) often += name;
  if (found.size() == 1 && found[0].get<int>(0) == number && found[0].get<std::string>(1) == name &&
      found[0].get<std::string>(2) == often)
    ++t.right;
  else
    ++t.wrong;
  if (number % 3 == 0 && round % 4 == 0)
    co_await db.transaction([number](transaction& tx) -> task<> {
      auto const row = co_await tx.query("select id from counters where id = $1 for update", {number});
      if (row[0].get<int>(0) != number) throw std::logic_error{"the row of another"};
      co_await tx.execute("update counters set value = value + 1 where id = $1", {number});
    });
}

task<> client(database& db, int number, tally& t, std::atomic<int>& running) {
  ++running;
  for (std::uint64_t round = 0; !t.stop; ++round) {
    context limit;
    limit.deadline = shard::current().coarse_now() + 700ms;
    one_shot over;
    bool pause = false;
    start_detached(
        [](database& d, int n, std::uint64_t r, tally& out, bool& failed, one_shot& done) -> task<> {
          try {
            co_await request(d, n, r, out);
          } catch (unavailable_error const&) {
            ++out.unavailable;
            failed = true;
          } catch (cancelled_error const&) {
            ++out.late;
            failed = true;
          } catch (std::exception const& e) {
            ++out.other;
            failed = true;
            std::lock_guard const lock{out.mutex};
            ++out.texts[e.what()];
          }
          done.fire();
        }(db, number, round, t, pause, over),
        &limit);
    co_await over;
    co_await sleep_for(pause ? 20ms : 1ms);
  }
  --running;
}

// The database behind a gate.
class gated_server : public server_case, public testing::WithParamInterface<db::dialect> {
 protected:
  void SetUp() override {
    std::string why_not;
    sql_server* server = nullptr;
    if (GetParam() == db::dialect::mysql)
      server = mysql_server::shared(why_not);
    else
      server = postgres_server::shared(why_not);
    begin(server, why_not, GetParam());
    if (IsSkipped()) return;
    if (!server->is_ours()) GTEST_SKIP() << "SKIPPED LOUDLY: this needs a server of our own";
    for (int i = 1; i <= clients; ++i) run(db_->insert(counter{.id = i, .name = "n" + std::to_string(i)}));
    gate_.reset(new fault_gate{server->port()});
    auto const at = ":" + std::to_string(server->port()) + "/";
    settings_.url.replace(settings_.url.find(at), at.size(), ":" + std::to_string(gate_->port()) + "/");
    settings_.url += "?sslmode=disable";
    straight_ = std::move(db_);
  }

  std::unique_ptr<fault_gate> gate_;
  std::unique_ptr<database> straight_;  // past the gate
};

class server_faults : public gated_server {
 protected:
  void SetUp() override {
    gated_server::SetUp();
    if (IsSkipped()) return;
    straight_.reset();
    settings_.acquire_timeout = 1s;
    settings_.connect_timeout = 2s;
    settings_.idle_check = 1s;
    open();
    for (unsigned s = 0; s < 2; ++s)
      shards_[s].spawn([](database& db, int first, tally& t, std::atomic<int>& running) -> task<> {
        co_await all_at_once(clients / 2, [&](int i) { return client(db, first + i, t, running); });
      }(*db_, 1 + static_cast<int>(s) * clients / 2, t_, running_));
    ASSERT_TRUE(wait_for_right(300));
  }
  void TearDown() override {
    if (gate_) gate_->pass();
    end();
    EXPECT_EQ(t_.wrong, 0u);
    EXPECT_EQ(t_.other, 0u);
    for (auto const& [text, count] : t_.texts) ADD_FAILURE() << count << " times: " << text;
  }
  void end() {
    t_.stop = true;
    while (running_ != 0) std::this_thread::sleep_for(1ms);
    db_.reset();
  }
  bool wait_for_right(std::uint64_t more, std::chrono::seconds at_most = 20s) {
    auto const goal = t_.right + more;
    auto const end = steady::now() + at_most;
    while (t_.right < goal && steady::now() < end) std::this_thread::sleep_for(1ms);
    return t_.right >= goal;
  }
  // A fault for a while; then the time until a hundred answers have come again.
  void suffer(char const* what, std::function<void()> const& fault, std::chrono::milliseconds how_long) {
    auto const before = t_.unavailable + t_.late;
    fault();
    std::this_thread::sleep_for(how_long);
    gate_->pass();
    auto const began = steady::now();
    EXPECT_TRUE(wait_for_right(100)) << what;
    auto const took = steady::now() - began;
    EXPECT_LT(took, 5s) << what;
    std::printf("%-12s back after %lld ms, %llu requests failed cleanly\n", what,
                static_cast<long long>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()),
                static_cast<unsigned long long>(t_.unavailable + t_.late - before));
  }

  tally t_;
  std::atomic<int> running_{0};
};

INSTANTIATE_TEST_SUITE_P(engines, server_faults, testing::Values(db::dialect::postgres, db::dialect::mysql),
                         engine_name);

TEST_P(server_faults, cut) {
  for (int i = 0; i < 5; ++i) suffer("cut", [this] { gate_->cut(); }, 50ms);
}

TEST_P(server_faults, refused) {
  suffer("refused", [this] { gate_->refuse(); }, 1500ms);
}

TEST_P(server_faults, stalled) {
  suffer("stalled", [this] { gate_->stall(); }, 2500ms);
  EXPECT_GT(t_.late, 0u);
}

// What still wants an answer then, be it that a statement was cancelled, is not waited for.
TEST_P(server_faults, a_silent_server_does_not_hold_up_the_end) {
  gate_->stall();
  auto const late = t_.late.load();
  auto const patience = steady::now() + 10s;
  while (t_.late < late + 20 && steady::now() < patience) std::this_thread::sleep_for(10ms);
  EXPECT_GE(t_.late, late + 20);
  auto const began = steady::now();
  end();
  EXPECT_LT(steady::now() - began, 30s);
}

// The connections that are there never say a word again, as behind a firewall that forgot them; new ones work.
TEST_P(server_faults, forgotten) {
  auto const before = t_.late.load();
  auto const began = steady::now();
  gate_->freeze();
  std::this_thread::sleep_for(300ms);  // what is on its way arrives
  EXPECT_TRUE(wait_for_right(100));
  EXPECT_LT(steady::now() - began, 6s);  // from the fault on, not from its end
  EXPECT_GT(t_.late, before);
  auto const ending = steady::now();
  // Nobody waits long for the end of a transaction that is not heard of either: it was 35 s.
  end();
  EXPECT_LT(steady::now() - ending, 20s);
}

// At many places of many messages.
TEST_P(server_faults, truncated) {
  for (std::size_t after : {1u, 4u, 5u, 17u, 100u, 333u, 1000u, 4097u, 20'000u})
    suffer("truncated", [this, after] { gate_->truncate(after); }, 100ms);
}

TEST_P(server_faults, delayed) {
  suffer("delayed", [this] { gate_->delay(150ms); }, 1s);
  suffer("much delayed", [this] { gate_->delay(1200ms); }, 2s);
}

TEST_P(server_faults, octet_by_octet) {
  auto const before = t_.right.load();
  suffer("dripping", [this] { gate_->drip(1); }, 2s);
  EXPECT_GT(t_.right, before);
  suffer("by sevens", [this] { gate_->drip(7); }, 1s);
}

// A connection that ends between a question and its answer.
class server_outcomes : public gated_server {
 protected:
  void SetUp() override {
    gated_server::SetUp();
    if (IsSkipped()) return;
    settings_.connections = settings_.pipelines = 1;
    open();
    // What is prepared on a connection is sent with its values at once.
    run(all_at_once(4, [this](int i) { return renames(*db_, "prepared " + std::to_string(i)); }));
  }
  void TearDown() override {
    if (gate_) gate_->pass();
    db_.reset();
    straight_.reset();
  }
  static task<> renames(session& s, std::string name) {
    co_await s.execute("update counters set name = $1, value = value + 1 where id = 1", {std::move(name)});
  }
  counter first() { return run(straight_->find<counter>(std::int64_t{1})).value(); }
  // How the work ends whose connection is cut once this holds.
  std::string outcome_of(task<> work, std::function<bool()> const& meanwhile) {
    auto ended = std::async(std::launch::async, [&]() -> std::string {
      try {
        run(std::move(work));
      } catch (unknown_outcome_error const&) {
        return "nobody knows";
      } catch (unavailable_error const&) {
        return "not done";
      }
      return "done";
    });
    EXPECT_TRUE(soon(meanwhile)) << "the server did not get so far";
    EXPECT_NE(ended.wait_for(0s), std::future_status::ready) << "the gate lets answers through";
    gate_->cut();
    return ended.get();
  }
};

INSTANTIATE_TEST_SUITE_P(engines, server_outcomes, testing::Values(db::dialect::postgres, db::dialect::mysql),
                         engine_name);

TEST_P(server_outcomes, of_a_change_whose_answer_is_lost_nobody_knows_and_it_is_not_repeated) {
  auto const before = first().value;
  gate_->withhold();
  EXPECT_EQ(outcome_of(renames(*db_, "changed"), [this] { return first().name == "changed"; }), "nobody knows");
  EXPECT_EQ(first().value, before + 1);
}

TEST_P(server_outcomes, of_a_commit_whose_answer_is_lost_nobody_knows_and_it_is_not_repeated) {
  auto const before = first().value;
  auto changes = db_->transaction([this](transaction& tx) -> task<> {
    co_await renames(tx, "committed");
    gate_->withhold();
  });
  EXPECT_EQ(outcome_of(std::move(changes), [this] { return first().name == "committed"; }), "nobody knows");
  EXPECT_EQ(first().value, before + 1);
}

TEST_P(server_outcomes, a_transaction_that_is_cut_before_its_commit_is_not_done) {
  auto const before = first();
  auto changes = db_->transaction([this](transaction& tx) -> task<> {
    co_await renames(tx, "begun");
    gate_->withhold();
    co_await renames(tx, "never kept");
  });
  EXPECT_EQ(outcome_of(std::move(changes), [this] { return gate_->was_told("never kept"); }), "not done");
  EXPECT_EQ(first().name, before.name);
  EXPECT_EQ(first().value, before.value);
}

TEST_P(server_outcomes, a_read_whose_answer_is_lost_is_asked_again) {
  auto const reads = [](database& d) -> task<> {
    EXPECT_EQ((co_await d.query("select name from counters where name = $1", {"n7"})).size(), 1u);
  };
  run(reads(*db_));
  gate_->withhold();
  EXPECT_EQ(outcome_of(reads(*db_), [this] { return gate_->was_told("n7"); }), "done");
}

}  // namespace
}  // namespace slipway::db::tests
