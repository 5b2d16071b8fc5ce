// Settings for few connections beside those of requests. For the .cpp files of this folder.
#pragma once

#include <slipway/db/settings.hpp>

#include <algorithm>
#include <chrono>

namespace slipway::query_health {

// Nothing on them takes longer than `limit`.
inline db::settings own_connection(db::settings s, std::chrono::milliseconds limit) {
  s.replicas.clear();
  s.connections = 1;
  // On MySQL these are more connections of the same kind, and a lock belongs to the one that asked for it.
  s.pipelines = s.url.starts_with("mysql://") || s.url.starts_with("mariadb://") ? 0 : 1;
  s.queue = 16;
  s.connect_attempts = 1;
  s.connect_timeout = std::min(s.connect_timeout, std::chrono::milliseconds{2'000});
  s.acquire_timeout = limit;
  s.statement_timeout = limit;
  s.repeated_statements = 0;
  s.watch = nullptr;
  return s;
}

}  // namespace slipway::query_health
