// What a backup must know of a database's engine: how its whole contents come out as one consistent stream while it is
// used, go back in, and are looked at for being whole.
#pragma once

#include <slipway/backup/stream.hpp>

#include <filesystem>
#include <memory>
#include <string>

namespace slipway::backup {

class engine {
 public:
  virtual ~engine() = default;
  virtual std::string name() const = 0;    // "sqlite", "postgres"
  virtual std::string suffix() const = 0;  // of the stream as a file: "sqlite", "dump"

  // As of one moment; others go on reading and writing.
  virtual void dump(sink& to) = 0;
  // Replaces what is there. Throws startup_error: data when the database has tables and `overwrite` was not said,
  // unavailable when it is in use where that is in the way. Nothing is changed when it fails.
  virtual void restore(source& from, bool overwrite) = 0;
  // Throws startup_error(exit_code::data) when a dump that was read in full is not one that could be restored.
  virtual void verify(source& from, std::filesystem::path const& scratch) = 0;
};

// For database.url. `client_directory`: where the engine's own programs are; empty: in the PATH. Throws startup_error
// for a URL that names no engine or a database in memory.
std::unique_ptr<engine> make_engine(std::string const& url, std::string const& client_directory);

namespace detail {
std::unique_ptr<engine> make_sqlite(std::string const& url);
std::unique_ptr<engine> make_mysql(std::string const& url, std::string const& client_directory);
std::unique_ptr<engine> make_postgres(std::string const& url, std::string const& client_directory);
}  // namespace detail

}  // namespace slipway::backup
