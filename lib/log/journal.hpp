// The log of a process: one JSON line for each thing that happened, or coloured text for a person at a terminal.
// Threads write into buffers of their own, a writer thread brings them to the sink, so no request ever waits for a
// disk. Lines of one thread keep their order; lines of different threads are sorted by their "time".
//
//   log::journal journal{settings.log};
//   services::users users{rows, journal.named("users")};
#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/log/logger.hpp>
#include <slipway/log/sink.hpp>

#include <boost/describe/class.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace slipway::log {

enum class format : std::uint8_t { automatic, json, text };
BOOST_DESCRIBE_ENUM(format, automatic, json, text)

struct access_settings {
  bool enabled = true;
  std::uint32_t sample = 1;              // one line in so many; failures (500 and above) and slow requests always
  std::chrono::milliseconds slow{1000};  // at least this long is slow
};
BOOST_DESCRIBE_STRUCT(access_settings, (), (enabled, sample, slow))

struct settings {
  log::level level = log::level::info;
  std::map<std::string, log::level, std::less<>> levels;  // by logger
  log::format format = log::format::automatic;
  std::string output = "stderr";
  std::vector<std::string> redact;       // names of fields to mask beside the usual ones
  std::uint32_t buffer_bytes = 1 << 20;  // for each shard
  std::chrono::milliseconds flush_every{20};
  access_settings access;
};
BOOST_DESCRIBE_STRUCT(settings, (), (level, levels, format, output, redact, buffer_bytes, flush_every, access))

// Lines are cut here, between characters, and then say "truncated":true.
inline constexpr std::size_t max_line = 16 * 1024;

struct trace_ids {
  std::string_view trace_id, span_id;  // hexadecimal; empty: none
};

struct journal_counters {
  std::uint64_t written = 0;    // lines given to the sink
  std::uint64_t dropped = 0;    // lines lost because a buffer was full
  std::uint64_t failed = 0;     // writes that the sink refused: disk full, reader gone
  std::uint64_t truncated = 0;  // lines that were cut at max_line
};

class journal {
 public:
  struct parts {
    clock_source const& clock = system_clock();
    std::unique_ptr<sink> output{};                         // null: what the settings name
    trace_ids (*ids_of)(trace_span const& span) = nullptr;  // lib/trace knows; null: no trace in the lines
  };
  // Throws startup_error when the output cannot be opened.
  explicit journal(settings const& s);
  journal(settings const& s, parts with);
  journal(journal const&) = delete;
  journal& operator=(journal const&) = delete;
  // Writes what is buffered, and gives up after two seconds with a reader that does not read.
  ~journal();

  // The logger of that name ("http", "db", "users"). Takes a lock: get it once, at the start.
  logger named(std::string_view name);

  // All of these work at any time from any thread.
  void set_level(level l) noexcept;                // of every logger that has none of its own
  void set_level(std::string_view name, level l);  // of one logger, whether it exists yet or not
  void clear_level(std::string_view name);         // back to the common one
  level common_level() const noexcept;
  std::map<std::string, level, std::less<>> levels() const;  // of every known logger, as it is in force
  // Opens the file anew, after a rotation. No line is lost: those before go to the old file.
  void reopen() noexcept;
  // Waits until everything that was logged before the call is with the sink. False when the time ran out.
  bool flush(std::chrono::milliseconds limit = std::chrono::milliseconds{1000}) noexcept;
  journal_counters counters() const noexcept;

  // For access.hpp.
  journal_core& core() noexcept { return *core_; }

 private:
  std::unique_ptr<journal_core> core_;
};

}  // namespace slipway::log

namespace slipway {

template <>
inline constexpr auto rules_of<log::access_settings> =
    rules(field(&log::access_settings::enabled).help("Whether requests are logged at all.").reloadable(),
          field(&log::access_settings::sample)
              .minimum(1)
              .maximum(1'000'000)
              .unit("requests")
              .reloadable()
              .help("One request in so many is logged; failures (500 and above) and slow requests always are."),
          field(&log::access_settings::slow)
              .minimum(0)
              .reloadable()
              .help("A request that takes at least this long is always logged."));

template <>
inline constexpr auto rules_of<log::settings> =
    rules(field(&log::settings::level).reloadable().help("Lines below this level are not written."),
          field(&log::settings::levels)
              .reloadable()
              .help("Levels of single loggers, by name; the others have the common one."),
          field(&log::settings::format)
              .help("json for programs, text for people; automatic is text on a terminal and json elsewhere."),
          field(&log::settings::output).min_length(1).help("stdout, stderr, or a file that is appended to."),
          field(&log::settings::redact)
              .help("Names of fields whose values are masked, beside password, token, authorization, cookie, secret, "
                    "api_key and their like."),
          field(&log::settings::buffer_bytes)
              .minimum(65'536)
              .maximum(67'108'864)
              .unit("bytes")
              .help("Room for lines on their way to the output, for each shard. When it is full, lines below error are "
                    "dropped and counted."),
          field(&log::settings::flush_every)
              .minimum(1)
              .maximum(10'000)
              .help("How long a line may wait for others to be written with it."),
          field(&log::settings::access).help("The line that each request leaves."));

}  // namespace slipway
