// The rules of described members, and what production demands of secrets.
#pragma once

#include <slipway/config/bind.hpp>

namespace slipway::config {

// Adds a problem for each broken rule. `prefix` is that of the variables, for the remedy of what is missing.
void check_rules(binding& in, void const* settings, std::string_view prefix);

// Why a value must not protect anything in production; empty: nothing speaks against it. `own_minimum`: the member
// has a rule of its own about its length.
std::string placeholder_of(std::string_view value, bool is_secret, bool own_minimum);

// Refuses placeholders in secrets and sensitive members.
void check_secrets(binding& in, void const* settings);

}  // namespace slipway::config
