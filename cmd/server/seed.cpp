// Development data: an administrator with a password made up now, and two notes; and made-up people with notes, as many
// as the settings ask for.
#include "cmd/server/command_line.hpp"
#include "cmd/server/schema.hpp"

#include "repositories/notes.hpp"
#include "repositories/users.hpp"
#include "services/users.hpp"

#include <slipway/auth/passwords.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/factories/factory.hpp>
#include <slipway/runtime/shards.hpp>

#include <fmt/format.h>

namespace app {
namespace {

// The password, when the account was made now.
task<std::optional<std::string>> seed_account(db::database& database, auth::passwords& passwords, std::string email) {
  repositories::users users{database};
  repositories::notes notes{database};
  email = services::normal_email(email);
  if (co_await users.exists(email)) co_return std::nullopt;
  auto password = system_random().token(15);
  auto hash = co_await passwords.hash(secret<std::string>{password});
  auto account = co_await users.insert({.id = id_of<user>::make(),
                                        .email = email,
                                        .name = "Administrator",
                                        .password_hash = std::move(hash),
                                        .role = role::admin});
  if (!account) co_return std::nullopt;  // somebody else seeded in this moment
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
  co_return password;
}

struct crowd {
  std::size_t added = 0;
  std::string password;  // of all that were added
};

// The same people each time, so that those who are there already are passed over.
task<crowd> seed_people(db::database& database, auth::passwords& passwords, seed_settings wanted) {
  repositories::users users{database};
  repositories::notes notes{database};
  crowd out{.password = system_random().token(15)};
  auto const hash = co_await passwords.hash(secret<std::string>{out.password});
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
    auto const account = co_await users.insert(std::move(person));
    if (!account) continue;  // somebody else seeded in this moment
    co_await notes.insert_all(scope{account->id.value, permissions_of(account->role)}, std::move(of_person));
    ++out.added;
  }
  co_return out;
}

}  // namespace

int seed(invocation const& in) {
  if (in.sources.is_production())
    throw startup_error{exit_code::config, "seeds are for development and test; this is " + in.sources.environment +
                                               ". Set SLIPWAY_ENVIRONMENT=development to seed."};
  auto const loaded = in.load();
  shards on{1};
  auto database = db::connect(loaded.value.database, on);
  refuse_pending(loaded.value, database, on);
  blocking_pool hashing{"hashing", {.threads = 1, .queue = 1}};
  auto const passwords = auth::make_passwords(loaded.value.auth.passwords, hashing);
  auto const password = on.run(seed_account(database, *passwords, loaded.value.seed.email));
  if (password)
    fmt::print("Development account: {}  password: {}  (shown once)\n", loaded.value.seed.email, *password);
  else
    fmt::print("Development account: {}  (made earlier; remove var/ to start anew)\n", loaded.value.seed.email);
  if (loaded.value.seed.people != 0) {
    auto const people = on.run(seed_people(database, *passwords, loaded.value.seed));
    if (people.added != 0)
      fmt::print("Made-up people: {} more, with {} notes each  password: {}  (shown once)\n", people.added,
                 loaded.value.seed.notes, people.password);
    else
      fmt::print("Made-up people: all {} are there already\n", loaded.value.seed.people);
  }
  return 0;
}

}  // namespace app
