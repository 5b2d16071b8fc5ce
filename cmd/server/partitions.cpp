// The commands of `partitions`, and what the service does by itself.
#include "cmd/server/partitions.hpp"

#include "cmd/server/command_line.hpp"
#include "cmd/server/schema.hpp"

#include <slipway/core/errors.hpp>
#include <slipway/core/time.hpp>
#include <slipway/json/writer.hpp>

#include <fmt/format.h>

#include <functional>

namespace app {

partitions::tables partitioned_tables() { return partitions::tables_of<>(); }

namespace {

char const* word(partitions::change::kind what) noexcept {
  return what == partitions::change::kind::create ? "made" : "removed";
}

void log_outcome(log::logger const& log, partitions::outcome const& done) {
  for (auto const& problem : done.problems) log.error("a table is not kept in partitions", {{"reason", problem}});
  for (auto const& c : done.changes)
    if (c.error.empty())
      log.info("a partition was changed",
               {{"table", c.table}, {"partition", c.what.partition}, {"what", word(c.what.what)}});
    else
      log.warn("a partition could not be changed; it will be tried again",
               {{"table", c.table}, {"partition", c.what.partition}, {"error", c.error}});
}

struct partition_line {
  std::string name;
  std::optional<time_point> from, to;
};
BOOST_DESCRIBE_STRUCT(partition_line, (), (name, from, to))
struct table_line {
  std::string name;
  std::vector<partition_line> partitions;
  std::vector<std::string> due;
  std::string problem;
};
BOOST_DESCRIBE_STRUCT(table_line, (), (name, partitions, due, problem))

std::vector<table_line> lines_of(std::vector<partitions::table_status> const& all) {
  std::vector<table_line> out;
  for (auto const& t : all) {
    table_line line{.name = t.name, .partitions = {}, .due = {}, .problem = t.problem};
    for (auto const& p : t.there) line.partitions.push_back({p.name, p.from, p.to});
    for (auto const& c : t.due)
      line.due.push_back((c.what == partitions::change::kind::create ? "make " : "remove ") + c.partition);
    out.push_back(std::move(line));
  }
  return out;
}

int with_keeper(invocation const& in, std::function<int(partitions::keeper&, settings const&, shards&)> const& work) {
  auto const loaded = in.load();
  shards on{1};
  auto database = db::connect(existing(loaded.value.database), on);
  partitions::keeper k{database, partitioned_tables(), loaded.value.partitions};
  return work(k, loaded.value, on);
}

}  // namespace

task<> keep_partitions(settings const& s, db::database& database, clock_source const& clock, log::logger log) {
  if (partitioned_tables().empty() && s.partitions.tables.empty()) co_return;
  if (database.dialect() == db::dialect::sqlite) {
    log.info("SQLite has no partitions: the tables that want them are whole, and nothing is removed from them");
    co_return;
  }
  partitions::keeper k{database, partitioned_tables(), s.partitions, clock};
  for (;; co_await sleep_for(s.partitions.interval)) {
    try {
      log_outcome(log, co_await k.keep());
    } catch (cancelled_error const&) {
      throw;
    } catch (std::exception const& error) {
      log.warn("partitions could not be looked after; it will be tried again", {{"error", error.what()}});
    }
  }
}

int partitions_status(invocation const& in, bool json) {
  return with_keeper(in, [json](partitions::keeper& k, settings const&, shards& on) {
    auto const all = lines_of(on.run(k.status()));
    if (json) {
      fmt::print("{}\n", json::write(all));
      return 0;
    }
    for (auto const& t : all) {
      fmt::print("{}{}\n", t.name, t.problem.empty() ? "" : ": " + t.problem);
      for (auto const& p : t.partitions)
        fmt::print("  {:<40} {} .. {}\n", p.name, p.from ? to_rfc3339(*p.from) : "", p.to ? to_rfc3339(*p.to) : "");
      for (auto const& d : t.due) fmt::print("  due: {}\n", d);
    }
    if (all.empty()) fmt::print("No table is kept in partitions.\n");
    return 0;
  });
}

int partitions_plan(invocation const& in) {
  return with_keeper(in, [](partitions::keeper& k, settings const& s, shards& on) {
    auto tables = partitioned_tables();
    for (auto const& t : s.partitions.tables) tables.emplace_back(t);
    auto const all = on.run(k.status());
    for (std::size_t i = 0; i < all.size(); ++i)
      for (auto const& c : all[i].due) fmt::print("{}", on.run(k.sql(tables[i], c)));
    return 0;
  });
}

int partitions_keep(invocation const& in) {
  return with_keeper(in, [](partitions::keeper& k, settings const&, shards& on) {
    auto const done = on.run(k.keep());
    bool is_well = done.problems.empty();
    if (!done.is_leader) fmt::print("Another process is at it.\n");
    for (auto const& problem : done.problems) fmt::print(stderr, "{}\n", problem);
    for (auto const& c : done.changes) {
      fmt::print("{} {}{}\n", word(c.what.what), c.what.partition, c.error.empty() ? "" : ": not done: " + c.error);
      is_well = is_well && c.error.empty();
    }
    if (done.is_leader && done.changes.empty() && is_well) fmt::print("Nothing is due.\n");
    return is_well ? 0 : 1;
  });
}

}  // namespace app
