#include <slipway/migrations/lint.hpp>
#include <slipway/migrations/tokens.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace slipway::migrations {
namespace {

constexpr std::array rules{
    lint_rule{"index-locks-writes", "an index is made or dropped under a lock that keeps every writer waiting"},
    lint_rule{"concurrently-in-transaction", "CONCURRENTLY stands in a migration that is one transaction"},
    lint_rule{"not-null-without-default", "a NOT NULL column without a default fails on rows that are there"},
    lint_rule{"default-rewrites-table", "a default that differs for each row writes the whole table anew"},
    lint_rule{"type-rewrites-table", "a column's type changes, so that the whole table is written anew"},
    lint_rule{"not-null-scans-table", "SET NOT NULL reads the whole table under a lock"},
    lint_rule{"constraint-scans-table", "a foreign key or check is verified for the whole table under a lock"},
    lint_rule{"unique-locks-table", "a unique or primary key is built under a lock"},
    lint_rule{"alter-may-copy-table", "the server may copy the whole table unless it is told not to"},
    lint_rule{"drop-column", "the program of before still reads the column"},
    lint_rule{"drop-table", "the program of before still reads the table"},
    lint_rule{"rename", "the program of before knows the old name only"},
    lint_rule{"all-rows-in-one-transaction", "every row is changed, and stays locked until the end"},
    lint_rule{"locks-whole-table", "nobody else can use the table meanwhile"},
    lint_rule{"allow-without-reason", "a finding is allowed and nobody says why"},
};

// `-- lint: allow rule, rule: reason`
struct allowance {
  unsigned line = 0;
  std::string rules;
  bool has_reason = false;
};

std::string_view trimmed(std::string_view text) noexcept {
  auto const first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::vector<allowance> allowances_of(std::string_view sql, unsigned line) {
  constexpr std::string_view opening = "-- lint: allow ";
  std::vector<allowance> out;
  for (; !sql.empty(); ++line) {
    auto const end = sql.find('\n');
    auto const text = trimmed(sql.substr(0, end));
    sql.remove_prefix(end == std::string_view::npos ? sql.size() : end + 1);
    if (!text.starts_with(opening)) continue;
    auto const rest = text.substr(opening.size());
    auto const colon = rest.find(':');
    out.push_back({.line = line,
                   .rules = std::string{trimmed(rest.substr(0, colon))},
                   .has_reason = colon != std::string_view::npos && !trimmed(rest.substr(colon + 1)).empty()});
  }
  return out;
}

bool names(std::string_view list, std::string_view rule) noexcept {
  while (!list.empty()) {
    auto const end = std::min(list.find(','), list.size());
    if (trimmed(list.substr(0, end)) == rule) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

class linter {
 public:
  linter(migration const& m, db::dialect dialect) : m_{m}, dialect_{dialect} {}

  std::vector<finding> run() {
    auto const statements = split(m_.up, dialect_, m_.up_line);
    auto const allowed = allowances_of(m_.up, m_.up_line);
    unsigned before = 0;
    for (auto const& s : statements) {
      line_ = s.line;
      allowed_.clear();
      for (auto const& a : allowed) {
        if (a.line <= before || a.line >= s.line) continue;
        allowed_ += a.rules + ',';
        if (!a.has_reason)
          report("allow-without-reason", "Nobody will know why this was safe.",
                 fmt::format("-- lint: allow {}: and here the reason", a.rules));
      }
      before = s.line;
      statement(tokens{s.text});
    }
    return std::move(found_);
  }

 private:
  bool on_postgres() const noexcept { return dialect_ == db::dialect::postgres; }
  bool is_new(std::string const& table) const { return created_.contains(table); }

  void report(std::string rule, std::string why, std::string instead) {
    if (names(allowed_, rule)) return;
    found_.push_back({m_.file, line_, std::move(rule), std::move(why), std::move(instead)});
  }

  void statement(tokens s) {
    if (s.take("CREATE")) return create(std::move(s));
    if (s.take("DROP")) return drop(std::move(s));
    if (s.take("ALTER TABLE")) return alter(std::move(s));
    if (s.take("UPDATE")) return all_rows(s, s.take_name(), "UPDATE");
    if (s.take("DELETE FROM")) return all_rows(s, s.take_name(), "DELETE");
    if (s.take("TRUNCATE") || s.take("LOCK") || s.take("CLUSTER") || (s.is_next("VACUUM") && s.has("FULL")) ||
        (s.is_next("REINDEX") && !s.has("CONCURRENTLY")))
      report(
          "locks-whole-table", "Every request that uses the table waits until this is over.",
          "do it outside of migrations when nobody is there; REINDEX has CONCURRENTLY, and VACUUM does without FULL");
  }

  void create(tokens s) {
    s.take("OR REPLACE");
    auto const temporary = s.take("TEMP") || s.take("TEMPORARY");
    s.take("UNLOGGED");
    if (s.take("TABLE")) {
      s.take("IF NOT EXISTS");
      created_.insert(s.take_name());
      return;
    }
    auto const unique = s.take("UNIQUE");
    if (temporary || !s.take("INDEX")) return;
    auto const table = s.after("ON") == "ONLY" ? s.after("ONLY") : s.after("ON");
    index(s, fmt::format("CREATE {}INDEX CONCURRENTLY ... ON {} ...", unique ? "UNIQUE " : "", table), table);
  }

  void index(tokens const& s, std::string const& safe, std::string const& table) {
    if (!on_postgres()) return;
    auto const concurrently = s.is_next("CONCURRENTLY");
    if (concurrently && m_.in_transaction)
      report("concurrently-in-transaction", "PostgreSQL refuses it inside a transaction.",
             "write `-- no transaction` above `-- up`, and nothing but this statement below it");
    if (!concurrently && !is_new(table))
      report("index-locks-writes", "Every request that writes to the table waits until the index is done.",
             fmt::format("{} in a migration of its own with `-- no transaction` above `-- up`", safe));
  }

  void drop(tokens s) {
    if (s.take("INDEX")) return index(s, "DROP INDEX CONCURRENTLY ...", {});
    if (!s.take("TABLE")) return;
    s.take("IF EXISTS");
    auto const table = s.take_name();
    if (!is_new(table) && !m_.after_deployment)
      report("drop-table", "Programs of the version before fail until they are gone.",
             fmt::format("drop {} in a migration of its own with `-- after deployment` above `-- up`", table));
  }

  void alter(tokens s) {
    s.take("IF EXISTS");
    s.take("ONLY");
    auto const table = s.take_name();
    if (is_new(table)) return;
    if (dialect_is_mysql() && !s.has("ALGORITHM"))
      report("alter-may-copy-table", "The server may copy the table while writers wait.",
             fmt::format("ALTER TABLE {} ..., ALGORITHM=INPLACE, LOCK=NONE (or ALGORITHM=INSTANT): it refuses rather "
                         "than copies",
                         table));
    for (auto& action : s.parts()) alter(table, std::move(action));
  }

  void alter(std::string const& table, tokens action) {
    if (action.take("ADD")) return add(table, std::move(action));
    if (action.take("RENAME"))
      return report("rename", "Programs of the version before fail at once.",
                    fmt::format("add the new name to {}, write both, copy, read the new one, and drop the old one "
                                "after the deployment",
                                table));
    if (action.take("DROP")) {
      if (action.take("CONSTRAINT") || action.take("FOREIGN") || action.take("PRIMARY") || action.take("CHECK") ||
          action.take("INDEX") || action.take("KEY") || action.take("PARTITION") || m_.after_deployment)
        return;
      return report(
          "drop-column", "Programs of the version before fail until they are gone.",
          fmt::format("drop it from {} in a migration of its own with `-- after deployment` above `-- up`", table));
    }
    if (action.take("ALTER")) change_column(table, std::move(action));
  }

  void add(std::string const& table, tokens action) {
    std::string constraint;
    if (action.take("CONSTRAINT")) constraint = action.take_name();
    if (action.is_next("FOREIGN") || action.is_next("CHECK")) {
      if (!on_postgres() || action.has("NOT VALID")) return;
      return report("constraint-scans-table", "Writers wait while every row is verified.",
                    fmt::format("ALTER TABLE {0} ADD CONSTRAINT {1} ... NOT VALID; and in the next migration ALTER "
                                "TABLE {0} VALIDATE CONSTRAINT {1}",
                                table, constraint.empty() ? "name" : constraint));
    }
    if (action.is_next("UNIQUE") || action.is_next("PRIMARY")) {
      if (!on_postgres() || action.has("USING INDEX")) return;
      return report("unique-locks-table", "Every request that uses the table waits until the index is done.",
                    fmt::format("CREATE UNIQUE INDEX CONCURRENTLY {1} ON {0} ...; then ALTER TABLE {0} ADD CONSTRAINT "
                                "{1} UNIQUE USING INDEX {1}",
                                table, constraint.empty() ? "name" : constraint));
    }
    if (!constraint.empty() || action.is_next("INDEX") || action.is_next("KEY")) return;
    action.take("COLUMN");
    action.take("IF NOT EXISTS");
    auto const column = action.take_name();
    if (action.has("NOT NULL", "IS") && !action.has("DEFAULT") && !action.has("GENERATED"))
      report("not-null-without-default", "It fails as soon as the table has a row.",
             fmt::format("add {0}.{1} with a DEFAULT, or without NOT NULL: fill it, and forbid null afterwards", table,
                         column));
    if (on_postgres() && action.has("DEFAULT") && is_volatile(action))
      report("default-rewrites-table", "Every request that uses the table waits until all rows are written.",
             fmt::format("add {0}.{1} without the default, set the default in a second statement, and fill old rows in "
                         "batches",
                         table, column));
  }

  static bool is_volatile(tokens const& column) {
    return std::ranges::any_of(
        std::array{"RANDOM", "GEN_RANDOM_UUID", "UUID_GENERATE_V4", "CLOCK_TIMESTAMP", "NEXTVAL", "TIMEOFDAY"},
        [&column](std::string_view name) { return column.has(name); });
  }

  void change_column(std::string const& table, tokens action) {
    if (!on_postgres()) return;
    action.take("COLUMN");
    auto const column = action.take_name();
    if (action.take("TYPE") || action.take("SET DATA TYPE"))
      report("type-rewrites-table", "Every request that uses the table waits until all rows are written.",
             fmt::format("add a column of the new type to {0}, write both, copy in batches, read the new one, and drop "
                         "{1} after the deployment",
                         table, column));
    if (action.take("SET NOT NULL"))
      report("not-null-scans-table", "Every request that uses the table waits while every row is read.",
             fmt::format("ALTER TABLE {0} ADD CONSTRAINT {0}_{1}_set CHECK ({1} IS NOT NULL) NOT VALID; VALIDATE "
                         "CONSTRAINT in the next migration; then SET NOT NULL finds it proved",
                         table, column));
  }

  void all_rows(tokens const& s, std::string const& table, std::string_view what) {
    if (s.has("WHERE") || is_new(table) || !m_.in_transaction || dialect_ == db::dialect::sqlite) return;
    report("all-rows-in-one-transaction", fmt::format("The {} locks every row until the migration is over.", what),
           fmt::format("change {} in batches by key, in a migration with `-- no transaction` above `-- up` or in code",
                       table));
  }

  bool dialect_is_mysql() const noexcept { return !on_postgres() && dialect_ != db::dialect::sqlite; }

  migration const& m_;
  db::dialect dialect_;
  std::set<std::string> created_;
  unsigned line_ = 0;
  std::string allowed_;
  std::vector<finding> found_;
};

}  // namespace

std::vector<finding> lint(migration const& m, db::dialect dialect) { return linter{m, dialect}.run(); }

bool is_allowed(migration const& m, db::dialect dialect, unsigned line, std::string_view rule) {
  auto const statements = split(m.up, dialect, m.up_line);
  unsigned before = 0, begin = 0;
  for (auto const& s : statements) {
    if (s.line > line) break;
    before = begin;
    begin = s.line;
  }
  return std::ranges::any_of(allowances_of(m.up, m.up_line), [&](allowance const& a) {
    return a.line > before && a.line < begin && names(a.rules, rule);
  });
}

std::vector<lint_rule> lint_rules() { return {rules.begin(), rules.end()}; }

}  // namespace slipway::migrations
