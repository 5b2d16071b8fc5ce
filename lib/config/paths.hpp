// Keys of a described struct: "http.port".
#pragma once

#include <slipway/meta/description.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace slipway::config {

// The type below optionals: what a value is written as.
meta::type const& plain(meta::type const& t) noexcept;
// Whether it has members of its own, or keys: the rest is written as one value.
inline bool is_object(meta::type const& t) noexcept { return plain(t).what == meta::kind::object; }

// Every key that takes a value, in the order of the description. A map and a list are one key each.
std::vector<std::string> keys_of(meta::type const& t);

// "http.port" is HTTP__PORT, after the prefix.
std::string variable_of(std::string_view prefix, std::string_view key);

// What the user may have meant by `name` below `path`: a neighbour, or a key of that last name elsewhere. As a whole
// key; empty when nothing is near.
std::string suggestion(meta::type const& root, meta::type const& object, std::string_view path, std::string_view name);

}  // namespace slipway::config
