// How old what a replica says can be. The offset that a primary had when it was asked is kept with that time: a replica
// that has replayed up to there has everything that was written before. No clock of a server is involved. Offsets of
// different histories (a server that was emptied, or promoted) are not compared.
// https://redis.io/docs/latest/operate/oss_and_stack/management/replication/
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::redis {

// Where a server is in a replication history.
struct position {
  std::string history;  // master_replid
  std::int64_t offset = 0;
  // The history that this one goes on from, after a failover, and up to where (master_replid2, second_repl_offset).
  std::string previous = {};
  std::int64_t previous_end = 0;
  bool operator==(position const&) const = default;
};
// Of INFO replication; nothing when it does not say.
std::optional<position> read_position(std::string_view info);

class freshness {
 public:
  using time = std::chrono::steady_clock::time_point;
  // `asked`: before the primary looked. In the order of time.
  void primary_was_at(position where, time asked);
  // Everything that was written before this time is in a replica at `where`; nothing: that is not known.
  std::optional<time> covered_by(position const& where) const noexcept;

 private:
  static constexpr std::size_t most = 1024;
  struct sample {
    std::int64_t offset;
    time asked;
  };
  std::string history_;
  std::deque<sample> samples_;
};

}  // namespace slipway::redis
