#include <slipway/migrations/migrator_parts.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/core/time.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace slipway::migrations {

using std::chrono::milliseconds;

std::string_view to_string(state s) noexcept {
  switch (s) {
    case state::applied: return "applied";
    case state::pending: return "pending";
    case state::out_of_order: return "out of order";
    case state::changed: return "changed";
    case state::missing: return "missing";
    case state::newer: return "newer";
    case state::unfinished: return "unfinished";
  }
  return "";
}

migrator::migrator(db::database& database, std::vector<file> const& files, options o)
    : database_{database},
      known_{catalog_of(files, database.dialect())},
      repeatables_{repeatables_of(files, database.dialect())},
      options_{std::move(o)} {}

void migrator::say(std::string const& line) const {
  if (options_.say) options_.say(line);
}

task<std::vector<migrator::applied_row>> migrator::read_applied(db::session& in) {
  std::vector<applied_row> out;
  if (!co_await has_table(in, "schema_migrations")) co_return out;
  auto const on_mysql = in.dialect() == db::dialect::mysql;
  auto const found = co_await in.query(
      fmt::format("SELECT version, name, checksum, applied_at, duration_ms{} FROM schema_migrations ORDER BY version",
                  on_mysql ? ", progress" : ""));
  for (auto const& row : found)
    out.push_back({.version = row.get<std::int64_t>(0),
                   .name = row.get<std::string>(1),
                   .checksum = row.get<std::string>(2),
                   .applied_at = row.get<time_point>(3),
                   .duration = row.get<std::optional<std::int64_t>>(4),
                   .progress = on_mysql ? row.get<std::optional<std::string>>(5).value_or("") : ""});
  co_return out;
}

// What is applied, once no other runner is in the middle of a migration without a transaction. One that began longer
// ago than we would wait has most likely died; `check` refuses it.
task<std::vector<migrator::applied_row>> migrator::read_settled() {
  bool said = false;
  for (;;) {
    auto applied = co_await read_applied(database_);
    auto const now = clock().now();
    auto const running = std::ranges::any_of(
        applied, [&](applied_row const& r) { return !r.duration && now - r.applied_at < options_.wait_for_other; });
    if (!running) co_return applied;
    if (!std::exchange(said, true)) say("another process is in the middle of a migration; waiting for it");
    co_await sleep_for(between_looks);
  }
}

bool migrator::is_newer(applied_row const& row) const noexcept {
  return known_.empty() || row.version > known_.back().version;
}

void migrator::check(std::vector<applied_row> const& applied) const {
  auto const refuse = [](std::string const& why) { throw startup_error{exit_code::data, why}; };
  for (auto const& row : applied) {
    auto const known = std::ranges::find(known_, row.version, &migration::version);
    if (!row.is_finished())
      refuse(
          fmt::format("migration {} {}: it has no transaction, so some of its statements may have been run{}. Look at "
                      "the database, undo or finish by hand what is half done, then run "
                      "\"DELETE FROM schema_migrations WHERE version = {}\" to have it applied anew, or set its "
                      "duration_ms to 0 to call it done.",
                      row.label(), row.duration ? "failed half way" : "was begun and not finished",
                      row.progress.empty() ? "" : " (" + row.progress + ")", row.version));
    if (is_newer(row)) continue;
    if (known == known_.end())
      refuse(fmt::format("the database has migration {}, and there is no such file: restore it.", row.label()));
    if (known->name != row.name || known->checksum != row.checksum)
      refuse(
          fmt::format("migrations/{} was changed after it was applied on {}: restore the file as it was (applied "
                      "checksum {:.12}, the file's {:.12}) and put the change into a new migration.",
                      known->file, to_rfc3339(std::chrono::floor<std::chrono::seconds>(row.applied_at)), row.checksum,
                      known->checksum));
  }
}

std::vector<migration const*> migrator::due(std::vector<applied_row> const& applied,
                                            std::optional<std::int64_t> to) const {
  if (to && std::ranges::none_of(known_, [to](migration const& m) { return m.version == *to; }))
    throw startup_error{exit_code::usage, fmt::format("there is no migration {:04}", *to)};
  auto const newest = applied.empty() ? 0 : applied.back().version;
  std::vector<migration const*> out;
  for (auto const& m : known_) {
    if (to && m.version > *to) break;
    if (may_wait(m) || std::ranges::any_of(applied, [&m](applied_row const& r) { return r.version == m.version; }))
      continue;
    if (m.version < newest && !m.after_deployment && !options_.allow_out_of_order)
      throw startup_error{
          exit_code::data,
          fmt::format("migrations/{} is pending, and the newer {} is applied already. Give it the next free number, or "
                      "apply it late with --allow-out-of-order when it does not depend on order.",
                      m.file, applied.back().label())};
    out.push_back(&m);
  }
  if (!out.empty() && is_newer(applied.empty() ? applied_row{} : applied.back()))
    throw startup_error{
        exit_code::data,
        fmt::format("migrations/{} is pending, but the database has migration {}, which this program does not know: a "
                    "newer version of it was here. Migrate with that version.",
                    out.front()->file, applied.back().label())};
  return out;
}

task<std::vector<step>> migrator::up(std::optional<std::int64_t> to) {
  auto const applied = co_await read_settled();
  check(applied);
  std::vector<step> out;
  for (auto const* m : due(applied, to))
    if (auto made = co_await run_step(*m, true)) out.push_back(std::move(*made));
  if (to) co_return out;
  for (auto const* r : co_await due_repeatables())
    if (auto made = co_await run_repeatable(*r)) out.push_back(std::move(*made));
  co_return out;
}

task<std::vector<repeatable const*>> migrator::due_repeatables() {
  std::map<std::string, std::string> applied;
  if (co_await has_table(database_, "schema_repeatables"))
    for (auto const& row : co_await database_.query("SELECT name, checksum FROM schema_repeatables"))
      applied.emplace(row.get<std::string>(0), row.get<std::string>(1));
  std::vector<repeatable const*> out;
  for (auto const& r : repeatables_)
    if (auto const row = applied.find(r.name); row == applied.end() || row->second != r.checksum) out.push_back(&r);
  co_return out;
}

task<std::vector<step>> migrator::down(unsigned steps) {
  auto const applied = co_await read_settled();
  check(applied);
  std::vector<migration const*> back;
  for (auto row = applied.rbegin(); row != applied.rend() && back.size() < steps; ++row) {
    if (is_newer(*row))
      throw startup_error{exit_code::data,
                          fmt::format("migration {} is unknown here: a newer version of this program was here. Take it "
                                      "back with that version.",
                                      row->label())};
    auto const& m = *std::ranges::find(known_, row->version, &migration::version);
    if (!m.down)
      throw startup_error{exit_code::data,
                          fmt::format("migrations/{} cannot be taken back: it has no `-- down`.", m.file)};
    back.push_back(&m);
  }
  std::vector<step> out;
  for (auto const* m : back)
    if (auto made = co_await run_step(*m, false)) out.push_back(std::move(*made));
  co_return out;
}

task<std::vector<status_line>> migrator::status() {
  auto const applied = co_await read_applied(database_);
  auto const newest = applied.empty() ? 0 : applied.back().version;
  std::vector<status_line> out;
  for (auto const& m : known_)
    if (std::ranges::none_of(applied, [&m](applied_row const& r) { return r.version == m.version; }))
      out.push_back(
          {.version = m.version, .name = m.name, .state = m.version < newest ? state::out_of_order : state::pending});
  for (auto const& row : applied) {
    auto const known = std::ranges::find(known_, row.version, &migration::version);
    status_line line{.version = row.version, .name = row.name, .state = state::applied, .applied_at = row.applied_at};
    if (row.is_finished()) line.duration = milliseconds{*row.duration};
    if (!row.is_finished()) {
      line.state = state::unfinished;
      line.progress = row.progress;
    } else if (is_newer(row))
      line.state = state::newer;
    else if (known == known_.end())
      line.state = state::missing;
    else if (known->checksum != row.checksum || known->name != row.name)
      line.state = state::changed;
    out.push_back(std::move(line));
  }
  std::ranges::sort(out, {}, &status_line::version);
  auto const again = co_await due_repeatables();
  for (auto const& r : repeatables_)
    out.push_back(
        {.name = r.name, .state = std::ranges::find(again, &r) != again.end() ? state::pending : state::applied});
  co_return out;
}

task<std::string> migrator::plan(std::optional<std::int64_t> to) {
  auto const applied = co_await read_applied(database_);
  check(applied);
  std::string out;
  auto const on_mysql = database_.dialect() == db::dialect::mysql;
  for (auto const* m : due(applied, to)) {
    auto const whole = m->in_transaction && !on_mysql;
    out += fmt::format("-- migrations/{}{}\n", m->file, whole ? "\nBEGIN;" : " (no transaction)");
    for (auto const& s : split(m->up, database_.dialect())) out += fmt::format("{};\n", s.text);
    out += whole ? "COMMIT;\n\n" : "\n";
  }
  if (!to)
    for (auto const* r : co_await due_repeatables()) {
      out += fmt::format("-- migrations/{}{}\n", r->file, on_mysql ? " (no transaction)" : "\nBEGIN;");
      for (auto const& s : split(r->text, database_.dialect())) out += fmt::format("{};\n", s.text);
      out += on_mysql ? "\n" : "COMMIT;\n\n";
    }
  co_return out.empty() ? "-- nothing is pending\n" : out;
}

task<std::size_t> migrator::pending() {
  auto const applied = co_await read_applied(database_);
  check(applied);
  auto const all = due(applied, std::nullopt);
  co_return static_cast<std::size_t>(std::ranges::count(all, false, &migration::after_deployment));
}

task<std::vector<std::string>> migrator::newer() {
  std::vector<std::string> out;
  for (auto const& row : co_await read_applied(database_))
    if (is_newer(row)) out.push_back(row.label());
  co_return out;
}

}  // namespace slipway::migrations
