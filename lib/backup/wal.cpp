#include <slipway/backup/wal.hpp>

#include <slipway/backup/system_error.hpp>
#include <slipway/core/time.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

namespace slipway::backup {
namespace {

namespace fs = std::filesystem;

// A segment is 24 hexadecimal digits: timeline, log, segment. Others are histories and labels, which are small.
constexpr std::size_t segment_name = 24, timeline_digits = 8;

constexpr std::string_view directory = "wal";

// What a sealed file is bound to.
std::string purpose_of(std::string const& name) { return fmt::format("{}/{}", directory, name); }

bool is_segment(std::string_view name) noexcept {
  return name.size() >= segment_name && name.find_first_not_of("0123456789ABCDEF") >= segment_name;
}

void check_name(std::string const& name) {
  if (name.empty() || name.size() > 64 ||
      name.find_first_not_of("0123456789ABCDEFabcdefghijklmnopqrstuvwxyz.") != std::string::npos ||
      name.starts_with('.'))
    throw startup_error{exit_code::usage, "'" + name + "' is no name of a WAL file: use %f"};
}

// As postgresql.conf has it, where a backslash escapes as well.
std::string in_quotes(std::string_view text) {
  std::string out = "'";
  for (auto const c : text) out.append(c == '\'' || c == '\\' ? 2 : 1, c);
  return out + "'";
}

// Its parser knows no Z.
std::string moment_for_postgres(time_point t) {
  auto text = to_rfc3339(t);
  text.pop_back();
  return text + "+00";
}

}  // namespace

std::string wal_archive::path_of(std::string const& name) const {
  check_name(name);
  return fmt::format("{}/{}{}", directory, name, store_.sealing_key() ? ".zst.sealed" : ".zst");
}

void wal_archive::put(fs::path const& segment, std::string const& name) {
  auto& kept = store_.kept_in();
  auto const path = path_of(name);
  auto const from = make_file_source(segment);
  if (auto const there = kept.open(path); there != nullptr) {
    auto const opened = make_opening_source(*there, store_.sealing_key(), purpose_of(name));
    if (digest_of(*opened) == digest_of(*from)) return;
    throw startup_error{exit_code::data, kept.describe(path) +
                                             " is there already and is another one: does a second server "
                                             "archive into this place?"};
  }
  auto const to = kept.put(path);
  auto const seal = make_sealing_sink(*to, store_.sealing_key(), purpose_of(name));
  copy(*from, *seal);
}

bool wal_archive::get(std::string const& name, fs::path const& to) {
  auto const& kept = store_.kept_in();
  auto const from = kept.open(path_of(name));
  // Who recovers has a base backup there. Where there is nothing at all a disk is not mounted, which must not pass for
  // the end of the log.
  if (from == nullptr && kept.directories().empty())
    throw startup_error{exit_code::unavailable, "there is nothing at all in " + kept.describe() + ": is it mounted?"};
  if (from == nullptr) return false;
  auto const opened = make_opening_source(*from, store_.sealing_key(), purpose_of(name));
  auto const out = make_file_sink(to);
  copy(*opened, *out);
  return true;
}

void wal_archive::prune() {
  std::string first;
  for (auto const& m : store_.list()) {
    if (!m.is_base()) continue;
    // One that does not say from where on it needs the log may need all of it.
    if (m.first_wal.size() != segment_name || !is_segment(m.first_wal)) return;
    if (first.empty() || m.first_wal.substr(timeline_digits) < first.substr(timeline_digits)) first = m.first_wal;
  }
  if (first.empty()) return;
  auto& kept = store_.kept_in();
  for (auto const& name : kept.files(std::string{directory}))
    if (is_segment(name) &&
        name.substr(timeline_digits, segment_name - timeline_digits) < first.substr(timeline_digits))
      kept.remove(fmt::format("{}/{}", directory, name));
}

manifest make_base_backup(store& in, postgres_tools const& tools) {
  auto first =
      run(tools.make("psql", {"-XqAt", "--dbname", tools.url(), "-c", "SELECT pg_walfile_name(pg_current_wal_lsn())"}));
  while (first.ends_with('\n')) first.pop_back();
  auto made = in.create("postgres", "base", "tar", first, [&](sink& to) {
    run_into(tools.make("pg_basebackup", {"--pgdata=-", "--format=tar", "--wal-method=fetch", "--checkpoint=fast",
                                          "--dbname", tools.url()}),
             to);
  });
  wal_archive{in}.prune();
  return made;
}

void prepare_recovery(store const& in, manifest const& base, recovery const& how) {
  auto const* e = base.find("base");
  if (e == nullptr)
    throw startup_error{exit_code::data, base.id + " is no base backup: `slipway backup list` shows which are"};
  auto const moment = from_rfc3339(how.to_time);
  if (!how.to_time.empty() && !moment)
    throw startup_error{exit_code::usage, "'" + how.to_time + "' is no moment: write 2026-01-31T12:00:00Z"};
  need_directory("--into", how.into);
  if (!fs::is_empty(how.into))
    throw startup_error{exit_code::data, how.into.string() + " is not empty: name a new directory"};
  std::error_code error;
  fs::permissions(how.into, fs::perms::owner_all, error);
  if (error) throw_system_error("protect", how.into, error.value());
  in.open(base, *e, [&](source& from) { run_from({.command = {"tar", "-xf", "-", "-C", how.into.string()}}, from); });
  std::ofstream settings{how.into / "postgresql.auto.conf", std::ios::app};
  settings << "restore_command = " << in_quotes(how.restore_command) << "\n"
           << (moment ? "recovery_target_time = " + in_quotes(moment_for_postgres(*moment)) + "\n" : "")
           << "recovery_target_action = 'promote'\n";
  std::ofstream signal{how.into / "recovery.signal"};
  if (!settings.flush() || !signal.flush()) throw_system_error("write recovery settings into", how.into);
}

}  // namespace slipway::backup
