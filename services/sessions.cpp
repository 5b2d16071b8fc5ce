#include "services/sessions.hpp"

#include "services/users.hpp"

#include <slipway/core/all.hpp>

namespace app::services {

token_pair sessions::pair_of(user const& account, uuid family, secret<std::string> const& refresh_token) const {
  auto const issued = parts_.issuer.issue(
      {.subject = account.id.value, .session = family, .permissions = permissions_of(account.role)});
  return {
      .access_token = issued.token, .expires_in = issued.expires_in.count(), .refresh_token = refresh_token.reveal()};
}

fault sessions::bad_credentials() {
  return fault::unauthenticated("bad_credentials").detail("The e-mail address or the password is wrong.");
}

task<result<token_pair>> sessions::log_in(login in, std::string network) {
  auto const email = normal_email(in.email);
  std::optional<user> account;
  auto const compare = [&]() -> task<bool> {
    account = co_await parts_.users.find_by_email(email);
    bool const good =
        co_await parts_.passwords.verify(in.password, account ? std::optional{account->password_hash} : std::nullopt);
    co_return good&& account;
  };
  bool good = co_await ok(auth::attempt(parts_.throttle, email, std::move(network), compare));

  // Another log-in may have stored the same password under a better hash meanwhile: then it is compared once more,
  // which is no other guess.
  for (bool again = true; good; again = false) {
    std::optional<std::string> better_hash;
    if (parts_.passwords.needs_rehash(account->password_hash))
      better_hash = co_await parts_.passwords.hash(in.password);
    auto pair = co_await begin(std::move(*account), std::move(better_hash));
    if (pair || !again) co_return pair;
    good = co_await compare();
  }
  co_return bad_credentials();
}

// Comparing passwords takes a while, in which the password may have been changed and all sessions ended.
task<result<token_pair>> sessions::begin(user compared, std::optional<std::string> better_hash) {
  auto const first = auth::begin_family(compared.id.value, parts_.clock.now(), parts_.refresh, parts_.clock);
  co_return co_await parts_.db.transaction([&](db::transaction& tx) -> task<result<token_pair>> {
    repositories::users users{tx};
    auto const account = co_await users.hold(compared.id);
    if (!account || account->password_hash != compared.password_hash) co_return bad_credentials();
    if (better_hash) co_await users.set_password_hash(account->id, *better_hash);
    co_await repositories::refresh_tokens{tx}.insert(first.record);
    co_return pair_of(*account, first.record.family, first.token);
  });
}

task<result<token_pair>> sessions::renew(refresh in) {
  auto const refused = [] { return fault::unauthenticated("bad_refresh_token").detail("Log in again."); };
  auto const hash = auth::hash_refresh_token(in.refresh_token.reveal());
  if (!hash) co_return refused();
  auto const known = co_await parts_.tokens.find_by_hash(*hash);
  if (!known) co_return refused();
  auto const done = co_await parts_.db.transaction([&](db::transaction& tx) { return renew_in(tx, *known); });
  if (done.pair) co_return *done.pair;
  if (done.verdict != auth::refresh_verdict::reuse) co_return refused();
  parts_.listener.session_ended(id_of<user>{known->user}, known->family);
  co_return refused().internal("a used refresh token came again; its family is revoked");
}

// No fault, which would undo the end of a family.
task<sessions::renewal> sessions::renew_in(db::transaction& tx, refresh_token const& known) {
  repositories::refresh_tokens tokens{tx};
  // In this order: what was read before may have been used or revoked until the account was held.
  auto const found =
      co_await all(repositories::users{tx}.hold(id_of<user>{known.user}), tokens.find_by_hash(known.token_hash));
  if (!found) co_return renewal{auth::refresh_verdict::revoked};
  auto const& [account, record] = *found;
  auto const now = parts_.clock.now();
  renewal out{auth::decide(record, now, parts_.refresh)};
  if (out.verdict == auth::refresh_verdict::reuse) co_await tokens.revoke_family(record->family, now);
  if (out.verdict != auth::refresh_verdict::rotate && out.verdict != auth::refresh_verdict::retry) co_return out;
  if (out.verdict == auth::refresh_verdict::rotate) co_await tokens.mark_used(record->id, now);
  auto const next = auth::successor(*record, now, parts_.refresh, parts_.clock);
  co_await tokens.insert(next.record);
  out.pair = pair_of(account, record->family, next.token);
  co_return out;
}

task<result<void>> sessions::log_out(refresh in) {
  auto const hash = auth::hash_refresh_token(in.refresh_token.reveal());
  if (!hash) co_return result<void>{};
  auto const record = co_await parts_.tokens.find_by_hash(*hash);
  if (!record) co_return result<void>{};
  co_await parts_.db.transaction([&](db::transaction& tx) -> task<> {
    // A closed account has no session left to end.
    if (co_await repositories::users{tx}.hold(id_of<user>{record->user}))
      co_await repositories::refresh_tokens{tx}.revoke_family(record->family, parts_.clock.now());
  });
  parts_.listener.session_ended(id_of<user>{record->user}, record->family);
  co_return result<void>{};
}

task<result<page<session_view>>> sessions::list(scope who) {
  page<session_view> out;
  out.items = co_await parts_.tokens.sessions_of(who.user(), parts_.clock.now());
  co_return out;
}

task<result<void>> sessions::end(scope who, uuid session) {
  co_await ok(parts_.db.transaction([&](db::transaction& tx) -> task<result<void>> {
    co_await ok(repositories::users{tx}.hold(who.user()));
    co_return co_await repositories::refresh_tokens{tx}.end_session(who.user(), session, parts_.clock.now());
  }));
  parts_.listener.session_ended(id_of<user>{who.user()}, session);
  co_return result<void>{};
}

}  // namespace app::services
