// Data for an environment: SQL files (seeds/development/*.sql) or code. What has run is in the table schema_seeds and
// does not run again, unless its file or its edition changed; everything must bear to be run twice all the same.
#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/db/database.hpp>
#include <slipway/migrations/catalog.hpp>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::migrations {

class seeder {
 public:
  virtual ~seeder() = default;
  // What it is recorded as: "accounts".
  virtual std::string_view name() const noexcept = 0;
  // Raised when it has more to do than it had.
  virtual unsigned edition() const noexcept { return 1; }
  virtual bool is_for(std::string_view environment) const noexcept { return environment == "development"; }
  virtual task<> run(db::database& database) = 0;
};

struct seed_files {
  std::string directory;    // for messages: "seeds/development"
  std::vector<file> files;  // as in migrations/, 0001_notes.mysql.sql replaces 0001_notes.sql on MySQL
};

// Runs what is for the environment and has not run: the files first, by name, each in one transaction, then `seeders`
// in their order. `again` runs all of it. Returns the names of what ran. Throws startup_error(exit_code::data) naming
// file, line and error for SQL that fails or that begins and ends transactions by itself. The changes of MySQL's
// tables themselves (CREATE, ALTER) cannot be taken back there.
task<std::vector<std::string>> run_seeds(db::database& database, std::string environment, seed_files from,
                                         std::span<seeder* const> seeders, bool again = false,
                                         clock_source const& clock = system_clock());

}  // namespace slipway::migrations
