#include <slipway/core/assert.hpp>

#include <cstdio>
#include <cstdlib>

namespace slipway {
namespace {

constinit std::atomic<std::uint64_t> bugs{0};
constinit std::atomic<void (*)(char const*, std::source_location)> reporter{nullptr};

}  // namespace

void die(char const* kind, char const* what, std::source_location where) noexcept {
  std::fprintf(stderr, "%s:%u: %s failed in %s: %s\n", where.file_name(), where.line(), kind, where.function_name(),
               what);
  std::abort();
}

std::uint64_t bug_count() noexcept { return bugs.load(std::memory_order_relaxed); }
void on_bug(void (*report)(char const*, std::source_location)) noexcept { reporter.store(report); }

void detail::count_bug(char const* what, std::source_location where) noexcept {
#ifndef NDEBUG
  die("bug", what, where);
#else
  bugs.fetch_add(1, std::memory_order_relaxed);
  if (auto* report = reporter.load()) return report(what, where);
  std::fprintf(stderr, "%s:%u: bug in %s: %s\n", where.file_name(), where.line(), where.function_name(), what);
#endif
}

}  // namespace slipway
