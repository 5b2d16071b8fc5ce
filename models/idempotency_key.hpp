// The answer that a repeated request gets again.
#pragma once

#include <slipway/core/clock.hpp>
#include <slipway/db/table.hpp>
#include <slipway/meta/description.hpp>

#include <map>
#include <optional>
#include <string>

namespace app {

using namespace slipway;

struct idempotency_key {
  std::string key;          // hash of who, what and the client's key
  std::string fingerprint;  // hash of the request
  time_point claimed_at{};
  std::optional<int> status;  // empty while the first request runs
  std::string media_type;
  std::string body;
  std::map<std::string, std::string, std::less<>> headers;
};
BOOST_DESCRIBE_STRUCT(idempotency_key, (), (key, fingerprint, claimed_at, status, media_type, body, headers))

}  // namespace app

template <>
inline constexpr auto slipway::db::table_of<app::idempotency_key> =
    slipway::db::table<app::idempotency_key>("idempotency_keys")
        .primary_key(&app::idempotency_key::key)
        .index(&app::idempotency_key::claimed_at);
