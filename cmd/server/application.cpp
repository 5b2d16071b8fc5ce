#include "cmd/server/application.hpp"

#include "cmd/server/command_line.hpp"
#include "models/collections.hpp"
#include "routes/routes.hpp"

#include <slipway/content/media_types.hpp>
#include <slipway/core/embedded.hpp>

namespace app {

std::span<embedded_file const> viewer_files();  // linked in by CMake

namespace {

constexpr std::chrono::hours keys_are_kept{24};

std::vector<content::asset> viewer_assets() {
  std::vector<content::asset> out;
  for (auto const& f : viewer_files()) out.push_back({f.name, content::media_type_of(f.name), f.bytes});
  return out;
}

content::event_settings events_of(event_settings const& s) {
  return {.subscribers = s.streams,
          .subscribers_of_topic = s.streams_of_one,
          .history = s.history,
          .heartbeat = s.heartbeat,
          .retry = s.retry};
}

version_view version_of(application::surroundings const& around) {
  return {around.settings.service.name, version_text(), revision_text(), around.environment};
}

std::unique_ptr<controllers::web> make_web(web_settings const& s) {
  if (s.folder.empty()) return nullptr;
  return std::make_unique<controllers::web>(
      controllers::web::parts{s.folder, s.fallback, s.content_security_policy, s.threads});
}

}  // namespace

application::application(surroundings around)
    : clock_{around.clock},
      documents_{around.documents},
      user_rows_{around.database},
      token_rows_{around.database},
      note_rows_{around.database},
      preference_rows_{around.documents},
      key_rows_{around.database},
      note_watchers_{around.on, events_of(around.settings.events), around.clock},
      watched_{around.metrics.callback(metrics::metric_kind::gauge, "note_watchers", "Open streams of note events", {},
                                       [this] { return static_cast<double>(note_watchers_.count().subscribers); })},
      issuer_{around.settings.auth.tokens, around.keys, around.clock},
      users_{{around.database, user_rows_, token_rows_, preference_rows_, around.passwords, around.breaches,
              around.throttle, note_watchers_, around.clock}},
      sessions_{{around.database, user_rows_, token_rows_, around.passwords, issuer_, around.throttle,
                 around.settings.auth.refresh, note_watchers_, around.clock}},
      notes_{note_rows_, note_watchers_, around.clock},
      preferences_{preference_rows_, user_rows_},
      user_pages_{users_},
      session_pages_{sessions_, around.keys},
      note_pages_{notes_, around.settings.notes.import_count},
      preference_pages_{preferences_},
      system_pages_{{around.health, around.metrics, version_of(around)}},
      operator_pages_{{around.health, around.metrics, version_of(around), true}},
      query_pages_{around.slow},
      profile_pages_{around.profiler},
      web_{make_web(around.settings.web)},
      viewer_{viewer_assets()},
      document_pages_{viewer_},
      idempotency_{key_rows_, around.clock, around.log},
      routes_{&idempotency_} {
  routes::users(routes_, user_pages_);
  routes::preferences(routes_, preference_pages_);
  routes::sessions(routes_, session_pages_);
  routes::notes(routes_, note_pages_, around.settings.notes.import_size);
  routes::note_events(routes_, note_watchers_);
  routes::system(routes_, system_pages_);
  routes::documents(routes_, document_pages_);
  if (around.settings.operations.public_metrics) routes::metrics(routes_, system_pages_);
  if (web_) routes::web(routes_, *web_);
  routes::system(operator_routes_, operator_pages_);
  routes::metrics(operator_routes_, operator_pages_);
  routes::queries(operator_routes_, query_pages_);
  routes::profiles(operator_routes_, profile_pages_);
  document_pages_.write(
      routes_.operations(),
      {.title = around.settings.service.name,
       .version = version_text(),
       .description =
           "Accounts and notes. Errors are problem+json with a stable `code`; log in to get an access token.",
       .servers = {"/", around.settings.service.public_url}});
}

task<> application::tidy() {
  co_await token_rows_.purge_expired(clock_.now());
  co_await key_rows_.purge(clock_.now() - keys_are_kept);
  while (co_await documents_.sweep(all_collections()) > 0) {  // some thousand each time
  }
}

}  // namespace app
