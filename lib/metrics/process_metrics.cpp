#include <slipway/metrics/process_metrics.hpp>

#include <slipway/core/assert.hpp>

#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

namespace slipway::metrics {
namespace {

std::string read_file(char const* path) {
  std::ifstream in{path};
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

// Field `number` of /proc/self/stat, counted from 1 as in proc(5). The second one is the command in parentheses and
// may hold anything, so counting begins behind the last ')'.
std::optional<double> stat_field(std::string const& stat, int number) {
  auto const close = stat.rfind(')');
  if (close == std::string::npos) return std::nullopt;
  std::istringstream rest{stat.substr(close + 1)};
  std::string field;
  for (int i = 3; i <= number; ++i)
    if (!(rest >> field)) return std::nullopt;
  double value = 0;
  auto const parsed = std::from_chars(field.data(), field.data() + field.size(), value);
  return parsed.ec == std::errc{} ? std::optional{value} : std::nullopt;
}

std::optional<double> boot_time() {
  auto const text = read_file("/proc/stat");
  auto const at = text.find("\nbtime ");
  if (at == std::string::npos) return std::nullopt;
  double value = 0;
  auto const* const first = text.data() + at + 7;
  return std::from_chars(first, text.data() + text.size(), value).ec == std::errc{} ? std::optional{value}
                                                                                    : std::nullopt;
}

std::optional<double> open_descriptors() {
  std::error_code error;
  std::filesystem::directory_iterator all{"/proc/self/fd", error};
  if (error) return std::nullopt;
  double count = 0;
  for (; all != std::filesystem::directory_iterator{}; all.increment(error)) {
    if (error) return std::nullopt;
    ++count;
  }
  return count - 1;  // without the one that counts
}

void write_process(writer& out) {
  auto const one = [&](std::string_view name, std::string_view help, metric_kind kind, std::optional<double> v) {
    if (!v) return;
    out.family(name, help, kind);
    out.value({}, *v);
  };
  auto const stat = read_file("/proc/self/stat");
  auto const ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  auto const page = static_cast<double>(::sysconf(_SC_PAGESIZE));
  auto const scaled = [](std::optional<double> v, double by) { return v ? std::optional{*v * by} : std::nullopt; };

  auto const user = stat_field(stat, 14), system = stat_field(stat, 15);
  one("process_cpu_seconds_total", "Processor time used, user and system", metric_kind::counter,
      user && system ? std::optional{(*user + *system) / ticks} : std::nullopt);
  one("process_resident_memory_bytes", "Memory in use", metric_kind::gauge, scaled(stat_field(stat, 24), page));
  one("process_virtual_memory_bytes", "Address space in use", metric_kind::gauge, stat_field(stat, 23));
  one("process_threads", "Threads", metric_kind::gauge, stat_field(stat, 20));
  auto const started = stat_field(stat, 22);
  auto const boot = boot_time();
  one("process_start_time_seconds", "When the process began, in seconds since 1970", metric_kind::gauge,
      started && boot ? std::optional{*boot + *started / ticks} : std::nullopt);
  one("process_open_fds", "Open file descriptors", metric_kind::gauge, open_descriptors());
  rlimit limit{};
  one("process_max_fds", "How many file descriptors may be open", metric_kind::gauge,
      ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? std::optional{static_cast<double>(limit.rlim_cur)} : std::nullopt);
  one("slipway_bugs_total", "Broken assumptions that were found and survived", metric_kind::counter,
      static_cast<double>(bug_count()));
}

}  // namespace

registry::subscription process_metrics(registry& all) { return all.collector(write_process); }

registry::subscription runtime_metrics(registry& all, shards& on) {
  return all.collector([&on](writer& out) {
    out.family("runtime_loop_lag_seconds", "How late the event loop's last regular wake-up came", metric_kind::gauge);
    for (unsigned i = 0; i < on.size(); ++i) {
      label const shard{"shard", std::to_string(i)};
      out.value({&shard, 1}, std::chrono::duration<double>(on[i].lag()).count());
    }
  });
}

registry::subscription pool_metrics(registry& all, std::vector<blocking_pool const*> pools) {
  return all.collector([pools = std::move(pools)](writer& out) {
    auto const each = [&](std::string_view name, std::string_view help, metric_kind kind, auto read) {
      out.family(name, help, kind);
      for (auto const* pool : pools) {
        label const of{"pool", pool->name()};
        out.value({&of, 1}, static_cast<std::uint64_t>(read(pool->use())));
      }
    };
    each("pool_queued", "Jobs that wait for a thread", metric_kind::gauge, [](auto const& u) { return u.queued; });
    each("pool_running", "Jobs that run", metric_kind::gauge, [](auto const& u) { return u.running; });
    each("pool_jobs_total", "Jobs that are done", metric_kind::counter, [](auto const& u) { return u.done; });
    each("pool_refused_total", "Jobs that found the queue full", metric_kind::counter,
         [](auto const& u) { return u.refused; });
  });
}

}  // namespace slipway::metrics
