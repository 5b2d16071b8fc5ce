#include "cmd/server/layers.hpp"

#include <slipway/api/problem.hpp>
#include <slipway/content/compression.hpp>
#include <slipway/content/cors.hpp>
#include <slipway/content/security_headers.hpp>

namespace app {
namespace {

std::unique_ptr<http::middleware> make_security(browser_settings const& s) {
  content::security_settings out;
  if (!s.hsts) out.hsts_max_age = std::chrono::seconds{0};
  return content::make_security_headers(out);
}

std::unique_ptr<http::middleware> make_cors(browser_settings const& s, bool has_replicas) {
  if (s.cors_origins.empty()) return nullptr;
  content::cors_settings out;
  out.origins = s.cors_origins;
  out.credentials = s.cors_credentials;
  if (has_replicas) {
    out.headers.emplace_back(middleware::replica_reads::header);
    out.exposed.emplace_back(middleware::replica_reads::header);
  }
  return content::make_cors(out, api::write_error_page);
}

std::unique_ptr<http::middleware> make_compression(compression_settings const& s, unsigned shard_count) {
  if (!s.enabled) return nullptr;
  content::compression_settings out;
  out.level = s.level;
  out.min_size = s.min_size;
  return content::make_compression(out, shard_count, api::write_error_page);
}

content::rate_limit everyone(limit_settings const& s) {
  return {s.requests, std::chrono::duration_cast<std::chrono::seconds>(s.window)};
}

std::unique_ptr<content::rate_limiter> make_limits(limit_settings const& s, unsigned shard_count, api::router& table,
                                                   limits::route_limits* shared) {
  content::rate_limit_settings out;
  out.enabled = s.enabled;
  out.everyone = everyone(s);
  auto own = std::make_unique<content::rate_limiter>(out, shard_count, api::write_error_page);
  if (shared != nullptr) shared->set_enabled(s.enabled);
  for (auto const& r : table.table().routes()) {
    auto const& op = *static_cast<api::operation const*>(r->about.get());
    auto const& l = op.limit;
    if (op.unlimited) own->limit(*r, {});
    if (l.count == 0) continue;
    own->limit(*r, shared == nullptr ? content::rate_limit{l.count, l.window} : content::rate_limit{});
    if (shared != nullptr) shared->limit(*r, {l.count, l.window});
  }
  return own;
}

}  // namespace

layers::layers(surroundings around, api::router& table)
    : observation_{around.shard_count, around.observation},
      security_{make_security(around.settings.browser)},
      cors_{make_cors(around.settings.browser, !around.settings.database.replicas.empty())},
      compression_{make_compression(around.settings.compression, around.shard_count)},
      limits_{make_limits(around.settings.limits, around.shard_count, table, around.shared_limits)},
      shared_limits_{around.shared_limits},
      authentication_{around.settings.auth.tokens, around.keys, around.shard_count, around.clock},
      guard_{authentication_, around.settings.service.name},
      replicas_{around.settings.database.replicas.empty() ? nullptr : std::make_unique<middleware::replica_reads>()} {}

std::vector<http::middleware*> layers::all() {
  std::vector<http::middleware*> out{&observation_,      security_.get(), cors_.get(), limits_.get(),
                                     compression_.get(), &deprecation_,   &guard_,     replicas_.get()};
  std::erase(out, nullptr);  // what the settings turned off
  return out;
}

void layers::change(settings const& now, shards& on) {
  on.on_each([&](shard&) { limits_->change_here(now.limits.enabled, everyone(now.limits)); });
  if (shared_limits_ != nullptr) shared_limits_->set_enabled(now.limits.enabled);
}

}  // namespace app
