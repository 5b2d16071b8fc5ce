// The application's object graph: repositories, services, controllers and the routing table, in the order of who
// needs whom. Built once, read by every shard, torn down in reverse.
#pragma once

#include "config/settings.hpp"
#include "controllers/documents.hpp"
#include "controllers/note_events.hpp"
#include "controllers/notes.hpp"
#include "controllers/preferences.hpp"
#include "controllers/profiles.hpp"
#include "controllers/queries.hpp"
#include "controllers/sessions.hpp"
#include "controllers/system.hpp"
#include "controllers/users.hpp"
#include "controllers/web.hpp"
#include "repositories/idempotency_keys.hpp"

#include <slipway/api/idempotency.hpp>
#include <slipway/api/router.hpp>

namespace app {

class application {
 public:
  // Everything in `around` must outlive the application.
  struct surroundings {
    app::settings const& settings;
    shards& on;
    db::database& database;
    documents::store& documents;
    auth::key_ring& keys;
    auth::passwords& passwords;
    auth::throttle& throttle;
    auth::breach_check& breaches;
    health::monitor& health;
    metrics::registry& metrics;
    query_health::slow_log const& slow;
    profiles::profiler& profiler;
    clock_source const& clock;
    std::string environment;
    log::logger log = {};
  };
  explicit application(surroundings around);

  api::router& routes() noexcept { return routes_; }
  // The operators' own table, with details, metrics and profiles.
  api::router& operator_routes() noexcept { return operator_routes_; }

  std::string const& openapi() const noexcept { return document_pages_.openapi_text(); }
  std::string const& openapi_3_0() const noexcept { return document_pages_.openapi_3_0_text(); }

  // Ends what has no end of its own, the streams of events: before the server drains.
  void end_streams() { note_watchers_.close(); }

  // Forgets what has run out: sessions, idempotency keys, documents. Once in a while.
  task<> tidy();

 private:
  clock_source const& clock_;
  documents::store& documents_;

  repositories::users user_rows_;
  repositories::refresh_tokens token_rows_;
  repositories::notes note_rows_;
  repositories::preferences preference_rows_;
  repositories::idempotency_keys key_rows_;

  controllers::note_events note_watchers_;
  metrics::registry::subscription watched_;
  auth::token_issuer issuer_;
  services::users users_;
  services::sessions sessions_;
  services::notes notes_;
  services::preferences preferences_;

  controllers::users user_pages_;
  controllers::sessions session_pages_;
  controllers::notes note_pages_;
  controllers::preferences preference_pages_;
  controllers::system system_pages_, operator_pages_;
  controllers::queries query_pages_;
  controllers::profiles profile_pages_;
  std::unique_ptr<controllers::web> web_;  // null: no front end is served
  std::vector<content::asset> viewer_;
  controllers::documents document_pages_;

  api::idempotency_layer idempotency_;
  api::router routes_, operator_routes_;
};

}  // namespace app
