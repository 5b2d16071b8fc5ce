#include "cmd/server/checks.hpp"

#include "cmd/server/schema.hpp"
#include "cmd/server/sharding.hpp"
#include "cmd/server/shared_store.hpp"
#include "controllers/web.hpp"

#include <slipway/content/cors.hpp>
#include <slipway/content/static_files.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/core/time.hpp>
#include <slipway/db/check.hpp>
#include <slipway/documents/connect.hpp>
#include <slipway/http/checks.hpp>
#include <slipway/redis/check.hpp>
#include <slipway/trace/tracer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

namespace app {
namespace {

class findings {
 public:
  explicit findings(config::provenance const& came) : came_{came} {}

  void add(std::string_view key, std::string_view message) {
    auto const names_it = message.starts_with(key.substr(0, key.find_first_of(".[")));
    all_.push_back({.where = {},
                    .key = {},
                    .message = config::at_its_place(
                        came_, key, names_it ? std::string{message} : fmt::format("{}: {}", key, message))});
  }
  void add(std::vector<http::refused_setting> const& refused) {
    for (auto const& each : refused) add(each.key, each.message);
  }
  // False: what `read` threw is what is wrong with the setting.
  bool ask(std::string_view key, auto const& read) {
    try {
      read();
      return true;
    } catch (startup_error const& refused) {
      add(key, refused.what());
      return false;
    }
  }
  std::vector<config::problem> take() { return std::move(all_); }

 private:
  config::provenance const& came_;
  std::vector<config::problem> all_;
};

http::server_settings operators_of(settings const& s) {
  http::server_settings out;
  out.listen = s.operations.listen;
  out.listen_key = "operations.listen";
  return out;
}

void check_limits(settings const& s, findings& into) {
  if (s.limits.window % std::chrono::seconds{1} != std::chrono::milliseconds{0})
    into.add("limits.window",
             fmt::format("limits.window is {}: write whole seconds", format_duration(s.limits.window)));
  into.ask("limits.store", [&s] { shared_store::check(s); });
}

void check_keys(settings const& s, findings& into) {
  auto const longest = s.auth.tokens.lifetime + s.auth.tokens.leeway;
  if (s.auth.keys.retire_after > longest) return;
  into.add("auth.keys.retire_after",
           fmt::format("auth.keys.retire_after ({}) must be longer than auth.tokens.lifetime and leeway together ({}), "
                       "or tokens become invalid when the key is rotated. Raise the one or lower the other.",
                       format_duration(s.auth.keys.retire_after), format_duration(longest)));
}

void check_cors(browser_settings const& s, findings& into) {
  auto good = true;
  auto const read = [](std::vector<std::string> origins, bool credentials) {
    content::cors_settings of;
    of.origins = std::move(origins);
    of.credentials = credentials;
    content::make_cors(std::move(of));
  };
  for (auto const& each : s.cors_origins) good &= into.ask("browser.cors_origins", [&] { read({each}, false); });
  if (good) into.ask("browser.cors_origins", [&] { read(s.cors_origins, s.cors_credentials); });
}

void check_passwords(settings const& s, findings& into) {
  into.ask("auth.passwords", [&s] { auth::check(s.auth.passwords); });
}

void check_servers(settings const& s, findings& into) {
  into.ask("database", [&s] { db::check(s.database); });
  for (auto const& node : s.sharding.nodes)
    into.ask("sharding.nodes", [&] {
      try {
        db::check(node_database(s, node));
      } catch (startup_error const& refused) {
        throw startup_error{refused.code(), fmt::format("sharding.nodes, {}: {}", node.name, refused.what())};
      }
    });
  if (!s.sharding.nodes.empty())
    into.ask("sharding.range_keys", [&s] { sharding::check_keys(s.sharding, sharded_tables(s)); });
  if (!s.redis.url.empty()) into.ask("redis", [&s] { redis::check(s.redis); });
  into.ask("documents", [&s] { documents::check(s.documents, s.service.name); });
}

void check_web(web_settings const& s, findings& into) {
  if (s.folder.empty()) return;
  into.ask("web.folder", [&s] { content::static_files const unused{{.root = s.folder, .fallback = s.fallback}}; });
  into.ask("web.content_security_policy", [&s] { controllers::web::check_policy(s.content_security_policy); });
}

void check_values(settings const& s, findings& into) {
  into.add(http::refused_values(s.http));
  into.add(http::refused_values(operators_of(s)));
  check_limits(s, into);
  check_keys(s, into);
  check_cors(s.browser, into);
  check_passwords(s, into);
}

}  // namespace

std::vector<config::problem> refused_values(settings const& s, config::provenance const& came) {
  findings found{came};
  check_values(s, found);
  return found.take();
}

std::vector<config::problem> read_and_check(config::sources const& from, config::loaded<settings>& into) {
  auto problems = config::load_into(meta::describe<settings>, &into.value, from, into.came);
  // Of what could be read; a value that could not be has its default here.
  auto const& s = into.value;
  findings found{into.came};
  check_values(s, found);
  found.add(http::refused_certificates(s.http.tls));
  check_servers(s, found);
  if (!s.migrations.directory.empty()) found.ask("migrations.directory", [&s] { migrations_for(s); });
  check_web(s.web, found);
  if (s.tracing.enabled) found.ask("tracing.enabled", need_otlp);
  std::ranges::move(found.take(), std::back_inserter(problems));
  return problems;
}

}  // namespace app
