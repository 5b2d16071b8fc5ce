#include "routes/routes.hpp"

namespace app::routes {

// Where Go's tools expect them.
void profiles(router& r, controllers::profiles& c) {
  constexpr std::chrono::seconds limit{longest_profile + 30};  // writing it down takes its time, too
  r.get("/debug/pprof/profile", c, &controllers::profiles::cpu,  {.summary = "Where processor time goes", .access = everyone, .faults = {not_found, conflict("profile_running"), conflict("profiler_missing")}, .name = "profiles.cpu", .time_limit = limit, .hidden = true, .answer_media_type = "application/octet-stream"});
  r.get("/debug/pprof/heap",    c, &controllers::profiles::heap, {.summary = "Who holds the memory",      .access = everyone, .faults = {not_found, conflict("profile_running"), conflict("heap_not_sampled"), conflict("heap_sampling_paused"), conflict("heap_sampled_always")}, .name = "profiles.heap", .time_limit = limit, .hidden = true, .answer_media_type = "application/octet-stream"});
}

}  // namespace app::routes
