// Three words for what must hold, by what happens when it does not:
//   expect: in debug builds the process ends; in release builds nothing is checked beyond the argument itself.
//   bug:    in debug builds the process ends; in release builds it is counted, reported, and the caller goes on.
//   must:   the process ends, always: going on would do harm.
#pragma once

#include <atomic>
#include <cstdint>
#include <source_location>

namespace slipway {

[[noreturn]] void die(char const* kind, char const* what, std::source_location where) noexcept;

// How often `bug` has found something since the start. A metric shows it.
std::uint64_t bug_count() noexcept;
// Called for each bug found in a release build, on the thread that found it. Null: a line on stderr.
void on_bug(void (*report)(char const* what, std::source_location where)) noexcept;

namespace detail {
void count_bug(char const* what, std::source_location where) noexcept;
}

constexpr void expect([[maybe_unused]] bool holds, [[maybe_unused]] char const* what,
                      [[maybe_unused]] std::source_location where = std::source_location::current()) noexcept {
#ifndef NDEBUG
  if (!holds) [[unlikely]]
    die("expect", what, where);
#endif
}

// Returns `holds`, for `if (!bug(x, "...")) return ...;`.
inline bool bug(bool holds, char const* what, std::source_location where = std::source_location::current()) noexcept {
  if (!holds) [[unlikely]]
    detail::count_bug(what, where);
  return holds;
}

constexpr void must(bool holds, char const* what,
                    std::source_location where = std::source_location::current()) noexcept {
  if (!holds) [[unlikely]]
    die("must", what, where);
}

}  // namespace slipway
