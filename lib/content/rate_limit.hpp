// Limits how often one client address may call. A token bucket for each address in a table of fixed size; the bucket
// that is fullest gives way when a set of the table is full, so a flood of addresses costs no memory and forgets
// those first whose limit is least used up.
//
// How exact: `divided` limits share nothing between shards. Each shard lets an address have `count` / shards for each
// window and the whole burst, so over many connections it has `count` for each window and at most burst x shards at
// once; over a single connection it has the burst, then its shard's part: `count` for each window times shards, which is
// what RateLimit-Policy says. `exact` limits keep one table for the process:
// exact over all connections, for one atomic exchange a request, which cores that serve the same address contend for.
#pragma once

#include <slipway/content/fields.hpp>
#include <slipway/http/router.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace slipway::content {

struct rate_limit {
  unsigned count = 0;               // requests for each window; zero: no limit
  std::chrono::seconds window{60};  // above zero
  unsigned burst = 0;               // at once; zero: `count`
};

// The table and the arithmetic alone (generic cell rate algorithm). Safe for several threads.
class bucket_table {
 public:
  // `slots` is rounded up to a power of two of at least 4; 16 bytes each.
  explicit bucket_table(std::size_t slots);

  // How fast tokens come back, in nanoseconds: `cost` for one, `span` for a full bucket.
  struct pace {
    std::uint64_t cost = 0, span = 0;
  };
  // Takes one token of `key` at `now` (nanoseconds, not going back). Zero: taken; else how long until there is one.
  std::uint64_t take(std::uint64_t key, std::uint64_t now, pace p) noexcept;
  // Tokens that are left.
  std::uint64_t left(std::uint64_t key, std::uint64_t now, pace p) const noexcept;

  // `take` in its three steps, for who counts instructions.
  struct slot {
    std::atomic<std::uint64_t> key{0};
    std::atomic<std::uint64_t> full_at{0};  // when the bucket will be full again
  };
  slot* find(std::uint64_t key) noexcept;  // null: not remembered
  static std::uint64_t take_from(slot& s, std::uint64_t now, pace p) noexcept;
  void take_new(std::uint64_t key, std::uint64_t now, pace p) noexcept;

 private:
  struct alignas(64) set {
    slot ways[4];
  };
  set& set_of(std::uint64_t key) noexcept { return sets_[(key >> 20) & mask_]; }

  std::vector<set> sets_;
  std::uint64_t mask_;
};

struct rate_limit_settings {
  bool enabled = true;          // off: everything passes, until `change_here` says otherwise
  rate_limit everyone{};        // for routes without a limit of their own; divided
  std::size_t slots = 16'384;   // addresses remembered, for each shard and for the exact table
  bool exact_routes = true;     // limits of single routes are exact
  bool headers_always = false;  // RateLimit fields on every answer, not only on 429
};

class rate_limiter final : public http::middleware {
 public:
  rate_limiter(rate_limit_settings settings, unsigned shards, error_page page = {});
  // The limit of one route, instead of everyone's, with buckets of its own; a count of zero: none. Before the first
  // request.
  // Throws std::invalid_argument when the window is not above zero.
  void limit(http::route const& r, rate_limit l);

  // From now on, for the calling shard alone: call it on each. What an address has used up stays used up.
  // Throws std::invalid_argument as `limit`.
  void change_here(bool enabled, rate_limit everyone);

  bool before(http::exchange& x) override;
  std::uint64_t refused() const noexcept { return refused_.load(std::memory_order_relaxed); }

 private:
  struct rule {
    bucket_table::pace pace;
    std::uint64_t salt = 0;
    bool exact = false;
    std::string policy, name;
    std::uint64_t quota = 0;
  };
  // What a shard has for itself, so that it may change without a lock.
  struct alignas(64) place {
    explicit place(std::size_t slots) : table{slots} {}
    bucket_table table;
    rule everyone;
    bool enabled = true;
  };
  place& here() const noexcept;
  bucket_table& table_of(rule const& r) const noexcept;
  rule make_rule(rate_limit l, std::string name, std::uint64_t salt, bool exact) const;
  // Each is the last call of its way through `before`, so that the common way saves no registers for them.
  // They find the bucket again rather than be handed it, for the same reason.
  [[gnu::noinline]] bool admit_new(http::exchange& x, rule const& r) const;
  [[gnu::noinline]] bool admit_and_tell(http::exchange& x, rule const& r) const;
  [[gnu::noinline]] bool refuse_now(http::exchange& x, rule const& r, std::uint64_t wait);
  void tell(http::exchange& x, rule const& r, std::uint64_t left, std::uint64_t wait) const;

  rate_limit_settings settings_;
  unsigned shards_;
  error_page page_;
  std::vector<std::unique_ptr<place>> places_;  // one for each shard
  mutable bucket_table exact_;
  std::vector<std::unique_ptr<rule>> routes_;  // by route::index; null: everyone's
  std::atomic<std::uint64_t> refused_{0};
};

}  // namespace slipway::content
