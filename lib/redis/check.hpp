// Whether settings lead to a Redis at all, found without asking one: for a command that checks a configuration.
#pragma once

#include <slipway/redis/settings.hpp>

namespace slipway::redis {

// What `connect` asks first: the URL, the files of certificates, and what belongs together. Throws
// startup_error(config), which names the setting and shows no password.
void check(settings const& s);

}  // namespace slipway::redis
