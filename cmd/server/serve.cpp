// The service itself: the object graph is built here, in the order of who needs whom, and torn down in reverse.
#include "cmd/server/application.hpp"
#include "cmd/server/background.hpp"
#include "cmd/server/checks.hpp"
#include "cmd/server/command_line.hpp"
#include "cmd/server/layers.hpp"
#include "cmd/server/partitions.hpp"
#include "cmd/server/ready_file.hpp"
#include "cmd/server/schema.hpp"
#include "cmd/server/sharding.hpp"
#include "cmd/server/shared_store.hpp"
#include "cmd/server/signals.hpp"
#include "middleware/database_metrics.hpp"
#include "middleware/database_watch.hpp"
#include "middleware/telemetry_metrics.hpp"

#include <slipway/api/problem.hpp>
#include <slipway/config/watcher.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/core/time.hpp>
#include <slipway/db/repetition.hpp>
#include <slipway/documents/connect.hpp>
#include <slipway/http/server.hpp>
#include <slipway/metrics/process_metrics.hpp>
#include <slipway/query_health/slow_log.hpp>
#include <slipway/query_health/statistics.hpp>
#include <slipway/runtime/shards.hpp>

#include <array>
#include <optional>
#include <thread>

namespace app {
namespace {

// For log lines: the ids of the current span.
log::trace_ids ids_of(trace_span const& span) {
  thread_local std::array<std::string, 2> texts;
  texts = {span.trace().text(), span.id.text()};
  return {texts[0], texts[1]};
}

std::unique_ptr<span_exporter> make_exporter(settings const& s, std::string const& environment, log::logger log) {
  if (!s.tracing.enabled) return nullptr;
  return make_otlp_exporter({.endpoint = s.tracing.endpoint,
                             .service_name = s.service.name,
                             .service_version = version_text(),
                             .environment = environment,
                             .timeout = s.tracing.timeout,
                             .on_failure = [log = std::move(log)](std::string_view why) {
                               if (why.empty())
                                 log.info("the collector takes traces again");
                               else
                                 log.warn("the collector takes no traces; they are dropped", {{"reason", why}});
                             }});
}

std::unique_ptr<auth::breach_check> make_breaches(settings const& s, shards& on, log::journal& journal,
                                                  metrics::registry& all) {
  if (!s.auth.breach_check.enabled) return auth::make_no_breach_check();
  return auth::make_breach_check(s.auth.breach_check,
                                 {on, journal.named("passwords"), all, s.service.name + "/" + version_text()});
}

// Its line in the access log was written with its head, when nothing had failed yet. A reader who left and a stop of the
// service are nobody's error.
void tell_of_broken_stream(log::logger const& log, http::exchange const& x, std::exception_ptr const& why) noexcept {
  try {
    std::rethrow_exception(why);
  } catch (cancelled_error const& error) {
    if (error.why() == cancel_reason::deadline)
      log.with(x.operation).warn("a response was cut: its time was up", {{"path", x.request.path}});
  } catch (std::exception const& error) {
    log.with(x.operation)
        .error("a response was cut: its stream failed", {{"path", x.request.path}, {"error", error.what()}});
  } catch (...) {
    log.with(x.operation).error("a response was cut: its stream failed", {{"path", x.request.path}});
  }
}

task<> tidy_now_and_then(application& app, log::logger log) {
  for (;;) {
    co_await sleep_for(std::chrono::minutes{10});
    try {
      co_await app.tidy();
    } catch (cancelled_error const&) {
      throw;
    } catch (std::exception const& error) {
      log.warn("tidying up failed; it will be tried again", {{"error", error.what()}});
    }
  }
}

void log_reload(log::logger const& log, config::reload_report const& report) {
  if (!report.problems.empty())
    log.error("the configuration was not reloaded", {{"reason", report.text()}});
  else
    log.info("the configuration was reloaded", {{"changes", report.text()}});
}

void change_levels(log::journal& journal, log::settings const& now) {
  journal.set_level(now.level);
  for (auto const& [name, level] : journal.levels())
    if (!now.levels.contains(name)) journal.clear_level(name);
  for (auto const& [name, level] : now.levels) journal.set_level(name, level);
}

// What SIGHUP asks for. Each part by itself: a key that cannot be read must not keep a new certificate away.
void reload_everything(log::logger const& log, log::journal& journal, config::watcher<settings>& watcher,
                       http::server& server, auth::key_ring& keys) {
  journal.reopen();
  watcher.reload();
  auto const read_again = [&log](char const* failure, auto const& read) {
    try {
      read();
      return true;
    } catch (std::exception const& error) {
      log.error(failure, {{"reason", error.what()}});
      return false;
    }
  };
  bool const with_keys =
      read_again("the keys could not be read again; the old ones stay in use", [&keys] { keys.reload(); });
  bool const with_certificates = read_again("the certificates could not be read again; the old ones stay in use",
                                            [&server] { server.reload_certificates(); });
  if (with_keys && with_certificates) log.info("keys and certificates were read again");
}

std::unique_ptr<profiles::profiler> make_profiler(settings const& s, log::logger log) {
  return profiles::make_profiler(
      s.operations.profiles, {.tell = [log = std::move(log)](profiles::profiler::taken const& t) {
        log.info("a profile was taken", {{"of", t.what}, {"took_ms", t.took.count()}, {"bytes", t.bytes}});
      }});
}

void warn_of_repetition(log::logger const& log, db::repetition const& r) {
  log.warn("one request runs the same statement again and again: load the rows together",
           {{"place", r.place()}, {"count", r.count}, {"sql", r.sql}});
}

void warn_of_slow(log::logger const& log, query_health::slow_statement const& one) {
  std::string advice;
  for (auto const& each : one.advised) advice += (advice.empty() ? "" : "; ") + each.text();
  log.warn("a statement was slow", {{"took_ms", static_cast<double>(one.took.count()) / 1000},
                                    {"place", one.place},
                                    {"sql", one.sql},
                                    {"rows", one.rows},
                                    {"request_id", one.correlation_id},
                                    {"error", one.error},
                                    {"plan", one.plan},
                                    {"no_plan", one.no_plan},
                                    {"missing_index", advice},
                                    {"left_out", one.left_out}});
}

std::optional<metrics::registry::subscription> replication_metrics(settings const& s, metrics::registry& all,
                                                                   db::database const& of) {
  if (s.database.replicas.empty()) return {};
  return middleware::replica_metrics(all, of);
}

task<> check_server(db::database const& of, std::size_t index) {
  auto const all = of.replication();
  auto const& server = all.servers[index];
  if (server.part != db::server_part::primary && server.part != db::server_part::replica)
    throw unavailable_error{server.place + " is " + std::string{db::to_string(server.part)} + ": " + server.detail};
  co_return;
}

task<> tell_of_servers(db::database const& of, log::logger log) {
  auto before = of.replication().servers;
  for (;;) {
    co_await sleep_for(std::chrono::seconds{1});
    auto now = of.replication().servers;
    for (std::size_t i = 0; i < now.size(); ++i) {
      if (now[i].part == before[i].part) continue;
      auto const is_well = now[i].part == db::server_part::primary || now[i].part == db::server_part::replica;
      log.put(is_well ? log::level::info : log::level::warn, "a server of the database has another part now",
              {{"server", now[i].place},
               {"part", db::to_string(now[i].part)},
               {"before", db::to_string(before[i].part)},
               {"reason", now[i].detail}});
    }
    before = std::move(now);
  }
}

// None of them is needed: without one of them, the others serve.
void add_replicas(health::monitor& health, db::database const& of) {
  for (std::size_t i = 0; i < of.replication().servers.size(); ++i)
    health.add("database-server-" + std::to_string(i), std::chrono::seconds{1}, false,
               [&of, i] { return check_server(of, i); });
}

std::vector<blocking_pool const*> pools_of(blocking_pool const& hashing, documents::opened const& stored) {
  std::vector<blocking_pool const*> out{&hashing};
  if (stored.pool) out.push_back(stored.pool.get());
  return out;
}

// Before anything is opened, and above all before a database is migrated.
config::loaded<settings> load_checked(config::sources const& from) {
  config::loaded<settings> out;
  if (auto const problems = read_and_check(from, out); !problems.empty())
    throw startup_error{exit_code::config, config::to_text(problems)};
  return out;
}

}  // namespace

int serve(invocation const& in, std::string const& ready_file) {
  take_signals();
  auto const loaded = load_checked(in.sources);
  auto const& s = loaded.value;
  auto const& clock = system_clock();

  log::journal journal{s.log, {.ids_of = ids_of}};
  auto const log = journal.named("server");
  log::access_log access{journal, s.log.access};
  std::optional<interruptible_start> starting{[&journal, &log] {
    log.info("stopped as asked, before it served");
    journal.flush();
  }};

  shards on{s.runtime.shards};
  metrics::registry all_metrics{on.size()};
  auto const process = metrics::process_metrics(all_metrics);
  auto const loops = metrics::runtime_metrics(all_metrics, on);
  auto const exporter = make_exporter(s, in.sources.environment, journal.named("traces"));
  std::unique_ptr<tracer> const traces =
      exporter ? std::make_unique<tracer>(
                     trace_settings{.ratio = s.tracing.ratio, .follow_caller = s.tracing.follow_caller}, *exporter)
               : nullptr;
  auto const logged = middleware::log_metrics(all_metrics, journal);
  auto const traced =
      exporter ? middleware::trace_metrics(all_metrics, *exporter, *traces) : metrics::registry::subscription{};

  middleware::database_watch watch{all_metrics};
  db::repetition_watch repeated{s.database.repeated_statements,
                                [&log](db::repetition const& r) { warn_of_repetition(log, r); }, &watch};
  auto database_settings = s.migrations.at_start ? s.database : existing(s.database);
  database_settings.watch = s.database.repeated_statements > 0 ? static_cast<db::observer*>(&repeated) : &watch;
  query_health::slow_log slow{
      {.limits = s.queries,
       .database = s.database,
       .tell = [log = journal.named("queries")](query_health::slow_statement const& one) { warn_of_slow(log, one); },
       .next = database_settings.watch}};
  if (s.queries.threshold.count() > 0) database_settings.watch = &slow;
  auto database = db::connect(database_settings, on);
  auto const connections = middleware::database_metrics(all_metrics, database);
  auto const replication = replication_metrics(s, all_metrics, database);
  require_schema(s, database, on, log);
  auto const stored = documents::connect(s.documents, database, clock, s.service.name);
  prepare_documents(*stored.store, on);
  query_health::statistics_sampler const statistics{
      s.database, s.queries.statistics,
      [&log](std::string const& why) { log.warn("the database's statistics cannot be taken", {{"reason", why}}); }};
  auto const sampled = middleware::statistics_metrics(all_metrics, statistics);

  blocking_pool hashing{"hashing", {.threads = s.runtime.hashing_threads, .queue = s.runtime.hashing_queue}};
  auto const pools = metrics::pool_metrics(all_metrics, pools_of(hashing, stored));
  auto const passwords = auth::make_passwords(s.auth.passwords, hashing);
  auto const breaches = make_breaches(s, on, journal, all_metrics);
  auth::key_ring keys{s.auth.keys, clock};

  health::monitor health{on[0]};
  health.add("database", std::chrono::seconds{2}, true, [&database] { return database.ping(); });
  if (stored.pool) health.add("documents", std::chrono::seconds{2}, true, [&stored] { return stored.store->ping(); });
  add_replicas(health, database);
  std::optional<middleware::node_watches> node_watches;
  if (!s.sharding.nodes.empty()) node_watches.emplace(all_metrics, database_settings.watch);
  auto const sharded = make_cluster(loaded, database_settings, database, on, log,
                                    [&node_watches](std::string_view node) { return node_watches->of(node); });
  if (sharded) add_nodes(health, *sharded);
  middleware::moves_seen moves;
  auto const shard_metrics =
      sharded ? middleware::sharding_metrics(all_metrics, *sharded, moves) : metrics::registry::subscription{};

  shared_store store{s, on, all_metrics, health, clock};

  auto const profiler = make_profiler(s, journal.named("profiles"));
  application app{{s, on, database, *stored.store, keys, *passwords, store.throttle(), *breaches, health, all_metrics,
                   slow, *profiler, clock, in.sources.environment, log}};
  std::vector<std::string> patterns;
  for (auto const& r : app.routes().table().routes()) patterns.push_back(r->pattern);
  metrics::http_metrics http_metrics{all_metrics, std::move(patterns)};
  layers between{{s, on.size(), keys, clock, {access, http_metrics, traces.get()}, store.route_limits()}, app.routes()};

  http::server server{
      on,
      s.http,
      {app.routes().table(), between.all(), api::write_error_page, api::write_exception,
       [&log](http::exchange const& x, std::exception_ptr why) { tell_of_broken_stream(log, x, why); }}};
  auto operator_settings = s.http;
  operator_settings.listen = s.operations.listen;
  operator_settings.listen_key = "operations.listen";
  operator_settings.tls = {};
  operator_settings.hosts.clear();
  operator_settings.drain_limit = std::min(s.http.drain_limit, std::chrono::milliseconds{1000});
  operator_settings.proxy_protocol = false;  // the balancer that speaks it is in front of the public addresses alone
  http::server operators{
      on, operator_settings, {app.operator_routes().table(), {}, api::write_error_page, api::write_exception}};
  auto const clients = middleware::server_metrics(all_metrics, server);
  starting.reset();  // from here on a stop is an orderly one
  if (!s.operations.listen.empty()) operators.start();
  server.start();
  health.started();
  ready(ready_file, server.addresses(), operators.addresses());
  log.info("serving", {{"addresses", joined(server.addresses())},
                       {"operators", joined(operators.addresses())},
                       {"database", database.description()},
                       {"documents", stored.store->description()},
                       {"redis", store.description()},
                       {"environment", in.sources.environment},
                       {"version", version_text()}});

  config::watcher<settings> watcher{
      in.sources, loaded, {.report = [&](config::reload_report const& r) { log_reload(log, r); }}};
  watcher.on_change([&](settings const& now) {
    change_levels(journal, now.log);
    access.change(now.log.access);
    between.change(now, on);
    server.change(now.http);
    operators.change(now.http);
    profiler->allow(now.operations.profiles);
  });
  watcher.check_with(refused_values);
  watcher.watch_files();
  {
    background const tidying{on[0], tidy_now_and_then(app, log)};
    std::optional<background> servers;
    if (!s.database.replicas.empty()) servers.emplace(on[0], tell_of_servers(database, log));
    std::optional<background> moving;
    if (sharded) moving.emplace(on[0], watch_moves(*sharded, moves, journal.named("sharding")));
    background const parting{on[0], keep_partitions(s, database, clock, journal.named("partitions"))};
    while (next_wish() == wish::reload) reload_everything(log, journal, watcher, server, keys);
  }

  log.info("stopping: finishing what is in flight");
  health.draining();
  std::this_thread::sleep_for(s.http.drain_delay);  // balancers see it unready before the servers stop to accept
  app.end_streams();
  profiler->close();
  auto const cut = server.stop();
  operators.stop();
  on.run(health.stop());
  log.info("stopped", {{"cut_requests", cut}});
  return 0;
}

}  // namespace app
