#include "repositories/refresh_tokens.hpp"

namespace app::repositories {

using namespace slipway::db;

task<> refresh_tokens::insert(refresh_token row) { co_await db_.insert(std::move(row)); }

task<std::optional<refresh_token>> refresh_tokens::find_by_hash(std::string hash) {
  return db_.from<refresh_token>().where(col<&refresh_token::token_hash> == hash).first();
}

task<> refresh_tokens::mark_used(uuid id, time_point now) {
  co_await db_.update<refresh_token>()
      .set(col<&refresh_token::used_at>, now)
      .where(col<&refresh_token::id> == id)
      .run();
}

task<> refresh_tokens::revoke_family(uuid family, time_point now) {
  co_await db_.update<refresh_token>()
      .set(col<&refresh_token::revoked_at>, now)
      .where(col<&refresh_token::family> == family && col<&refresh_token::revoked_at>.is_null())
      .run();
}

task<> refresh_tokens::purge_all(id_of<user> owner) {
  co_await db_.purge<refresh_token>().where(col<&refresh_token::user> == owner.value).run();
}

task<> refresh_tokens::revoke_all_but(id_of<user> owner, uuid family, time_point now) {
  co_await db_.update<refresh_token>()
      .set(col<&refresh_token::revoked_at>, now)
      .where(col<&refresh_token::user> == owner.value && col<&refresh_token::family> != family &&
             col<&refresh_token::revoked_at>.is_null())
      .run();
}

task<std::vector<session_view>> refresh_tokens::sessions_of(id_of<user> owner, time_point now) {
  return db_.from<refresh_token>()
      .where(col<&refresh_token::user> == owner.value && col<&refresh_token::revoked_at>.is_null())
      .group_by(col<&refresh_token::family>)
      .having(max(col<&refresh_token::expires_at>) > now)
      .order_by(max(col<&refresh_token::created_at>).desc())
      .limit(100)
      .select<session_view>(col<&refresh_token::family>, min(col<&refresh_token::created_at>),
                            max(col<&refresh_token::created_at>), max(col<&refresh_token::expires_at>))
      .all();
}

task<result<void>> refresh_tokens::end_session(id_of<user> owner, uuid family, time_point now) {
  auto const ended =
      co_await db_.update<refresh_token>()
          .set(col<&refresh_token::revoked_at>, now)
          .where(col<&refresh_token::user> == owner.value && col<&refresh_token::family> == family &&
                 col<&refresh_token::family_expires_at> > now && col<&refresh_token::revoked_at>.is_null())
          .run();
  if (ended == 0) co_return fault::not_found();
  co_return result<void>{};
}

task<std::int64_t> refresh_tokens::purge_expired(time_point until) {
  return db_.purge<refresh_token>().where(col<&refresh_token::family_expires_at> < until).run();
}

}  // namespace app::repositories
