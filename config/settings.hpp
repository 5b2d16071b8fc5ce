// Every setting of the service: described once here, and from that read, checked, shown and documented. The files
// beside this one hold what differs between environments; docs/configuration.md is made from this header.
#pragma once

#include <slipway/auth/breach.hpp>
#include <slipway/auth/key_ring.hpp>
#include <slipway/auth/passwords.hpp>
#include <slipway/auth/refresh.hpp>
#include <slipway/auth/throttle.hpp>
#include <slipway/auth/tokens.hpp>
#include <slipway/backup/settings.hpp>
#include <slipway/db/settings.hpp>
#include <slipway/documents/settings.hpp>
#include <slipway/http/settings.hpp>
#include <slipway/limits/fallback.hpp>
#include <slipway/log/journal.hpp>
#include <slipway/meta/description.hpp>
#include <slipway/partitions/settings.hpp>
#include <slipway/query_health/settings.hpp>
#include <slipway/redis/settings.hpp>
#include <slipway/sharding/settings.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace app {

using namespace slipway;

struct service_settings {
  std::string name = "slipway";
  std::string public_url = "http://127.0.0.1:8080";
};
BOOST_DESCRIBE_STRUCT(service_settings, (), (name, public_url))

struct runtime_settings {
  unsigned shards = 0;
  unsigned hashing_threads = 2;
  unsigned hashing_queue = 64;
};
BOOST_DESCRIBE_STRUCT(runtime_settings, (), (shards, hashing_threads, hashing_queue))

// The second listener, for operators: metrics, health with details, slow statements, profiles.
struct operations_settings {
  std::vector<std::string> listen{"127.0.0.1:8081"};
  bool public_metrics = false;
  bool profiles = false;
};
BOOST_DESCRIBE_STRUCT(operations_settings, (), (listen, public_metrics, profiles))

struct migration_settings {
  std::string directory;
  bool at_start = false;
  std::chrono::milliseconds lock_timeout{5'000};
  std::chrono::milliseconds statement_timeout{600'000};
  std::chrono::milliseconds patience{60'000};
  std::vector<std::string> unmanaged;
  std::vector<std::string> compare_with;
  std::string squawk;
};
BOOST_DESCRIBE_STRUCT(migration_settings, (),
                      (directory, at_start, lock_timeout, statement_timeout, patience, unmanaged, compare_with, squawk))

struct auth_settings {
  auth::key_settings keys;
  auth::token_settings tokens;
  auth::refresh_settings refresh;
  auth::password_settings passwords;
  auth::breach_settings breach_check;
  auth::throttle_settings throttle;
};
BOOST_DESCRIBE_STRUCT(auth_settings, (), (keys, tokens, refresh, passwords, breach_check, throttle))

struct browser_settings {
  std::vector<std::string> cors_origins;
  bool cors_credentials = false;
  bool hsts = true;
};
BOOST_DESCRIBE_STRUCT(browser_settings, (), (cors_origins, cors_credentials, hsts))

struct compression_settings {
  bool enabled = true;
  int level = 4;
  std::uint32_t min_size = 1024;
};
BOOST_DESCRIBE_STRUCT(compression_settings, (), (enabled, level, min_size))

// Where the limits of single routes and the failures of logins are counted.
enum class limit_store : std::uint8_t { memory, redis };
BOOST_DESCRIBE_ENUM(limit_store, memory, redis)

struct limit_settings {
  bool enabled = true;
  std::uint32_t requests = 6000;
  std::chrono::milliseconds window{60'000};
  limit_store store = limit_store::memory;
  limits::fallback when_store_fails = limits::fallback::memory;
};
BOOST_DESCRIBE_STRUCT(limit_settings, (), (enabled, requests, window, store, when_store_fails))

struct note_settings {
  std::uint32_t import_size = 8 << 20;
  std::uint32_t import_count = 10'000;
};
BOOST_DESCRIBE_STRUCT(note_settings, (), (import_size, import_count))

struct event_settings {
  std::uint32_t streams = 10'000;
  std::uint32_t streams_of_one = 32;
  std::uint32_t history = 1'024;
  std::chrono::milliseconds heartbeat{15'000};
  std::chrono::milliseconds retry{2'000};
};
BOOST_DESCRIBE_STRUCT(event_settings, (), (streams, streams_of_one, history, heartbeat, retry))

// A built front end that is served from the same origin.
struct web_settings {
  std::string folder;
  std::string fallback;
  std::string content_security_policy =
      "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; object-src 'none'; "
      "frame-ancestors 'none'; base-uri 'self'; form-action 'self'";
  unsigned threads = 2;
};
BOOST_DESCRIBE_STRUCT(web_settings, (), (folder, fallback, content_security_policy, threads))

struct tracing_settings {
  bool enabled = false;
  std::string endpoint = "http://127.0.0.1:4318/v1/traces";
  std::chrono::milliseconds timeout{5'000};
  double ratio = 0.05;
  bool follow_caller = false;
};
BOOST_DESCRIBE_STRUCT(tracing_settings, (), (enabled, endpoint, timeout, ratio, follow_caller))

struct seed_settings {
  std::string directory = "seeds";
  std::string email = "admin@example.com";
  unsigned people = 0, notes = 10;
};
BOOST_DESCRIBE_STRUCT(seed_settings, (), (directory, email, people, notes))

struct settings {
  service_settings service;
  runtime_settings runtime;
  http::server_settings http;
  operations_settings operations;
  db::settings database;
  query_health::settings queries;
  partitions::settings partitions;
  sharding::settings sharding;
  documents::settings documents;
  redis::settings redis;
  migration_settings migrations;
  backup::settings backup;
  auth_settings auth;
  browser_settings browser;
  compression_settings compression;
  limit_settings limits;
  note_settings notes;
  event_settings events;
  web_settings web;
  log::settings log;
  tracing_settings tracing;
  seed_settings seed;
};
BOOST_DESCRIBE_STRUCT(settings, (),
                      (service, runtime, http, operations, database, documents, queries, partitions, sharding, redis,
                       migrations, backup, auth, browser, compression, limits, notes, events, web, log, tracing, seed))

}  // namespace app

namespace slipway {

template <>
inline constexpr auto rules_of<app::service_settings> =
    rules(field(&app::service_settings::name)
              .not_blank()
              .max_length(64)
              .help("The service's name in documents, logs and traces."),
          field(&app::service_settings::public_url).url().help("Where clients reach it, for the document and links."));

template <>
inline constexpr auto rules_of<app::runtime_settings> = rules(
    field(&app::runtime_settings::shards).maximum(1024).help("Threads that serve requests; 0: one for each core."),
    field(&app::runtime_settings::hashing_threads).minimum(1).maximum(256).help("Threads that hash passwords."),
    field(&app::runtime_settings::hashing_queue)
        .minimum(1)
        .maximum(100'000)
        .help("Passwords that may wait to be hashed; more are answered with 503."));

template <>
inline constexpr auto rules_of<app::operations_settings> = rules(
    field(&app::operations_settings::listen).help("Addresses for operators; keep them private. Empty: none."),
    field(&app::operations_settings::public_metrics).help("Whether /metrics is also served on the public addresses."),
    field(&app::operations_settings::profiles)
        .reloadable()
        .help("Whether operators may take profiles of processor time and memory; never on the public addresses."));

template <>
inline constexpr auto rules_of<app::migration_settings> = rules(
    field(&app::migration_settings::directory)
        .optional()
        .help("Migrations from this directory instead of those in the binary."),
    field(&app::migration_settings::at_start)
        .help("Whether `serve` migrates by itself; else it refuses to start while migrations are pending."),
    field(&app::migration_settings::lock_timeout)
        .minimum(1)
        .help("How long a migration queues for a table that is in use, before it steps back, lets others through "
              "and asks again (PostgreSQL)."),
    field(&app::migration_settings::statement_timeout)
        .minimum(1)
        .help("The longest that one statement of a migration with a transaction may take (PostgreSQL)."),
    field(&app::migration_settings::patience)
        .minimum(1)
        .help("How long a migration tries to get its tables, and waits for another process that migrates."),
    field(&app::migration_settings::unmanaged)
        .help("Tables and columns that no model has on purpose, so that `migrate diff` passes over them: audit_log, "
              "notes.search, legacy_*."),
    field(&app::migration_settings::compare_with)
        .sensitive()
        .help("URLs of migrated databases of other engines, which `migrate diff` and `generate` look at as well."),
    field(&app::migration_settings::squawk)
        .optional()
        .help("The program squawk for `migrate lint`. Empty: where npm puts it (tests/e2e/node_modules), or in the "
              "PATH."));

template <>
inline constexpr auto rules_of<app::browser_settings> =
    rules(field(&app::browser_settings::cors_origins)
              .help("Origins whose pages may call this API, such as https://app.example.com."),
          field(&app::browser_settings::cors_credentials).help("Whether these pages may send cookies."),
          field(&app::browser_settings::hsts).help("Whether browsers are told to use https only (sent over https)."));

template <>
inline constexpr auto rules_of<app::compression_settings> =
    rules(field(&app::compression_settings::enabled).help("Whether answers are compressed."),
          field(&app::compression_settings::level).minimum(1).maximum(9).help("1 is fast, 9 is small."),
          field(&app::compression_settings::min_size).unit("bytes").help("Smaller answers are sent as they are."));

template <>
inline constexpr auto rules_of<app::limit_settings> = rules(
    field(&app::limit_settings::enabled).reloadable().help("Whether requests are limited, for each client address."),
    field(&app::limit_settings::requests)
        .minimum(1)
        .unit("requests")
        .reloadable()
        .help("How many in a window, over all routes without a limit of their own; health has none. Each of "
              "runtime.shards "
              "counts for itself: one connection gets so many at once and then its shard's part of the pace; many "
              "connections together get the whole pace, and up to that many times as much at once."),
    field(&app::limit_settings::window)
        .minimum(1000)
        .reloadable()
        .help("The window; whole seconds, others are refused."),
    field(&app::limit_settings::store)
        .help("Where the limits of single routes and failed logins are counted: memory, in each process; redis, over "
              "all processes that use the same redis.url."),
    field(&app::limit_settings::when_store_fails)
        .help("While Redis does not answer: memory, each process counts for itself; refuse, these routes answer 503."));

template <>
inline constexpr auto rules_of<app::note_settings> =
    rules(field(&app::note_settings::import_size)
              .minimum(1024)
              .maximum(1 << 30)
              .unit("bytes")
              .help("The largest form with a file of notes; more is 413. It is held in memory until all is read."),
          field(&app::note_settings::import_count)
              .minimum(1)
              .maximum(1'000'000)
              .unit("notes")
              .help("The most notes in one file."));

template <>
inline constexpr auto rules_of<app::event_settings> =
    rules(field(&app::event_settings::streams).minimum(1).help("Open streams of events, for each shard; more are 503."),
          field(&app::event_settings::streams_of_one).minimum(1).help("Of these, how many one person may have."),
          field(&app::event_settings::history)
              .maximum(1'000'000)
              .unit("events")
              .help("Kept, so that a client that comes back misses none; at most 4 MB of them."),
          field(&app::event_settings::heartbeat)
              .minimum(100)
              .help("A comment after so long without an event, so that proxies keep the connection open."),
          field(&app::event_settings::retry).help("How long clients are asked to wait before they come back."));

template <>
inline constexpr auto rules_of<app::web_settings> =
    rules(field(&app::web_settings::folder)
              .optional()
              .help("Directory with a built front end (index.html and what it needs), served at /. Empty: none."),
          field(&app::web_settings::fallback)
              .optional()
              .help("For applications that route in the browser: the file that is shown for paths without an extension "
                    "that name nothing, usually index.html. Empty: 404."),
          field(&app::web_settings::content_security_policy)
              .help("What its pages may load, as the value of Content-Security-Policy."),
          field(&app::web_settings::threads)
              .minimum(1)
              .maximum(256)
              .help("Threads that read files which are not in memory."));

template <>
inline constexpr auto rules_of<app::tracing_settings> =
    rules(field(&app::tracing_settings::enabled).help("Whether traces are exported (OTLP over HTTP)."),
          field(&app::tracing_settings::endpoint).url().sensitive().help("The collector."),
          field(&app::tracing_settings::timeout)
              .minimum(100)
              .maximum(60'000)
              .help("How long one call to the collector may take. A stop waits that long for one that hangs, and at "
                    "most twice as long for one that is slow."),
          field(&app::tracing_settings::ratio)
              .minimum(0)
              .maximum(1)
              .help("The share of traces that is exported; those with an error always are."),
          field(&app::tracing_settings::follow_caller)
              .help("Whether a caller's traceparent decides what is exported, and its tracestate is passed on. Only "
                    "behind a gateway that sets them; without, a caller's trace is continued all the same, but "
                    "tracing.ratio decides."));

template <>
inline constexpr auto rules_of<app::seed_settings> =
    rules(field(&app::seed_settings::directory)
              .optional()
              .help("Where SQL files lie that `slipway seed` runs: those of <directory>/<environment>, by name, each "
                    "once and again when it has changed. Empty: none."),
          field(&app::seed_settings::email).email().help("The account of the development data."),
          field(&app::seed_settings::people)
              .maximum(1'000'000)
              .help("Made-up people beside it, the same ones each time: to see the service with data in it."),
          field(&app::seed_settings::notes).maximum(10'000).unit("notes").help("Of each of them."));

}  // namespace slipway
