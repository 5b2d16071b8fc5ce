#include <slipway/redis/tls.hpp>

#include <slipway/core/errors.hpp>

namespace slipway::redis {

tls::context make_tls_context(settings const& s) {
  auto made = tls::make_client_context();
  tls::trust(made.get(), {"redis.ca_file", s.ca_file});
  if (s.certificate_file.empty() != s.key_file.empty())
    throw startup_error{exit_code::config, "redis.certificate_file and redis.key_file belong together: set both"};
  if (!s.certificate_file.empty())
    tls::use_certificate(made.get(), {"redis.certificate_file", s.certificate_file}, {"redis.key_file", s.key_file});
  return made;
}

}  // namespace slipway::redis
