#include <slipway/migrations/squawk.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/core/program.hpp>
#include <slipway/json/reader.hpp>

#include <boost/process/args.hpp>
#include <boost/process/child.hpp>
#include <boost/process/io.hpp>
#include <boost/process/pipe.hpp>

#include <fmt/format.h>

#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>
#include <tuple>

namespace slipway::migrations {

// One element of squawk's report.
struct squawk_violation {
  std::string file;
  std::int64_t line = 0;  // from 0
  std::string message;
  std::optional<std::string> help;
  std::string rule_name;
};
BOOST_DESCRIBE_STRUCT(squawk_violation, (), (file, line, message, help, rule_name))

namespace {

namespace bp = boost::process;

constexpr char const* oldest_postgres = "--pg-version=12.0";  // that lib/db works with
constexpr std::array<std::string_view, 26> reported_by_us_or_untrue{
    // Rules of lint.hpp, or of the catalog, which refuses BEGIN and COMMIT.
    "require-concurrent-index-creation", "require-concurrent-index-deletion", "require-concurrent-reindex",
    "ban-concurrent-index-creation-in-transaction", "adding-required-field", "adding-field-with-default",
    "adding-not-nullable-field", "changing-column-type", "adding-foreign-key-constraint",
    "constraint-missing-not-valid", "disallowed-unique-constraint", "adding-serial-primary-key-field",
    "ban-drop-column", "ban-drop-table", "renaming-column", "renaming-table", "prefer-repack", "transaction-nesting",
    "ban-uncommitted-transaction",
    // The migrator sets both time-outs, and a migration happens wholly or not at all.
    "require-timeout-settings", "require-lock-timeout", "require-statement-timeout", "prefer-robust-stmts",
    // The model says how wide a number is.
    "prefer-bigint-over-int", "prefer-bigint-over-smallint",
    // Remarks of squawk's own.
    "unused-ignore"};

class temporary_folder {
 public:
  temporary_folder() {
    auto name = (std::filesystem::temp_directory_path() / "slipway-squawk-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw startup_error{exit_code::cannot_create, fmt::format("cannot make {}: {}", name, std::strerror(errno))};
    path_ = name;
  }
  temporary_folder(temporary_folder const&) = delete;
  temporary_folder& operator=(temporary_folder const&) = delete;
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::filesystem::path const& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

std::string all_of(bp::ipstream& from) { return {std::istreambuf_iterator<char>{from}, {}}; }

std::string report_of(std::string const& program, std::vector<std::string> const& arguments) {
  bp::ipstream said, complained;
  bp::child child{program, bp::args(arguments), bp::std_in<bp::null, bp::std_out> said, bp::std_err > complained};
  std::string complaint;
  std::string report;
  {
    std::jthread const listener{[&] { complaint = all_of(complained); }};
    report = all_of(said);
  }
  child.wait();
  // 1: it has found something.
  if (child.exit_code() > 1 || (child.exit_code() == 1 && !report.starts_with('[')))
    throw startup_error{exit_code::unavailable, fmt::format("{} failed ({}): {}", program, child.exit_code(),
                                                            complaint.empty() ? report : complaint)};
  return report;
}

// One run for those with a transaction and one for those without. Only `up` is shown, at its lines in the file.
std::vector<squawk_violation> run(std::string const& program, std::span<migration const> migrations,
                                  bool in_transaction) {
  temporary_folder const folder;
  std::vector<std::string> arguments{"--reporter=json", oldest_postgres, "--no-error-on-unmatched-pattern"};
  if (in_transaction) arguments.emplace_back("--assume-in-transaction");
  auto const options = arguments.size();
  for (auto const& m : migrations) {
    if (m.in_transaction != in_transaction) continue;
    auto const path = folder.path() / m.file;
    std::ofstream out{path, std::ios::binary};
    out << std::string(m.up_line - 1, '\n') << m.up;
    if (!out.flush()) throw startup_error{exit_code::cannot_create, fmt::format("cannot write {}", path.string())};
    arguments.push_back(path.string());
  }
  if (arguments.size() == options) return {};
  auto const report = report_of(program, arguments);
  if (report.empty()) return {};
  auto found = json::read<std::vector<squawk_violation>>(
      report, {.unknown = json::unknown_members::ignore, .max_bytes = 64 << 20, .max_items = 1'000'000});
  if (!found)
    throw startup_error{exit_code::unavailable,
                        fmt::format("{} answered with something that is not its report: is it squawk 2?", program)};
  return std::move(*found);
}

}  // namespace

std::optional<std::string> find_squawk(std::string const& named, std::filesystem::path const& node_modules) {
  if (!named.empty()) {
    if (auto found = find_program(named)) return found;
    throw startup_error{exit_code::config, fmt::format("migrations.squawk: {} cannot be run", named)};
  }
  utsname machine{};
  ::uname(&machine);
  auto const* const kind = std::string_view{machine.machine} == "aarch64" ? "linux-arm64" : "linux-x64";
  if (auto own = find_program((node_modules / "@squawk-cli" / kind / "bin" / "squawk").string())) return own;
  return find_program("squawk");
}

std::vector<finding> squawk_findings(std::string const& program, std::span<migration const> migrations) {
  auto violations = run(program, migrations, true);
  std::ranges::move(run(program, migrations, false), std::back_inserter(violations));
  std::vector<finding> out;
  for (auto const& m : migrations) {
    auto const begin = out.size();
    for (auto const& v : violations) {
      if (std::filesystem::path{v.file}.filename() != m.file) continue;
      if (std::ranges::find(reported_by_us_or_untrue, v.rule_name) != reported_by_us_or_untrue.end()) continue;
      auto const line = static_cast<unsigned>(v.line + 1);
      auto rule = "squawk/" + v.rule_name;
      if (is_allowed(m, db::dialect::postgres, line, rule)) continue;
      out.push_back({.file = m.file,
                     .line = line,
                     .rule = std::move(rule),
                     .why = v.message,
                     .instead = v.help.value_or(fmt::format("https://squawkhq.com/docs/{} tells", v.rule_name))});
    }
    std::sort(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(),
              [](finding const& a, finding const& b) { return std::tie(a.line, a.rule) < std::tie(b.line, b.rule); });
  }
  return out;
}

}  // namespace slipway::migrations
