// Commands that tell of the API without serving it: routes, the OpenAPI document, the table of errors. The object
// graph is built on an empty database in memory and a key that is never used, and nothing is called.
#include "cmd/server/application.hpp"
#include "cmd/server/command_line.hpp"
#include "cmd/server/route_costs.hpp"
#include "cmd/server/running.hpp"

#include <slipway/api/openapi.hpp>
#include <slipway/api/problem.hpp>
#include <slipway/core/time.hpp>
#include <slipway/documents/sql_store.hpp>
#include <slipway/json/object_writer.hpp>

#include <fmt/format.h>

#include <cstdio>
#include <functional>
#include <map>
#include <optional>
#include <set>

namespace app {
namespace {

class no_passwords final : public auth::passwords {
 public:
  task<std::string> hash(secret<std::string>) override { throw std::logic_error{"nothing is served"}; }
  task<bool> verify(secret<std::string>, std::optional<std::string>) override {
    throw std::logic_error{"nothing is served"};
  }
  bool needs_rehash(std::string_view) const noexcept override { return false; }
};

int with_application(invocation const& in, std::function<void(application&, settings const&)> const& tell) {
  auto const loaded = in.load();
  auto const& clock = system_clock();
  shards on{1};
  metrics::registry all_metrics{on.size()};
  auto in_memory = loaded.value.database;
  in_memory.url = "sqlite::memory:";
  in_memory.replicas.clear();
  auto database = db::connect(in_memory, on);
  auth::key_ring keys{{{auth::key::generate(auth::algorithm::eddsa), clock.now(), {}}}, std::chrono::hours{1}, clock};
  no_passwords passwords;
  auth::throttle_in_memory throttle{loaded.value.auth.throttle, clock};
  auto const breaches = auth::make_no_breach_check();
  health::monitor health{on[0]};
  auto const stored = documents::make_sql_store(database, clock);
  query_health::slow_log const slow{{}};
  auto const profiler = profiles::make_profiler(false);
  application app{{loaded.value, on, database, *stored, keys, passwords, throttle, *breaches, health, all_metrics, slow,
                   *profiler, clock, in.sources.environment}};
  tell(app, loaded.value);
  on.run(health.stop());
  return 0;
}

std::string who_of(api::access const& a) {
  switch (a.who) {
    case api::access::level::unsaid: return "nobody";
    case api::access::level::everyone: return "everyone";
    case api::access::level::signed_in: return "signed in";
    case api::access::level::permission: return fmt::format("needs {}", a.permission_name);
  }
  return {};
}

std::string limit_of(api::rate const& r) {
  return r.count == 0 ? "-" : fmt::format("{} in {}", r.count, format_duration(r.window));
}

// What was measured of an operation; null: nothing was.
route_cost const* cost_of(std::optional<route_costs> const& measured, api::operation const& op) {
  if (!measured) return nullptr;
  auto const found = measured->find({std::string{http::to_string(op.verb)}, op.pattern});
  return found == measured->end() || found->second.requests == 0 ? nullptr : &found->second;
}

void print_json(std::vector<std::shared_ptr<api::operation const>> const& operations,
                std::optional<route_costs> const& measured) {
  json::buffer out;
  {
    json::array_writer list{out};
    for (auto const& op : operations) {
      auto row = list.object();
      row.add("method", http::to_string(op->verb))
          .add("path", op->pattern)
          .add("name", op->name)
          .add("access", who_of(op->who));
      if (auto const* cost = cost_of(measured, *op))
        row.add("requests", static_cast<std::int64_t>(cost->requests))
            .add("statements_per_request", cost->statements / cost->requests)
            .add("database_ms_per_request", cost->seconds * 1000 / cost->requests);
      row.add("limit", op->limit.count).add("window_seconds", op->limit.window.count()).add("summary", op->summary);
      auto statuses = row.array("statuses");
      statuses.add(op->success);
      std::set<int> seen;
      for (auto const& f : api::all_faults(*op))
        if (seen.insert(api::status_of(f.kind)).second) statuses.add(api::status_of(f.kind));
    }
  }
  fmt::print("{}\n", out.view());
}

char const* meaning_of(fault_kind kind) {
  switch (kind) {
    case fault_kind::malformed: return "The request cannot be understood";
    case fault_kind::unauthenticated: return "Log in first";
    case fault_kind::forbidden: return "Logged in, and not allowed";
    case fault_kind::not_found: return "No such thing, or none that the caller may know of";
    case fault_kind::not_acceptable: return "No representation that the caller accepts";
    case fault_kind::conflict: return "The present state does not allow it";
    case fault_kind::gone: return "There was one";
    case fault_kind::precondition_failed: return "Somebody changed it first: read it again";
    case fault_kind::too_large: return "Send less";
    case fault_kind::unsupported_media_type: return "Send it in another form";
    case fault_kind::invalid: return "Understood, and breaks a rule: `errors` names each field";
    case fault_kind::precondition_required: return "Send If-Match";
    case fault_kind::too_many_requests: return "Wait as long as Retry-After says";
    case fault_kind::unavailable: return "Try again after Retry-After";
  }
  return "";
}

// What the HTTP core and the layers around all operations say, whatever is asked for.
struct any_error {
  int status;
  std::string_view what_to_do, code = api::core_code(status);
};
std::vector<any_error> of_any_operation() {
  return {{400, "The request cannot be understood"},
          {403, "Call from a page whose origin is among browser.cors_origins", "origin_not_allowed"},
          {404, "No such path, or nothing there that the caller may know of"},
          {405, "Use a method that the Allow header names"},
          {406, "Accept identity, or a coding that the service has", "no_acceptable_encoding"},
          {408, "It came too slowly: send it again, faster"},
          {411, "Send the length of the body"},
          {413, "Send less"},
          {414, "Use a shorter path and query"},
          {415, "Send the body without a content coding", "unsupported_content_encoding"},
          {416, "Ask for a part that is there"},
          {417, "Leave the Expect header out"},
          {421, "This service does not serve that host"},
          {431, "Send fewer or shorter headers"},
          {500, "A defect of the service: tell its operators the correlation id"},
          {501, "Use the methods and transfer codings of HTTP/1.1"},
          {503, "Try again after Retry-After"},
          {505, "Use HTTP/1.1"}};
}

}  // namespace

int show_routes(invocation const& in, routes_wish const& wish) {
  return with_application(in, [&wish](application& app, settings const& s) {
    std::optional<route_costs> measured;
    if (wish.measured || !wish.from.empty()) measured = read_route_costs(ask_running(s, wish.from, "/metrics"));
    auto const& operations = app.routes().operations();
    if (wish.json) return print_json(operations, measured);
    if (measured) fmt::print("{:<7} {:<28} {:>9} {:>11} {:>8}\n", "", "", "requests", "statements", "db ms");
    for (auto const& op : operations) {
      if (!measured) {
        fmt::print("{:<7} {:<28} {:<20} {:<12} {}\n", http::to_string(op->verb), op->pattern, who_of(op->who),
                   limit_of(op->limit), op->summary);
      } else if (auto const* cost = cost_of(measured, *op)) {
        fmt::print("{:<7} {:<28} {:>9.0f} {:>11.2f} {:>8.2f}  {}\n", http::to_string(op->verb), op->pattern,
                   cost->requests, cost->statements / cost->requests, cost->seconds * 1000 / cost->requests,
                   op->summary);
      } else {
        fmt::print("{:<7} {:<28} {:>9} {:>11} {:>8}  {}\n", http::to_string(op->verb), op->pattern, 0, "-", "-",
                   op->summary);
      }
    }
  });
}

int show_openapi(invocation const& in, bool version_3_0) {
  return with_application(in, [version_3_0](application& app, settings const&) {
    fmt::print("{}\n", version_3_0 ? app.openapi_3_0() : app.openapi());
  });
}

int show_errors(invocation const& in) {
  return with_application(in, [](application& app, settings const&) {
    struct row {
      std::string_view what_to_do;
      std::set<std::string> operations;
    };
    std::map<std::pair<int, std::string_view>, row> rows;
    for (auto const& op : app.routes().operations())
      if (!op->hidden)
        for (auto const& f : api::all_faults(*op)) {
          auto& found = rows[{api::status_of(f.kind), f.code}];
          found.what_to_do = meaning_of(f.kind);
          found.operations.insert(op->name);
        }
    for (auto const& any : of_any_operation()) rows[{any.status, any.code}] = {any.what_to_do, {}};
    fmt::print("| status | code | what to do | operations |\n| --- | --- | --- | --- |\n");
    auto const all = app.routes().operations().size();
    for (auto const& [key, found] : rows)
      fmt::print("| {} | `{}` | {} | {} |\n", key.first, key.second, found.what_to_do,
                 found.operations.empty() || found.operations.size() + 4 >= all
                     ? "all"
                     : fmt::format("{}", fmt::join(found.operations, ", ")));
  });
}

}  // namespace app
