#include <slipway/config/watcher.hpp>

#include <slipway/config/paths.hpp>
#include <slipway/config/tree.hpp>
#include <slipway/config/values.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace slipway::config {
namespace {

// A member of a reloadable struct is reloadable as well.
void merge(meta::type const& t, void const* old, void* next, std::string const& path, bool reloadable,
           reload_report& report) {
  for (auto const& m : t.members) {
    auto const key = join(path, m.name);
    auto const may_change = reloadable || m.about->reloadable;
    if (m.of->what == meta::kind::object) {
      merge(*m.of, m.at_const(old), m.at(next), key, may_change, report);
    } else if (!equal(*m.of, m.at_const(old), m.at_const(next))) {
      (may_change ? report.applied : report.need_restart).push_back(key);
      if (!may_change) copy(*m.of, m.at_const(old), m.at(next));
    }
  }
}

}  // namespace

reload_report merge_reloadable(meta::type const& t, void const* old, void* next) {
  reload_report report;
  merge(t, old, next, {}, false, report);
  return report;
}

std::string reload_report::text() const {
  if (!problems.empty()) return to_text(problems) + "\nNothing was changed.";
  std::string out;
  if (!applied.empty()) out = fmt::format("Applied: {}.", fmt::join(applied, ", "));
  if (!need_restart.empty())
    out += fmt::format("{}Changed, but only a restart applies it: {}.", out.empty() ? "" : " ",
                       fmt::join(need_restart, ", "));
  return out.empty() ? "Nothing has changed." : out;
}

}  // namespace slipway::config
