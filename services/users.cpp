#include "services/users.hpp"

#include <algorithm>

namespace app::services {

std::string normal_email(std::string_view email) {
  std::string out{email};
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

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

task<result<user>> users::show(scope who) { co_return co_await parts_.rows.find(who.user()); }

task<result<user>> users::change_profile(scope who, profile_change change) {
  auto account = co_await ok(parts_.rows.find(who.user()));
  change.name.apply_to(account.name);
  co_return co_await parts_.rows.update(std::move(account));
}

task<result<void>> users::require_unbreached(secret<std::string> password, std::string pointer) {
  if (!co_await parts_.breaches.knows(std::move(password))) co_return result<void>{};
  co_return fault::invalid(
      {{std::move(pointer), "breached", "is known from a data breach: choose one that is used nowhere else"}});
}

task<result<void>> users::change_password(scope who, password_change in, std::string address) {
  auto const account = co_await ok(parts_.rows.find(who.user()));
  if (auto const wait = co_await parts_.throttle.ask(account.email, address); wait.count() > 0)
    co_return fault::too_many_requests(wait, "too_many_attempts");
  if (!co_await parts_.passwords.verify(std::move(in.current_password), account.password_hash)) {
    co_await parts_.throttle.failed(account.email, address);
    co_return fault::invalid({{"/current_password", "wrong_password", "is not the present password"}});
  }
  co_await parts_.throttle.succeeded(account.email, address);
  co_await ok(require_unbreached(in.new_password, "/new_password"));
  co_await parts_.rows.set_password_hash(account.id, co_await parts_.passwords.hash(std::move(in.new_password)));
  co_await parts_.tokens.revoke_all_but(account.id, who.session(), parts_.clock.now());
  parts_.listener.sessions_ended(account.id, who.session());
  co_return result<void>{};
}

task<result<void>> users::close(scope who) {
  // The account goes last: while it is there, whoever was told that a store did not answer can try again.
  co_await parts_.preferences.remove(who);
  co_await parts_.tokens.revoke_all(who.user(), parts_.clock.now());
  co_await ok(parts_.rows.remove(who.user()));
  parts_.listener.sessions_ended(who.user(), std::nullopt);
  co_return result<void>{};
}

task<result<page<user>>> users::list(user_query query) { co_return co_await parts_.rows.list(std::move(query)); }

}  // namespace app::services
