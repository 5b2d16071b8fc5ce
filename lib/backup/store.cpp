#include <slipway/backup/store.hpp>

#include <slipway/backup/tool.hpp>
#include <slipway/core/encoding.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/json/reader.hpp>
#include <slipway/json/writer.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace slipway::backup {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_manifest = std::size_t{1} << 20;

std::string read_manifest(source& in, std::string const& where) {
  std::string out;
  std::array<std::byte, 4096> piece{};
  while (auto const n = in.read(piece)) {
    out.append(reinterpret_cast<char const*>(piece.data()), n);
    if (out.size() > max_manifest) throw startup_error{exit_code::data, where + " is larger than any manifest"};
  }
  return out;
}

std::string path_of(std::string const& id, std::string_view file) { return fmt::format("{}/{}", id, file); }

struct discard final : sink {
  void write(std::span<std::byte const>) override {}
  void finish() override {}
};

// A reader that may leave the rest unread, as pg_restore does, must not leave damage unseen.
void drain(source& from) {
  discard nowhere;
  copy(from, nowhere);
}

}  // namespace

std::uint64_t manifest::size() const noexcept {
  std::uint64_t sum = 0;
  for (auto const& e : entries) sum += e.size;
  return sum;
}

entry const* manifest::find(std::string_view name) const noexcept {
  auto const at = std::ranges::find(entries, name, &entry::name);
  return at == entries.end() ? nullptr : &*at;
}

bool manifest::is_base() const noexcept { return find("base") != nullptr; }

store::store(settings const& s, clock_source const& clock, random_source& random, std::string program, teller say)
    : settings_{s},
      clock_{clock},
      random_{random},
      program_{std::move(program)},
      say_{std::move(say)},
      storage_{make_storage(s, clock, say_)} {}

// A backup that is being written. Without `keep` nothing of it stays.
class store::draft {
 public:
  draft(store& of, std::string engine) : store_{of} {
    auto const now = of.clock_.now();
    std::array<std::byte, 2> some{};
    of.random_.fill(some);
    made_.id = fmt::format("{:%Y%m%dT%H%M%SZ}-{}", std::chrono::floor<std::chrono::seconds>(now), hex(some));
    made_.created_at = now;
    made_.engine = std::move(engine);
    made_.program = of.program_;
    made_.encrypted = of.sealing_key().has_value();
    staging_ = of.storage_->stage(made_.id);
  }

  void add(std::string const& name, std::string const& suffix, std::function<void(sink&)> const& fill) {
    auto const file = fmt::format("{}.{}.zst{}", name, suffix, made_.encrypted ? ".sealed" : "");
    auto const to = staging_->put(file);
    auto const seal = make_sealing_sink(*to, store_.sealing_key(), made_.id + "/" + name);
    fill(*seal);
    made_.entries.push_back({.name = name, .file = file, .size = to->size(), .sha256 = to->digest()});
    store_.say_(fmt::format("{}: {} bytes", name, to->size()));
  }
  manifest keep(std::string first_wal) {
    made_.first_wal = std::move(first_wal);
    staging_->publish(json::write(made_));
    return std::move(made_);
  }

 private:
  store& store_;
  manifest made_;
  std::unique_ptr<storage::staging> staging_;
};

std::optional<key> const& store::sealing_key() const {
  if (settings_.encrypt && !key_) {
    if (!fs::exists(settings_.key_file))
      throw startup_error{exit_code::config,
                          "backup.key_file: " + settings_.key_file +
                              " is not there. Make it with `slipway backup key` and keep a copy elsewhere; without it "
                              "no backup can be read. Or set backup.encrypt to false."};
    key_ = read_key(settings_.key_file);
  }
  return key_;
}

manifest store::create(engine& database) {
  draft d{*this, database.name()};
  d.add("database", database.suffix(), [&](sink& to) { database.dump(to); });
  std::vector<std::string> present;
  for (auto const& path : settings_.files)
    if (fs::exists(path)) present.push_back(path);
  if (!present.empty()) {
    tool pack{.command = {"tar", "-cf", "-", "-P", "--"}};
    pack.command.insert(pack.command.end(), present.begin(), present.end());
    d.add("files", "tar", [&](sink& to) { run_into(pack, to); });
  }
  auto made = d.keep({});
  prune();
  return made;
}

manifest store::create(std::string const& engine_name, std::string const& name, std::string const& suffix,
                       std::string const& first_wal, std::function<void(sink&)> const& fill) {
  draft d{*this, engine_name};
  d.add(name, suffix, fill);
  auto made = d.keep(first_wal);
  prune();
  return made;
}

std::vector<manifest> store::list() const {
  std::vector<manifest> out;
  for (auto const& id : storage_->directories()) {
    if (!is_id(id)) continue;
    auto const path = path_of(id, manifest_name);
    auto const in = storage_->open(path);
    if (in == nullptr) continue;
    auto const where = storage_->describe(path);
    auto read = json::read<manifest>(read_manifest(*in, where), {.own_document = true});
    if (!read) throw startup_error{exit_code::data, where + " is no manifest: " + read.error().more().detail};
    if (read->format != 1 || read->id != id)
      throw startup_error{exit_code::data, where + " is of another format, or was moved"};
    out.push_back(std::move(*read));
  }
  // Within a second ids are in no order, and the newest is not to be thrown away for the oldest.
  std::ranges::sort(out, {}, [](manifest const& m) { return std::pair{m.created_at, std::string_view{m.id}}; });
  return out;
}

manifest store::find(std::string_view id, std::string_view with) const {
  auto const all = list();
  auto const found = std::find_if(all.rbegin(), all.rend(), [&](manifest const& m) {
    return id == "latest" ? m.find(with) != nullptr : m.id == id;
  });
  if (found == all.rend())
    throw startup_error{exit_code::data, fmt::format("there is no backup {} in {}: `slipway backup list` shows what "
                                                     "there is",
                                                     id, storage_->describe())};
  return *found;
}

std::unique_ptr<source> store::open_sealed(manifest const& which, entry const& what) const {
  auto const path = path_of(which.id, what.file);
  auto from = storage_->open(path);
  if (from == nullptr) throw startup_error{exit_code::data, storage_->describe(path) + " is missing"};
  return from;
}

void store::open(manifest const& which, entry const& what, std::function<void(source&)> const& work) const {
  // The manifest itself is not sealed: who may write to that place could say that nothing is, and have theirs unpacked.
  if (settings_.encrypt && !which.encrypted)
    throw startup_error{exit_code::data, which.id +
                                             " is not encrypted, so that anybody may have made it: set "
                                             "backup.encrypt to false if you know that it is yours"};
  auto const from = open_sealed(which, what);
  std::optional<key> const none;
  auto const opened = make_opening_source(*from, which.encrypted ? sealing_key() : none, which.id + "/" + what.name);
  work(*opened);
  drain(*opened);
}

void store::check_digests(manifest const& which) const {
  for (auto const& e : which.entries)
    if (digest_of(*open_sealed(which, e)) != e.sha256)
      throw startup_error{exit_code::data, storage_->describe(path_of(which.id, e.file)) +
                                               " is not what was written: its SHA-256 is another one"};
}

void store::verify(manifest const& which, engine& database) const {
  check_digests(which);
  for (auto const& e : which.entries) {
    open(which, e, [&](source& from) {
      if (e.name == "database" && which.engine == database.name())
        database.verify(from, settings_.directory);
      else if (e.file.find(".tar.") != std::string::npos)
        run_from({.command = {"tar", "-tf", "-", "-P"}}, from);
    });
    say_(fmt::format("{} is whole", e.name));
  }
}

void store::restore(manifest const& which, engine& database, restore_options options) const {
  if (options.database && which.engine != database.name())
    throw startup_error{exit_code::data, fmt::format("backup {} is of {}, and database.url is of {}", which.id,
                                                     which.engine, database.name())};
  verify(which, database);
  if (auto const* e = which.find("database"); options.database && e != nullptr) {
    open(which, *e, [&](source& from) { database.restore(from, options.overwrite); });
    say_("the database is restored");
  }
  if (auto const* e = which.find("files"); options.files && e != nullptr) {
    open(which, *e, [&](source& from) {
      run_from({.command = {"tar", "-xf", "-", "-P", options.overwrite ? "--overwrite" : "--keep-old-files"}}, from);
    });
    say_("the files are restored");
  }
}

// Dumps of every night must not push out the base backup of the week, without which the log is good for nothing.
void store::prune() {
  auto const all = list();
  for (auto const bases : {false, true}) {
    std::vector<manifest const*> alike;
    for (auto const& m : all)
      if (m.is_base() == bases) alike.push_back(&m);
    for (std::size_t i = 0; i + settings_.keep < alike.size(); ++i) remove(*alike[i]);
  }
  storage_->remove_abandoned();
}

void store::remove(manifest const& which) const {
  storage_->remove_backup(which.id);
  say_(fmt::format("removed {}, the oldest of more than {} {}", which.id, settings_.keep,
                   which.is_base() ? "base backups" : "backups"));
}

}  // namespace slipway::backup
