// What the rules of single settings cannot say: whether values mean anything, agree with each other, and name files
// that are there. The parsers are those that the service itself uses later.
#pragma once

#include "config/settings.hpp"

#include <slipway/config/loader.hpp>

#include <vector>

namespace app {

// Everything that is wrong with the values, each with the place where it was written. Opens nothing.
std::vector<config::problem> refused_values(settings const& s, config::provenance const& came);

// Reads the settings, and finds all that `serve` would refuse before it asks a server or a database: mistakes in the
// sources, these values, and files, folders and modules that are not as the settings say. Nothing is made or changed.
std::vector<config::problem> read_and_check(config::sources const& from, config::loaded<settings>& into);

}  // namespace app
