#include "repositories/idempotency_keys.hpp"

#include "models/idempotency_key.hpp"

namespace app::repositories {

using namespace slipway::db;
using api::idempotency_claim;

task<idempotency_claim> idempotency_keys::claim(std::string key, std::string fingerprint, time_point now,
                                                time_point abandoned) {
  idempotency_key const mine{.key = key, .fingerprint = fingerprint, .claimed_at = now};
  if (co_await db_.insert_or_ignore(mine)) co_return idempotency_claim{};
  auto const taken_over = co_await db_.update<idempotency_key>()
                              .set(col<&idempotency_key::claimed_at>, now)
                              .set(col<&idempotency_key::fingerprint>, fingerprint)
                              .where(col<&idempotency_key::key> == key && col<&idempotency_key::status>.is_null() &&
                                     col<&idempotency_key::claimed_at> < abandoned)
                              .run();
  if (taken_over == 1) co_return idempotency_claim{};
  auto row = co_await db_.from<idempotency_key>().where(col<&idempotency_key::key> == key).first();
  // Released in this moment: the client is told to try again, as if it still ran.
  if (!row)
    co_return idempotency_claim{.now = idempotency_claim::state::running, .fingerprint = fingerprint, .answer = {}};
  idempotency_claim out{.now = row->status ? idempotency_claim::state::finished : idempotency_claim::state::running,
                        .fingerprint = std::move(row->fingerprint),
                        .answer = {}};
  if (row->status) {
    out.answer = {*row->status, std::move(row->media_type), std::move(row->body), {}};
    for (auto& [name, value] : row->headers) out.answer.headers.emplace_back(name, std::move(value));
  }
  co_return out;
}

task<> idempotency_keys::finish(std::string key, api::stored_answer answer) {
  std::map<std::string, std::string, std::less<>> headers;
  for (auto& [name, value] : answer.headers) headers.emplace(std::move(name), std::move(value));
  co_await db_.update<idempotency_key>()
      .set(col<&idempotency_key::status>, answer.status)
      .set(col<&idempotency_key::media_type>, answer.media_type)
      .set(col<&idempotency_key::body>, answer.body)
      .set(col<&idempotency_key::headers>, headers)
      .where(col<&idempotency_key::key> == key)
      .run();
}

task<> idempotency_keys::release(std::string key) {
  co_await db_.purge<idempotency_key>()
      .where(col<&idempotency_key::key> == key && col<&idempotency_key::status>.is_null())
      .run();
}

task<std::int64_t> idempotency_keys::purge(time_point until) {
  return db_.purge<idempotency_key>().where(col<&idempotency_key::claimed_at> < until).run();
}

}  // namespace app::repositories
