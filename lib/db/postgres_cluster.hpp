// Several PostgreSQL servers as one engine: a primary and its streaming replicas. Which of them is the primary is
// asked, not configured, and asked again all the time.
//
// Writes go to the one server that accepts them and has the highest timeline: whoever is promoted begins a new one, so
// a former primary that comes back, or never went away, is known by its lower one. As long as no server is known to be
// the primary, what needs one waits, at most `acquire_timeout`.
#pragma once

#include <slipway/core/counter.hpp>
#include <slipway/db/log_history.hpp>
#include <slipway/db/postgres_shard.hpp>
#include <slipway/db/postgres_watch.hpp>
#include <slipway/db/replicas.hpp>
#include <slipway/runtime/shards.hpp>

#include <atomic>
#include <condition_variable>
#include <list>
#include <mutex>

namespace slipway::db::detail {

// What is known of one server; written on the first shard, read by all.
struct pg_server {
  db::settings settings;
  std::string place;
  // The place in the log up to which reads see everything; zero: no reads for it.
  std::atomic<std::uint64_t> readable{0};
  std::atomic<std::uint64_t> position{0}, lag_bytes{0}, lag_us{0};
  std::atomic<server_part> part{server_part::unreachable};
  std::atomic<int> version{0};
  std::atomic<bool> answers{false};  // when it was last asked

  // On the first shard alone.
  std::shared_ptr<pg_watch> watch;
  pg_sample last;
  std::uint32_t proved = 0;  // the timeline on which it was seen streaming

  // Under the cluster's lock.
  std::string detail = "it was not asked yet";
  bool was_heard_of = false, says_no = false;  // and that will not change by itself
};

class pg_cluster;

// What one shard has of all servers.
class pg_cluster_part final : public pg_detour {
 public:
  pg_cluster_part(pg_cluster& of, shard& home, blocking_pool& helpers);

  bool start(operation& op) noexcept;
  // To the primary, wherever that is by then.
  bool launch(operation& op, bool notes);
  bool take(pg_shard& from, operation& op, std::string_view state) override;
  bool answers(pg_shard const& server) const noexcept override;
  void came_back(unsigned index);
  // The primary's part here. Waits for one. Throws unavailable_error and cancelled_error.
  task<pg_shard*> primary();
  // The primary's at the moment; null: there is none.
  pg_shard* primary_now() noexcept;
  // After something was written: notes how far the log is, for the operation that wrote.
  task<> note_write();
  void on_primary(int before, int now, std::string const& why);
  void close();

  pg_shard& server(unsigned index) noexcept { return *servers_[index]; }
  struct counters {
    std::vector<counter> reads;
    counter not_replayed, no_replica, asked_again;
    explicit counters(std::size_t servers) : reads(servers) {}
  };
  counters const& counted() const noexcept { return counters_; }

 private:
  struct waiter {
    one_shot done;
    std::exception_ptr error;
    std::chrono::steady_clock::time_point give_up, deadline;
  };
  struct question {
    one_shot done;
    std::uint64_t position = 0;
    std::exception_ptr error;
  };

  int reader_for(operation const& op) noexcept;
  // Takes the operation to the primary when there is one, and notes what it wrote.
  static task<> carry(pg_cluster_part& me, operation& op, std::coroutine_handle<> asking, bool notes);
  task<std::uint64_t> position_now();
  static task<> ask_positions(pg_cluster_part& me);
  void tick();
  void give_up(std::exception_ptr const& why, std::chrono::steady_clock::time_point now);

  pg_cluster& cluster_;
  shard& home_;
  std::vector<std::unique_ptr<pg_shard>> servers_;
  std::list<waiter*> waiters_;
  std::vector<std::shared_ptr<question>> questions_;
  counters counters_;
  operation* launching_ = nullptr;  // `start` has not returned yet
  unsigned turn_ = 0;
  bool launch_failed_ = false, asking_ = false, closing_ = false;
  shard::ticker ticker_;
};

class pg_cluster final : public engine, public pg_beginnings {
 public:
  // Waits until there is a primary and every server was heard of. Throws startup_error.
  pg_cluster(settings const& s, shards& on);
  ~pg_cluster() override;

  db::dialect kind() const noexcept override { return db::dialect::postgres; }
  std::string description() const override { return description_; }
  bool start(operation& op) noexcept override { return parts_.local()->start(op); }
  task<> script(std::string text) override;
  task<std::unique_ptr<copy_channel>> copy(std::string text, copy_direction direction) override;
  task<std::unique_ptr<listener>> listen(std::vector<std::string> channels, std::size_t queue) override;
  task<std::unique_ptr<exclusive>> begin(transaction_options options) override;
  task<> ping() override;
  db::usage use() const noexcept override;
  replication_status replication() const override;

 private:
  friend pg_cluster_part;

  task<pg_place> begin_now(isolation level) override;
  // A connection to the primary, where a transaction has begun or may.
  task<pg_place> place_for(isolation level, bool begun);
  void add_server(settings const& s, std::string url, std::string const& name);
  void wait_for_start();
  [[noreturn]] void refuse_start();
  void shut_down();
  // On the first shard.
  void on_sample(unsigned index, pg_sample const& sample);
  void on_lost(unsigned index, std::string const& why, bool is_final);
  void elect();
  void set_primary(int index);
  void judge(unsigned index);
  void describe(pg_server& one, server_part part, std::string detail);
  bool is_foreign(pg_server const& one) const noexcept;
  bool may_be_primary(pg_server const& one) const noexcept;
  void on_unknown_write();
  void learn_floor(pg_sample const& sample);

  settings const settings_;
  shards& on_;
  std::string description_;
  std::unique_ptr<blocking_pool> helpers_;
  std::vector<std::unique_ptr<pg_server>> servers_;
  per_shard<std::unique_ptr<pg_cluster_part>> parts_;
  std::atomic<int> primary_{-1}, last_primary_{-1};
  std::atomic<std::uint64_t> failovers_{0};
  // What an unknown write is certainly within; until the primary was asked after the last of them, nothing is.
  static constexpr std::uint64_t nobody_knows = ~std::uint64_t{0};
  std::atomic<std::uint64_t> floor_{0};
  std::chrono::steady_clock::time_point floor_since_{};

  // On the first shard alone.
  std::uint32_t timeline_ = 0;
  std::uint64_t system_ = 0;
  std::chrono::steady_clock::time_point lost_at_{};
  log_history history_;
  shard::ticker ticker_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace slipway::db::detail
