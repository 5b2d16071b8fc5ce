// How far moves of slots have come, whichever process makes them: for metrics and `slipway sharding status`.
#pragma once

#include <slipway/sharding/cluster.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::sharding {

namespace phase {
inline constexpr std::string_view beginning = "beginning";  // or the source does not answer
inline constexpr std::string_view copying = "copying";      // rows are copied, changes are noted
inline constexpr std::string_view handing_over =
    "handing_over";                               // nobody writes in the slot, or it has just changed hands
inline constexpr std::string_view kept = "kept";  // it is over; the old copy awaits `clean`
inline constexpr std::string_view relabelling = "relabelling";  // of a split or merge: rows get their new slot
}  // namespace phase

struct move_progress {
  std::uint32_t slot = 0;
  std::string source, target, phase;
  std::int64_t copied = 0;   // rows of all tables that were copied in batches
  std::int64_t pending = 0;  // changes that have been noted and not been carried over: the lag of the target
};

// By slot. Asks the control database and the sources of the moves that are under way. A node that does not answer makes
// a move `beginning` with nothing pending; what the control database throws is passed on.
task<std::vector<move_progress>> progress_of(cluster& of);

// A split or a merge of ranges. While it is `beginning` nothing has changed, and it can be given up.
struct range_progress {
  std::string kind;                  // range_kind's
  std::uint32_t slot = 0, into = 0;  // rows of the former get the latter
  std::string bound;                 // as key::text() writes it
  std::string node, phase;
  std::int64_t rows = 0;  // that have their new slot, of all tables
};

// The one that there is, whichever process works on it, or none. A node that does not answer makes it `beginning`.
task<std::optional<range_progress>> range_progress_of(cluster& of);

}  // namespace slipway::sharding
