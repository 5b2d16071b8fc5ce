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
  if (co_await rows_.exists(email)) co_return fault::conflict("email_taken");
  auto hash = co_await passwords_.hash(std::move(in.password));
  co_return co_await rows_.insert({.id = id_of<user>::make(clock_),
                                   .email = std::move(email),
                                   .name = std::move(in.name),
                                   .password_hash = std::move(hash)});
}

task<result<user>> users::show(scope who) { co_return co_await rows_.find(who.user()); }

task<result<user>> users::change_profile(scope who, profile_change change) {
  auto account = co_await ok(rows_.find(who.user()));
  change.name.apply_to(account.name);
  co_return co_await rows_.update(std::move(account));
}

task<result<void>> users::close(scope who) {
  co_await ok(rows_.remove(who.user()));
  co_await tokens_.revoke_all(who.user(), clock_.now());
  co_return result<void>{};
}

task<result<page<user>>> users::list(user_query query) { co_return co_await rows_.list(std::move(query)); }

}  // namespace app::services
