// Profiles of the service itself, to operators alone.
#pragma once

#include <slipway/api/parameters.hpp>
#include <slipway/api/results.hpp>
#include <slipway/core/task.hpp>
#include <slipway/profiles/profiler.hpp>

namespace app {

using namespace slipway;

// In seconds.
inline constexpr unsigned longest_profile = 60;

struct cpu_profile_query {
  unsigned seconds = 10;
};
BOOST_DESCRIBE_STRUCT(cpu_profile_query, (), (seconds))

struct heap_profile_query {
  unsigned seconds = 0;
};
BOOST_DESCRIBE_STRUCT(heap_profile_query, (), (seconds))

namespace controllers {

class profiles {
 public:
  explicit profiles(slipway::profiles::profiler& profiler) : profiler_{profiler} {}

  task<result<payload>> cpu(query<cpu_profile_query> in);
  task<result<payload>> heap(query<heap_profile_query> in);

 private:
  slipway::profiles::profiler& profiler_;
};

}  // namespace controllers
}  // namespace app

template <>
inline constexpr auto slipway::rules_of<app::cpu_profile_query> = slipway::rules(field(&app::cpu_profile_query::seconds)
                                                                                     .optional()
                                                                                     .minimum(1)
                                                                                     .maximum(app::longest_profile)
                                                                                     .unit("seconds")
                                                                                     .help("How long to look"));

template <>
inline constexpr auto slipway::rules_of<app::heap_profile_query> =
    slipway::rules(field(&app::heap_profile_query::seconds)
                       .optional()
                       .maximum(app::longest_profile)
                       .unit("seconds")
                       .help("What is allocated meanwhile and kept; 0: what is held now"));
