// What a person has set for a front end: one JSON document for each account, whose content is the front end's business.
#pragma once

#include "models/user.hpp"

#include <slipway/documents/description.hpp>
#include <slipway/json/value.hpp>

namespace app {

struct preferences {
  id_of<user> id;
  json::value values = boost::json::object{};
  std::int64_t version = 0;  // 0: nothing was ever saved
  time_point created_at{}, updated_at{};
};
BOOST_DESCRIBE_STRUCT(preferences, (), (id, values, version, created_at, updated_at))

struct preferences_view {
  json::value values;
};
BOOST_DESCRIBE_STRUCT(preferences_view, (), (values))

}  // namespace app

template <>
inline constexpr auto slipway::documents::collection_of<app::preferences> =
    slipway::documents::collection_named<app::preferences>("preferences")
        .version(slipway::documents::col<&app::preferences::version>)
        .timestamps(slipway::documents::col<&app::preferences::created_at>,
                    slipway::documents::col<&app::preferences::updated_at>);

template <>
inline constexpr auto slipway::rules_of<app::preferences_view> =
    slipway::rules(field(&app::preferences_view::values)
                       .example(R"({"theme":"dark","notes":{"sort":"title"}})")
                       .help("An object, at most 64 KB. A key must not be empty, begin with $ or have a dot; a number "
                             "must not be beyond 64 bits."));
