#include <slipway/core/errors.hpp>
#include <slipway/core/module.hpp>
#include <slipway/core/server_url.hpp>
#include <slipway/db/database.hpp>
#include <slipway/documents/connect.hpp>
#include <slipway/documents/mongodb_store.hpp>
#include <slipway/documents/sql_store.hpp>

namespace slipway::documents {
namespace mongodb {

std::unique_ptr<driver> load(settings const& s, std::string const& application) {
  auto const file = s.module.empty() ? std::string{"slipway_mongodb.so"} : s.module;
  auto const* entry = static_cast<module_entry const*>(
      load_module(file, "slipway_mongodb_module",
                  "for MongoDB install libmongoc-1.0-0, or leave documents.url empty for the SQL database"));
  if (entry->version != border_version)
    throw startup_error{exit_code::config, "the module " + file +
                                               " belongs to another version of this program: install the one that was "
                                               "built with it"};
  answer problem;
  std::unique_ptr<driver> out{entry->open({.url = s.url,
                                           .connections = s.connections,
                                           .connect_timeout = s.connect_timeout,
                                           .timeout = s.timeout,
                                           .application = application},
                                          problem)};
  if (!out) throw startup_error{exit_code::config, "documents.url: " + problem.message};
  return out;
}

}  // namespace mongodb

namespace {

void check_url(settings const& s) {
  if (!s.url.starts_with("mongodb://") && !s.url.starts_with("mongodb+srv://"))
    throw startup_error{exit_code::config,
                        "documents.url: '" + without_password(s.url) +
                            "' names no store. Write mongodb://user:password@host:27017/database, or "
                            "leave it empty for the SQL database."};
  if (has_stray_at(s.url))
    throw startup_error{exit_code::config,
                        "documents.url: '" + without_password(s.url) +
                            "' has a second @, or a / before its @: write %40 for @ and %2F for / in "
                            "user and password."};
}

}  // namespace

void check(settings const& s, std::string const& application) {
  if (s.url.empty()) return;
  check_url(s);
  mongodb::load(s, application);
}

opened connect(settings const& s, db::database& database, clock_source const& clock, std::string const& application) {
  if (s.url.empty()) return {nullptr, make_sql_store(database, clock)};
  check_url(s);
  auto through = mongodb::load(s, application);
  opened out;
  out.pool =
      std::make_unique<blocking_pool>("mongodb", blocking_pool::limits{.threads = s.connections, .queue = s.queue});
  out.store = mongodb::make_store(std::move(through), s, *out.pool, clock);
  return out;
}

}  // namespace slipway::documents
