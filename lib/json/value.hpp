// JSON whose shape is not known beforehand: a column of preferences, a webhook's payload. It may be a member of any
// described type.
#pragma once

#include <slipway/json/reader.hpp>
#include <slipway/json/writer.hpp>
#include <slipway/meta/description.hpp>

#include <boost/json/value.hpp>

#include <string>
#include <string_view>

namespace slipway {
namespace json {

using value = boost::json::value;

// With the limits of `read_options`; duplicate members are refused. Integers stay integers up to 64 bits.
result<value> parse(std::string_view text, read_options const& options = {});
std::string serialize(value const& v);

// RFC 7396: objects are merged, null removes, everything else replaces.
void merge_patch(value& target, value const& patch);

}  // namespace json

template <>
struct meta::detail::table<json::value> {
  static constexpr type value{.what = kind::dynamic, .size = sizeof(json::value)};
};

}  // namespace slipway
