// The commands of `backup`.
#include <slipway/backup/engine.hpp>
#include <slipway/backup/store.hpp>
#include <slipway/backup/wal.hpp>

#include "cmd/server/command_line.hpp"

#include <slipway/core/errors.hpp>
#include <slipway/core/time.hpp>
#include <slipway/json/writer.hpp>

#include <fmt/format.h>

#include <filesystem>
#include <functional>

namespace app {
namespace {

constexpr int recovery_must_stop = 255;

// A place without its keys is found here, because no rule about one setting can say it.
void need_keys(config::loaded<settings> const& in) {
  auto const& s = in.value.backup;
  auto const missing = s.s3.access_key.empty() ? "access_key" : s.s3.secret_key.empty() ? "secret_key" : "";
  if (s.storage.empty() || *missing == '\0') return;
  throw startup_error{
      exit_code::config,
      config::at_its_place(
          in.came, "backup.storage",
          fmt::format("backup.storage: {} is used with keys: set backup.s3.{} as well, in the same file by a reference "
                      "such as ${{file:/run/secrets/s3}}, or as SLIPWAY_BACKUP__S3__{}",
                      s.storage, missing, s.s3.access_key.empty() ? "ACCESS_KEY" : "SECRET_KEY"))};
}

int with_store(invocation const& in, std::function<int(settings const&, backup::store&)> const& work) {
  auto const loaded = in.load();
  need_keys(loaded);
  backup::store store{loaded.value.backup, system_clock(), system_random(), version_text(),
                      [](std::string_view line) { fmt::print("{}\n", line); }};
  return work(loaded.value, store);
}

std::unique_ptr<backup::engine> engine_of(settings const& s) {
  return backup::make_engine(s.database.url, s.backup.client_directory);
}

backup::postgres_tools postgres_of(settings const& s) {
  if (!s.database.url.starts_with("postgres"))
    throw startup_error{exit_code::config, "base backups are PostgreSQL's: database.url names another engine"};
  return {s.database.url, s.backup.client_directory};
}

// One word of a shell's command in which a percent sign has a meaning of PostgreSQL's.
std::string word(std::string_view text) {
  std::string out = "'";
  for (char const c : text) out += c == '\'' ? std::string{"'\\''"} : c == '%' ? std::string{"%%"} : std::string{c};
  return out + "'";
}

// For postgresql.auto.conf: a server has neither our directory nor our variables.
std::string restore_command(settings const& s, config::sources const& from) {
  namespace fs = std::filesystem;
  auto const& b = s.backup;
  auto const absolute = [](fs::path const& path) { return word(fs::absolute(path).string()); };
  auto where = "SLIPWAY_BACKUP__DIRECTORY=" + absolute(b.directory);
  if (!b.storage.empty()) {
    // The keys are not here: everybody who may read the data directory would have them.
    where += fmt::format(
        " SLIPWAY_BACKUP__STORAGE={} SLIPWAY_BACKUP__S3__ENDPOINT={} SLIPWAY_BACKUP__S3__REGION={} "
        "SLIPWAY_BACKUP__S3__PATH_STYLE={} SLIPWAY_BACKUP__S3__PRIVATE_NETWORK={}",
        word(b.storage), word(b.s3.endpoint), word(b.s3.region), b.s3.path_style, b.s3.private_network);
    if (!b.s3.ca_file.empty()) where += " SLIPWAY_BACKUP__S3__CA_FILE=" + absolute(b.s3.ca_file);
  }
  return fmt::format(
      "env SLIPWAY_ENVIRONMENT={} SLIPWAY_CONFIG={} {} SLIPWAY_BACKUP__KEY_FILE={} SLIPWAY_BACKUP__ENCRYPT={} "
      "{} backup fetch-wal %f \"%p\"",
      word(from.environment), absolute(from.directory), where, absolute(b.key_file), b.encrypt,
      word(fs::read_symlink("/proc/self/exe").string()));
}

}  // namespace

int backup_key(invocation const& in) {
  auto const loaded = in.load();
  backup::make_key(loaded.value.backup.key_file);
  fmt::print("made {}: keep a copy elsewhere, for without it no backup can be read\n", loaded.value.backup.key_file);
  return 0;
}

int backup_create(invocation const& in) {
  return with_store(in, [](settings const& s, backup::store& store) {
    auto const made = store.create(*engine_of(s));
    fmt::print("{} is complete\n", made.id);
    return 0;
  });
}

int backup_list(invocation const& in, bool json) {
  return with_store(in, [json](settings const&, backup::store& store) {
    auto const all = store.list();
    if (json) {
      fmt::print("{}\n", json::write(all));
      return 0;
    }
    for (auto const& m : all) {
      std::string what;
      for (auto const& e : m.entries) what += (what.empty() ? "" : ", ") + e.name;
      fmt::print("{}  {:>12} bytes  {:<9} {}{}\n", m.id, m.size(), m.engine, what, m.encrypted ? ", sealed" : "");
    }
    if (all.empty())
      fmt::print("There is no backup in {}: `slipway backup create` makes one.\n", store.kept_in().describe());
    return 0;
  });
}

int backup_verify(invocation const& in, std::string const& id) {
  return with_store(in, [&id](settings const& s, backup::store& store) {
    store.verify(store.find(id), *engine_of(s));
    return 0;
  });
}

int backup_restore(invocation const& in, restore_wish const& wish) {
  return with_store(in, [&wish](settings const& s, backup::store& store) {
    auto const which = store.find(wish.id);
    store.restore(which, *engine_of(s),
                  {.overwrite = wish.overwrite, .database = !wish.files_only, .files = !wish.database_only});
    fmt::print("{} is restored\n", which.id);
    return 0;
  });
}

int backup_base(invocation const& in) {
  return with_store(in, [](settings const& s, backup::store& store) {
    auto const made = backup::make_base_backup(store, postgres_of(s));
    fmt::print("{} is complete\n", made.id);
    return 0;
  });
}

int backup_recover(invocation const& in, recovery_wish const& wish) {
  return with_store(in, [&](settings const& s, backup::store& store) {
    auto const base = store.find(wish.id, "base");
    backup::prepare_recovery(
        store, base, {.into = wish.into, .to_time = wish.to, .restore_command = restore_command(s, in.sources)});
    fmt::print("{} is in {}: start PostgreSQL on it, and it recovers to {}\n", base.id, wish.into,
               wish.to.empty() ? "the end of the archive" : wish.to);
    return 0;
  });
}

int backup_archive_wal(invocation const& in, std::string const& path, std::string const& name) {
  return with_store(in, [&](settings const&, backup::store& store) {
    backup::wal_archive{store}.put(path, name);
    return 0;
  });
}

int backup_fetch_wal(invocation const& in, std::string const& name, std::string const& path) {
  try {
    return with_store(
        in, [&](settings const&, backup::store& store) { return backup::wal_archive{store}.get(name, path) ? 0 : 1; });
  } catch (std::exception const& error) {  // also what the system refuses, such as a thread or a look at a directory
    // To PostgreSQL every code up to 125 means that there is no such segment: it would take an outage of the store for
    // the end of the log and open without what follows. A greater one makes it stop, to be started again.
    fmt::print(stderr, "slipway: {}\n", error.what());
    return recovery_must_stop;
  }
}

}  // namespace app
