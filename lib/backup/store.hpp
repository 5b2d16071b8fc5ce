// Backups in a directory or an object store: made, listed, proved to be whole, restored, and thrown away when there are
// enough.
//
//   var/backups/20261123T024400Z-9f3a/manifest.json
//                                     database.sqlite.zst.sealed
//                                     files.tar.zst.sealed
//
// A backup is there when it is complete and kept safe, or not at all (storage.hpp). All functions block, and throw startup_error with what to do.
#pragma once

#include <slipway/backup/engine.hpp>
#include <slipway/backup/sealed.hpp>
#include <slipway/backup/settings.hpp>
#include <slipway/backup/storage.hpp>
#include <slipway/core/clock.hpp>
#include <slipway/core/random.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::backup {

struct entry {
  std::string name;  // "database", "files", "base"
  std::string file;  // in the backup's directory
  std::uint64_t size = 0;
  std::string sha256;  // of the file as it lies there
};
BOOST_DESCRIBE_STRUCT(entry, (), (name, file, size, sha256))

struct manifest {
  int format = 1;
  std::string id;  // sorts by time
  time_point created_at{};
  std::string engine;
  std::string program;  // the version that made it
  bool encrypted = false;
  std::string first_wal;  // of a base backup: the first segment that it needs; else empty
  std::vector<entry> entries;

  std::uint64_t size() const noexcept;
  entry const* find(std::string_view name) const noexcept;
  // A PostgreSQL server as its files, from which its log leads to any moment.
  bool is_base() const noexcept;
};
BOOST_DESCRIBE_STRUCT(manifest, (), (format, id, created_at, engine, program, encrypted, first_wal, entries))

struct restore_options {
  bool overwrite = false;
  bool database = true, files = true;
};

class store {
 public:
  // `say` is told what happens, a line each.
  store(settings const& s, clock_source const& clock, random_source& random, std::string program, teller say);

  // The database and the files of the settings. Then the oldest of them go, down to settings.keep; base backups are
  // counted for themselves.
  manifest create(engine& database);
  // Another program's stream as a backup of its own, such as a base backup; prunes likewise.
  manifest create(std::string const& engine_name, std::string const& name, std::string const& suffix,
                  std::string const& first_wal, std::function<void(sink&)> const& fill);

  // The oldest first.
  std::vector<manifest> list() const;
  // The newest with a database when `id` is "latest". Throws data when there is none.
  manifest find(std::string_view id, std::string_view with = "database") const;

  // Reads all of it: what lies there is what was written, can be decrypted, and is a dump that could be restored.
  void verify(manifest const& which, engine& database) const;
  // Verifies, then restores.
  void restore(manifest const& which, engine& database, restore_options options) const;

  // One entry's plain content. `work` must read it to the end.
  void open(manifest const& which, entry const& what, std::function<void(source&)> const& work) const;
  std::optional<key> const& sealing_key() const;
  storage& kept_in() const noexcept { return *storage_; }

 private:
  class draft;
  void prune();
  void remove(manifest const& which) const;
  void check_digests(manifest const& which) const;
  std::unique_ptr<source> open_sealed(manifest const& which, entry const& what) const;

  settings const& settings_;
  clock_source const& clock_;
  random_source& random_;
  std::string program_;
  teller say_;
  std::unique_ptr<storage> storage_;
  mutable std::optional<key> key_;
};

}  // namespace slipway::backup
