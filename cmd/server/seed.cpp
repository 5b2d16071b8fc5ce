// Development data: an administrator with a password made up now, and two notes; the SQL files of the environment; and
// made-up people with notes, as many as the settings ask for.
#include "cmd/server/command_line.hpp"
#include "cmd/server/output.hpp"
#include "cmd/server/schema.hpp"

#include "repositories/notes.hpp"
#include "repositories/users.hpp"
#include "services/users.hpp"

#include <slipway/auth/passwords.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/factories/factory.hpp>
#include <slipway/migrations/seeds.hpp>
#include <slipway/runtime/shards.hpp>

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>

namespace app {
namespace {

// False when it was there. Its password is shown before it is made: one that was lost on the way to the terminal would
// leave an account that nobody can enter.
task<bool> seed_account(db::database& database, auth::passwords& passwords, std::string email) {
  repositories::users users{database};
  repositories::notes notes{database};
  email = services::normal_email(email);
  if (co_await users.exists(email)) co_return false;
  auto const password = system_random().token(15);
  auto hash = co_await passwords.hash(secret<std::string>{password});
  fmt::print("Development account: {}  password: {}  (shown once)\n", email, password);
  flush_output();
  auto account = co_await users.insert({.id = id_of<user>::make(),
                                        .email = email,
                                        .name = "Administrator",
                                        .password_hash = std::move(hash),
                                        .role = role::admin});
  if (!account) co_return false;  // somebody else seeded in this moment
  scope const who{account->id.value, permissions_of(account->role)};
  co_await notes.insert(who, {.id = id_of<note>::make(),
                              .owner_id = account->id,
                              .title = "Welcome",
                              .body = "Open /docs and try the API.",
                              .tags = {"start"},
                              .pinned = true});
  co_await notes.insert(who, {.id = id_of<note>::make(),
                              .owner_id = account->id,
                              .title = "The next resource",
                              .body = "The README shows how to add one in ten minutes.",
                              .tags = {"start"}});
  co_return true;
}

// How many were added. The same people each time, so that those who are there already are passed over.
task<std::size_t> seed_people(db::database& database, auth::passwords& passwords, seed_settings wanted) {
  repositories::users users{database};
  repositories::notes notes{database};
  std::size_t added = 0;
  bool shown = false;
  auto const password = system_random().token(15);
  auto const hash = co_await passwords.hash(secret<std::string>{password});
  seeded_random random{1};
  factories::factory make{random};
  for (unsigned i = 0; i < wanted.people; ++i) {
    auto person = make.one<user>([&hash](user& u) {
      u.password_hash = hash;
      u.role = role::member;
      u.deleted_at.reset();
    });
    auto of_person = make.many<note>(wanted.notes, [&person](note& n) {
      n.owner_id = person.id;
      n.version = 1;
      n.deleted_at.reset();
    });
    if (co_await users.exists(person.email)) continue;
    if (!std::exchange(shown, true)) {
      fmt::print("Made-up people, all with the password: {}  (shown once)\n", password);
      flush_output();
    }
    auto const account = co_await users.insert(std::move(person));
    if (!account) continue;  // somebody else seeded in this moment
    auto const who = scope{account->id.value, permissions_of(account->role)};
    if (!co_await notes.insert_all(who, std::move(of_person))) continue;  // its owner closed it already
    ++added;
  }
  co_return added;
}

bool is_missing(std::filesystem::path const& path) {
  std::error_code error;  // what cannot be looked at is there, and is told when it is read
  return std::filesystem::status(path, error).type() == std::filesystem::file_type::not_found;
}

// Those of <directory>/<environment>, if there are any; but a directory that was asked for has to be there.
migrations::seed_files files_for(seed_settings const& s, std::string const& environment) {
  if (s.directory.empty()) return {};
  std::filesystem::path const directory{s.directory};
  if (is_missing(directory) && s.directory != seed_settings{}.directory)
    throw startup_error{exit_code::config,
                        fmt::format("seed.directory: there is no {}. Name the folder that holds development/ and "
                                    "others, or leave it empty for none.",
                                    s.directory)};
  auto const own = directory / environment;
  if (is_missing(own)) return {};
  return {.directory = own.string(), .files = migrations::files_in(own)};
}

void run_files(migrations::seed_files files, db::database& database, shards& on, std::string const& environment,
               bool again) {
  if (files.files.empty()) return;  // nor is there anything to remember
  auto const directory = files.directory;
  auto const ran = on.run(migrations::run_seeds(database, environment, std::move(files), {}, again));
  for (auto const& name : ran) fmt::print("Ran {}{}\n", directory, name.substr(environment.size()));
  if (ran.empty()) fmt::print("Files of {}: unchanged since they ran (--again runs them once more)\n", directory);
}

}  // namespace

int seed(invocation const& in, bool again) {
  if (in.sources.is_production())
    throw startup_error{exit_code::config, "seeds are for development and test; this is " + in.sources.environment +
                                               ". Set SLIPWAY_ENVIRONMENT=development to seed."};
  auto const loaded = in.load();
  auto files = files_for(loaded.value.seed, in.sources.environment);
  auto migrations = migrations_for(loaded.value);
  shards on{1};
  auto database = db::connect(existing(loaded.value.database), on);
  refuse_pending(loaded.value, std::move(migrations), database, on);
  blocking_pool hashing{"hashing", {.threads = 1, .queue = 1}};
  auto const passwords = auth::make_passwords(loaded.value.auth.passwords, hashing);
  if (!on.run(seed_account(database, *passwords, loaded.value.seed.email)))
    fmt::print("Development account: {}  (made earlier; remove var/ to start anew)\n", loaded.value.seed.email);
  // After the account, which they may name.
  run_files(std::move(files), database, on, in.sources.environment, again);
  if (loaded.value.seed.people != 0) {
    auto const added = on.run(seed_people(database, *passwords, loaded.value.seed));
    if (added != 0)
      fmt::print("Made-up people: {} more, with {} notes each\n", added, loaded.value.seed.notes);
    else
      fmt::print("Made-up people: all {} are there already\n", loaded.value.seed.people);
  }
  return 0;
}

}  // namespace app
