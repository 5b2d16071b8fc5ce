#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/documents/mongodb_driver.hpp>
#include <slipway/documents/session.hpp>
#include <slipway/documents/settings.hpp>
#include <slipway/runtime/blocking_pool.hpp>

namespace slipway::documents::mongodb {

// The module's driver for these settings. Throws startup_error.
std::unique_ptr<driver> load(settings const& s, std::string const& application);
// Asks the server who it is, and waits for the answer. Throws startup_error.
std::unique_ptr<store> make_store(std::unique_ptr<driver> through, settings const& s, blocking_pool& pool,
                                  clock_source const& clock);

}  // namespace slipway::documents::mongodb
