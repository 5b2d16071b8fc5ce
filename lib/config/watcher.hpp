// Settings that change while the service runs. The sources are read again on `reload()` (SIGHUP) and when a file
// changes; a valid result becomes a new immutable snapshot, an invalid one changes nothing and is reported. Only
// members that are declared reloadable take their new value; a change of any other is named as waiting for a
// restart.
//
//   config::watcher<settings> watcher{sources, loaded, {.report = [&](config::reload_report const& r) { ... }}};
//   watcher.on_change([&](settings const& now) { journal.set_level(now.log.level); });
//   watcher.watch_files();
#pragma once

#include <slipway/config/loader.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace slipway::config {

struct reload_report {
  std::vector<std::string> applied;       // keys whose new value is in force
  std::vector<std::string> need_restart;  // keys that changed and are not reloadable: the old value stays
  std::vector<problem> problems;          // not empty: nothing was applied
  bool changed() const noexcept { return !applied.empty() || !need_restart.empty() || !problems.empty(); }
  std::string text() const;  // one sentence each, without values
};

// Takes over from `next` what may change: on return `next` holds the old value in every member that is not
// reloadable, and the report names the differences. Both are of type `t`.
reload_report merge_reloadable(meta::type const& t, void const* old, void* next);

// Tells when one of the files that settings came from changes, is made, replaced or removed. inotify on their
// directories, so an editor that saves by renaming and a mounted secret that is swapped by a link are seen.
class file_watch {
 public:
  // `changed` is called on a thread of this object, once the files were still for `settle` (or have been busy for
  // ten times that). Throws startup_error(exit_code::os) when the system has no inotify instance left.
  // `directories` names what to watch; it is asked again after each change, and those that are not there are left out.
  file_watch(std::function<std::vector<std::string>()> directories, std::function<void()> changed,
             std::chrono::milliseconds settle);
  file_watch(file_watch const&) = delete;
  file_watch& operator=(file_watch const&) = delete;
  ~file_watch();

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

// The directories of everything that `came` was read from, and of `from`.
std::vector<std::string> directories_of(sources const& from, provenance const& came);

struct watcher_options {
  std::function<void(reload_report const&)> report;  // after each reload in which something differed or was wrong
  std::chrono::milliseconds settle{200};
};

template <meta::described T>
class watcher {
 public:
  using options = watcher_options;

  watcher(sources from, loaded<T> first, options how = {})
      : from_{std::move(from)},
        how_{std::move(how)},
        came_{std::move(first.came)},
        now_{std::make_shared<T const>(std::move(first.value))} {}
  watcher(watcher const&) = delete;
  watcher& operator=(watcher const&) = delete;

  // The settings in force. From any thread.
  std::shared_ptr<T const> current() const {
    std::scoped_lock lock{state_};
    return now_;
  }

  // Called after each reload that applied something, on the thread that reloads. Before `watch_files`.
  void on_change(std::function<void(T const& now)> tell) { listeners_.push_back(std::move(tell)); }

  // What else is to be asked of settings that were read: anything wrong, and nothing is applied. Before `watch_files`.
  void check_with(std::function<std::vector<problem>(T const&, provenance const&)> check) { check_ = std::move(check); }

  // Also reloads whenever a file changes, until this object goes.
  void watch_files() {
    files_ = std::make_unique<file_watch>(
        [this] {
          std::scoped_lock lock{state_};
          return directories_of(from_, came_);
        },
        [this] { reload(); }, how_.settle);
  }

  // Reads everything again. From any thread, but not from a listener.
  reload_report reload() {
    std::scoped_lock one_at_a_time{reloading_};
    auto next = std::make_shared<T>();
    provenance came;
    reload_report report;
    report.problems = load_into(meta::describe<T>, next.get(), from_, came);
    if (report.problems.empty() && check_) report.problems = check_(*next, came);
    if (report.problems.empty()) {
      report = merge_reloadable(meta::describe<T>, current().get(), next.get());
      std::scoped_lock lock{state_};
      came_ = std::move(came);
      if (!report.applied.empty()) now_ = next;
    }
    if (!report.applied.empty())
      for (auto const& tell : listeners_) tell(*next);
    if (how_.report && report.changed()) how_.report(report);  // by now it is in force
    return report;
  }

 private:
  sources from_;
  options how_;
  std::mutex reloading_;
  mutable std::mutex state_;
  provenance came_;
  std::shared_ptr<T const> now_;
  std::vector<std::function<void(T const&)>> listeners_;
  std::function<std::vector<problem>(T const&, provenance const&)> check_;
  std::unique_ptr<file_watch> files_;  // last: its thread uses the rest
};

}  // namespace slipway::config
