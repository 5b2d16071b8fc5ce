// Point-in-time recovery of PostgreSQL: a base backup of the whole server now and then, every segment of its
// write-ahead log as soon as it is full (PostgreSQL's archive_command), and from both the state of any moment.
//
//   archive_mode = on
//   archive_command = 'slipway backup archive-wal %p %f'
#pragma once

#include <slipway/backup/postgres_tools.hpp>
#include <slipway/backup/store.hpp>

#include <filesystem>
#include <string>

namespace slipway::backup {

class wal_archive {
 public:
  explicit wal_archive(store& in) : store_{in} {}

  // Keeps a segment, safe when it returns. The same one twice is fine, as PostgreSQL asks; another one under
  // the same name is refused: two servers archive into one place.
  void put(std::filesystem::path const& segment, std::string const& name);
  // False when there is no such segment, which is how recovery finds the end.
  bool get(std::string const& name, std::filesystem::path const& to);
  // Removes segments that are older than all base backups need.
  void prune();

 private:
  std::string path_of(std::string const& name) const;

  store& store_;
};

// The whole server, while it is used, as a backup with one entry "base".
manifest make_base_backup(store& in, postgres_tools const& tools);

struct recovery {
  std::filesystem::path into;   // a new data directory; must be empty
  std::string to_time;          // RFC 3339; empty: as far as the archive goes
  std::string restore_command;  // for postgresql.auto.conf; %f and %p as PostgreSQL has them
};
// Unpacks a base backup and tells the server that starts on it what to do: it replays the archive up to the moment and
// is then open for business.
void prepare_recovery(store const& in, manifest const& base, recovery const& how);

}  // namespace slipway::backup
