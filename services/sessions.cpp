#include "services/sessions.hpp"

#include "services/users.hpp"

namespace app::services {

token_pair sessions::pair_of(user const& account, uuid family, secret<std::string> const& refresh_token) const {
  auto const issued = parts_.issuer.issue(
      {.subject = account.id.value, .session = family, .permissions = permissions_of(account.role)});
  return {
      .access_token = issued.token, .expires_in = issued.expires_in.count(), .refresh_token = refresh_token.reveal()};
}

task<result<token_pair>> sessions::log_in(login in, std::string address) {
  auto const email = normal_email(in.email);
  if (auto const wait = co_await parts_.throttle.ask(email, address); wait.count() > 0)
    co_return fault::too_many_requests(wait, "too_many_attempts");

  auto account = co_await parts_.users.find_by_email(email);
  bool const good =
      co_await parts_.passwords.verify(in.password, account ? std::optional{account->password_hash} : std::nullopt);
  if (!good || !account) {
    co_await parts_.throttle.failed(email, address);
    co_return fault::unauthenticated("bad_credentials").detail("The e-mail address or the password is wrong.");
  }
  co_await parts_.throttle.succeeded(email, address);
  if (parts_.passwords.needs_rehash(account->password_hash))
    co_await parts_.users.set_password_hash(account->id, co_await parts_.passwords.hash(std::move(in.password)));

  auto const first = auth::begin_family(account->id.value, parts_.clock.now(), parts_.refresh, parts_.clock);
  co_await parts_.tokens.insert(first.record);
  co_return pair_of(*account, first.record.family, first.token);
}

task<result<token_pair>> sessions::renew(refresh in) {
  auto const refused = [] { return fault::unauthenticated("bad_refresh_token").detail("Log in again."); };
  auto const hash = auth::hash_refresh_token(in.refresh_token.reveal());
  if (!hash) co_return refused();
  auto record = co_await parts_.tokens.find_by_hash(*hash);
  auto const now = parts_.clock.now();
  auto verdict = auth::decide(record, now, parts_.refresh);
  if (verdict == auth::refresh_verdict::rotate && !co_await parts_.tokens.mark_used(record->id, now)) {
    // Another request with the same token was faster: what is true now decides.
    record = co_await parts_.tokens.find_by_hash(*hash);
    verdict = auth::decide(record, now, parts_.refresh);
  }
  switch (verdict) {
    case auth::refresh_verdict::rotate:
    case auth::refresh_verdict::retry: break;
    case auth::refresh_verdict::reuse:
      co_await parts_.tokens.revoke_family(record->family, now);
      parts_.listener.session_ended(id_of<user>{record->user}, record->family);
      co_return refused().internal("a used refresh token came again; its family is revoked");
    case auth::refresh_verdict::expired:
    case auth::refresh_verdict::revoked:
    case auth::refresh_verdict::unknown: co_return refused();
  }
  auto const account = co_await parts_.users.find(id_of<user>{record->user});
  if (!account) co_return refused().internal("the account is closed");
  auto const next = auth::successor(*record, now, parts_.refresh, parts_.clock);
  co_await parts_.tokens.insert(next.record);
  co_return pair_of(*account, record->family, next.token);
}

task<result<void>> sessions::log_out(refresh in) {
  auto const hash = auth::hash_refresh_token(in.refresh_token.reveal());
  if (!hash) co_return result<void>{};
  if (auto const record = co_await parts_.tokens.find_by_hash(*hash)) {
    co_await parts_.tokens.revoke_family(record->family, parts_.clock.now());
    parts_.listener.session_ended(id_of<user>{record->user}, record->family);
  }
  co_return result<void>{};
}

task<result<page<session_view>>> sessions::list(scope who) {
  page<session_view> out;
  out.items = co_await parts_.tokens.sessions_of(who.user(), parts_.clock.now());
  co_return out;
}

task<result<void>> sessions::end(scope who, uuid session) {
  co_await ok(parts_.tokens.end_session(who.user(), session, parts_.clock.now()));
  parts_.listener.session_ended(id_of<user>{who.user()}, session);
  co_return result<void>{};
}

}  // namespace app::services
