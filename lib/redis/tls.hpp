// The settings of the client's side of TLS.
#pragma once

#include <slipway/redis/settings.hpp>
#include <slipway/tls/context.hpp>

namespace slipway::redis {

// Throws startup_error(config): a file that cannot be read, a key that does not fit its certificate.
tls::context make_tls_context(settings const& s);

}  // namespace slipway::redis
