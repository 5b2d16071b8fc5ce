#include "services/users.hpp"

#include "repositories/notes.hpp"

#include <slipway/core/ascii.hpp>

namespace app::services {

std::string normal_email(std::string_view email) { return ascii_lowered(email); }

task<result<user>> users::register_new(sign_up in) {
  auto email = normal_email(in.email);
  // Asked first to spare the hashing; the database's own constraint decides when two sign up at once.
  if (co_await parts_.rows.exists(email)) co_return fault::conflict("email_taken");
  co_await ok(require_unbreached(in.password, "/password"));
  auto hash = co_await parts_.passwords.hash(std::move(in.password));
  co_return co_await parts_.rows.insert({.id = id_of<user>::make(parts_.clock),
                                         .email = std::move(email),
                                         .name = std::move(in.name),
                                         .password_hash = std::move(hash)});
}

task<result<user>> users::show(scope who, id_of<user> id) {
  if (id != who.user() && !who.may(permission::users_read)) co_return fault::not_found();
  co_return co_await parts_.rows.find(id);
}

task<result<user>> users::change_profile(scope who, profile_change change) {
  co_return co_await parts_.db.transaction([&](db::transaction& tx) -> task<result<user>> {
    repositories::users rows{tx};
    auto account = co_await ok(rows.hold(who.user()));
    change.name.apply_to(account.name);
    co_return co_await rows.update(std::move(account));
  });
}

task<result<void>> users::require_unbreached(secret<std::string> password, std::string pointer) {
  if (!co_await parts_.breaches.knows(std::move(password))) co_return result<void>{};
  co_return fault::invalid(
      {{std::move(pointer), "breached", "is known from a data breach: choose one that is used nowhere else"}});
}

fault users::wrong_password() {
  return fault::invalid({{"/current_password", "wrong_password", "is not the present password"}});
}

task<result<void>> users::change_password(scope who, password_change in, std::string network) {
  auto const compared = co_await ok(parts_.rows.find(who.user()));
  auto const verify = [&] { return parts_.passwords.verify(std::move(in.current_password), compared.password_hash); };
  if (!co_await ok(auth::attempt(parts_.throttle, compared.email, std::move(network), verify)))
    co_return wrong_password();
  co_await ok(require_unbreached(in.new_password, "/new_password"));
  auto const hash = co_await parts_.passwords.hash(std::move(in.new_password));
  co_await ok(parts_.db.transaction([&](db::transaction& tx) -> task<result<void>> {
    repositories::users rows{tx};
    auto const account = co_await ok(rows.hold(who.user()));
    if (account.password_hash != compared.password_hash) co_return wrong_password();
    co_await rows.set_password_hash(account.id, hash);
    co_await repositories::refresh_tokens{tx}.revoke_all_but(account.id, who.session(), parts_.clock.now());
    co_return result<void>{};
  }));
  parts_.listener.sessions_ended(compared.id, who.session());
  co_return result<void>{};
}

task<result<void>> users::close(scope who) {
  // While the account is there, whoever was told that a store did not answer can try again.
  co_await parts_.preferences.remove(who);
  co_await ok(parts_.db.transaction([&](db::transaction& tx) -> task<result<void>> {
    repositories::users rows{tx};
    co_await ok(rows.hold(who.user()));
    co_await repositories::refresh_tokens{tx}.purge_all(who.user());
    co_await repositories::notes{tx}.purge_all(who);
    co_return co_await rows.purge(who.user());
  }));
  parts_.listener.sessions_ended(who.user(), std::nullopt);
  // Others may have saved some until now; from here on they see that the account is closed.
  co_await parts_.preferences.remove(who);
  co_return result<void>{};
}

task<result<page<user>>> users::list(user_query query) { co_return co_await parts_.rows.list(std::move(query)); }

}  // namespace app::services
