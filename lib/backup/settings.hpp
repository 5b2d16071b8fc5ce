// Where backups go, how long they stay, and what seals them.
#pragma once

#include <slipway/meta/description.hpp>
#include <slipway/s3/settings.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace slipway::backup {

struct settings {
  std::string directory = "var/backups";
  std::string storage;
  s3::settings s3;
  bool encrypt = true;
  std::string key_file = "var/backup.key";
  std::vector<std::string> files{"var/keys"};
  std::uint32_t keep = 14;
  std::string client_directory;
};
BOOST_DESCRIBE_STRUCT(settings, (), (directory, storage, s3, encrypt, key_file, files, keep, client_directory))

}  // namespace slipway::backup

template <>
inline constexpr auto slipway::rules_of<slipway::backup::settings> = slipway::rules(
    field(&slipway::backup::settings::directory)
        .not_blank()
        .help("Where backups are kept; best a disk of another machine. With an object store only scratch files of "
              "`verify` are here. Made when it is missing, with a parent only right in the working directory."),
    field(&slipway::backup::settings::storage)
        .optional()
        .format("storage", "^s3://[a-z0-9][a-z0-9.-]+[a-z0-9](/[A-Za-z0-9._-]+)*/?$", slipway::s3::is_location)
        .help("Instead of the directory: s3://bucket or s3://bucket/prefix of an object store, of which s3 says more."),
    field(&slipway::backup::settings::encrypt).help("Whether backups are encrypted with the key of key_file."),
    field(&slipway::backup::settings::key_file)
        .help("The key, made by `slipway backup key`. Keep a copy elsewhere: without it no backup can be read."),
    field(&slipway::backup::settings::files)
        .help("Files and directories that belong to a backup besides the database."),
    field(&slipway::backup::settings::keep)
        .minimum(1)
        .maximum(10'000)
        .help("How many backups stay, and as many base backups (PostgreSQL), which are counted apart; the oldest of a "
              "kind go when a new one of it is complete. The archived log stays from the oldest base backup on."),
    field(&slipway::backup::settings::client_directory)
        .help("Where pg_dump and the like are, when they are not in the PATH or there are several versions."));
