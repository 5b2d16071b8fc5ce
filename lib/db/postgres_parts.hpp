// PostgreSQL names the part of a partitioned table in which a constraint was violated. Programs know the table, so this
// asks the catalogue for it. For PostgreSQL's .cpp files; all of it happens on its shard's thread.
#pragma once

#include <slipway/core/task.hpp>
#include <slipway/db/driver.hpp>
#include <slipway/db/postgres_wire.hpp>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <tuple>

namespace slipway::db::detail {

class pg_shard;

class pg_parts {
 public:
  explicit pg_parts(pg_shard& here) noexcept : here_{here} {}

  // Completes an operation that failed and that no connection knows any more: at once, or when the name of the
  // constraint that it violated is known. A question to the server takes a moment, and for a minute the answer is kept.
  void complete_failed(operation& failed) noexcept;

 private:
  using clock = std::chrono::steady_clock;
  using key = std::tuple<constraint_kind, std::string, std::string, std::string>;
  struct answer {
    std::string table, constraint;
    clock::time_point asked_at;
  };
  static task<> look_up(pg_parts& me, operation& failed, violated_names names);
  // Nothing: the server does not know it (yet), or did not say.
  task<std::optional<answer>> ask(violated_names const& names, clock::time_point deadline);

  pg_shard& here_;
  std::map<key, answer> known_;
};

}  // namespace slipway::db::detail
