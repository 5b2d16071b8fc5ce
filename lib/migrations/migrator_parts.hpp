// What the migrator's two halves share.
#pragma once

#include <slipway/migrations/migrator.hpp>

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::migrations {

// In the column duration_ms: null while a migration without a transaction runs, and this when it failed.
inline constexpr std::int64_t failed_mark = -1;
inline constexpr std::chrono::milliseconds between_looks{100};

std::string label(migration const& m);
task<bool> has_table(db::session& in, std::string name);
// Takes the lock of the session and makes the table if need be. False: another runner has the lock.
task<bool> prepare_mysql(db::transaction& tx, std::chrono::milliseconds lock_timeout);

struct migrator::applied_row {
  std::int64_t version = 0;
  std::string name;
  std::string checksum;
  time_point applied_at{};
  std::optional<std::int64_t> duration;
  std::string progress;

  bool is_finished() const noexcept { return duration && *duration != failed_mark; }
  std::string label() const { return fmt::format("{:04}_{}", version, name); }
};

}  // namespace slipway::migrations
