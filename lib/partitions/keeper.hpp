// Keeps tables in their partitions: those of the time to come are made before they are needed, those that are too old
// are taken away. PostgreSQL 14 or newer (declarative partitions) and MySQL, MariaDB (PARTITION BY RANGE COLUMNS). The
// migration makes the table; docs/scaling.md shows how.
//
//   partitions::keeper keeper{database, partitions::tables_of<event>(), settings, clock};
//   auto const done = co_await keeper.keep();
//
// Nobody waits for it: a lock that is not given within settings::lock_timeout is let go and asked for again later. On
// PostgreSQL a partition is attached and detached without keeping readers or writers out of the table.
#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/db/database.hpp>
#include <slipway/partitions/plan.hpp>
#include <slipway/partitions/settings.hpp>

#include <string>
#include <vector>

namespace slipway::partitions {

struct table_status {
  std::string name;
  std::vector<partition> there;  // ranges in the order of their time
  std::vector<change> due;
  std::string problem;  // not empty: why nothing, or not all, can be said or done
};

struct done_change {
  std::string table;
  change what;
  std::string error;  // empty: it is done
};

struct outcome {
  bool is_leader = true;  // false: another process is at it, and nothing was done
  std::vector<done_change> changes;
  std::vector<std::string> problems;
};

// For one caller at a time, on a shard. Throws what the database throws when it cannot be reached.
class keeper {
 public:
  // Throws startup_error(config) on SQLite when there are tables: it has no partitions.
  keeper(db::database& database, tables all, settings s, clock_source const& clock = system_clock());

  task<std::vector<table_status>> status();
  // Does what is due. What fails is told and left for the next time; the others go on.
  task<outcome> keep();
  // The statements for a change of a table, for those who want to read them first.
  task<std::string> sql(table const& t, change const& c);

 private:
  task<table_status> look(table const& t);
  task<> apply(table const& t, change const& c);
  task<> apply_patiently(table const& t, change const& c);
  task<outcome> keep_as_leader();

  db::database& database_;
  tables tables_;
  settings settings_;
  clock_source const& clock_;
};

}  // namespace slipway::partitions
