#include <slipway/core/errors.hpp>
#include <slipway/profiles/heap_text.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <vector>

namespace slipway::profiles {
namespace {

constexpr std::string_view form = "heap_v2/", of_all_threads = "  t*: ", libraries = "MAPPED_LIBRARIES:";

[[noreturn]] void not_understood(std::string_view line) {
  throw unavailable_error{"jemalloc wrote a heap profile of a form that is not known, at: " +
                          std::string{line.substr(0, 100)}};
}

std::string_view take_line(std::string_view& text) {
  auto const end = std::min(text.find('\n'), text.size());
  auto const line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

// Takes a hexadecimal number off the front. False: there is none.
bool take_address(std::string_view& text, std::uint64_t& out) {
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, 16);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

struct range {
  std::uint64_t begin = 0, end = 0;
};

// Where jemalloc's own code lies, as /proc/self/maps tells: "7f0a6b000000-7f0a6b0ae000 r-xp ... /lib/libjemalloc.so.2".
std::vector<range> code_of_jemalloc(std::string_view maps) {
  std::vector<range> out;
  while (!maps.empty()) {
    auto line = take_line(maps);
    if (line.find("libjemalloc") == std::string_view::npos) continue;
    range one;
    if (!take_address(line, one.begin) || !line.starts_with('-')) continue;
    line.remove_prefix(1);
    if (take_address(line, one.end)) out.push_back(one);
  }
  return out;
}

// "@ 0x1 0x2" without the innermost frames that lie in jemalloc; all of it where nothing else is there.
std::string_view without_jemalloc(std::string_view stack, std::vector<range> const& own) {
  auto rest = stack;
  while (rest.starts_with(" 0x")) {
    auto after = rest.substr(3);
    std::uint64_t at = 0;
    if (!take_address(after, at)) break;
    // It is where a call returns to, which may be the first address behind the caller's code: looked up one before.
    auto const inside = [at](range const& r) { return at - 1 >= r.begin && at - 1 < r.end; };
    if (std::ranges::none_of(own, inside)) return rest;
    rest = after;
  }
  return stack;
}

}  // namespace

std::string as_pprof(std::string_view dump) {
  auto const maps_at = dump.find(libraries);
  auto const maps = maps_at == std::string_view::npos ? std::string_view{} : dump.substr(maps_at);
  auto text = dump.substr(0, maps_at);
  auto const own = code_of_jemalloc(maps);

  auto const head = take_line(text);
  if (!head.starts_with(form)) not_understood(head);
  auto const totals = take_line(text);
  if (!totals.starts_with(of_all_threads)) not_understood(totals);
  std::string out{"heap profile: "};
  out.append(totals.substr(of_all_threads.size())).append(" @ ").append(head).append("\n");

  std::string_view stack;
  while (!text.empty()) {
    auto const line = take_line(text);
    if (line.starts_with('@')) {
      stack = line;
    } else if (line.starts_with(of_all_threads)) {
      if (stack.empty()) not_understood(line);
      out.append(line.substr(of_all_threads.size())).append(" @").append(without_jemalloc(stack.substr(1), own));
      out.append("\n");
      stack = {};
    } else if (!line.empty() && !line.starts_with("  t")) {  // lines of single threads: they are in the sums
      not_understood(line);
    }
  }
  return out.append("\n").append(maps);
}

}  // namespace slipway::profiles
