// Logging in: what is sent, what is given, what is kept.
#pragma once

#include "models/user.hpp"

#include <slipway/auth/refresh.hpp>
#include <slipway/json/writer.hpp>

namespace app {

// One refresh token as a row: see lib/auth/refresh.hpp. Tokens that descend from one login share a family.
using refresh_token = auth::refresh_record;

struct login {
  std::string email;
  secret<std::string> password;
};
BOOST_DESCRIBE_STRUCT(login, (), (email, password))

struct refresh {
  secret<std::string> refresh_token;
};
BOOST_DESCRIBE_STRUCT(refresh, (), (refresh_token))

// A login that still holds, as its user sees it. The id is the family of its tokens.
struct session_view {
  uuid id;
  time_point started_at{};
  time_point last_used_at{};  // when its tokens were last renewed
  time_point expires_at{};    // unless it is used before
};
BOOST_DESCRIBE_STRUCT(session_view, (), (id, started_at, last_used_at, expires_at))

// RFC 6749, section 5.1.
struct token_pair {
  std::string access_token;
  std::string token_type = "Bearer";
  std::int64_t expires_in = 0;  // seconds
  std::string refresh_token;
};
BOOST_DESCRIBE_STRUCT(token_pair, (), (access_token, token_type, expires_in, refresh_token))

}  // namespace app

template <>
inline constexpr auto slipway::db::table_of<slipway::auth::refresh_record> =
    slipway::db::table<slipway::auth::refresh_record>("refresh_tokens")
        .unique(&slipway::auth::refresh_record::token_hash)
        .index(&slipway::auth::refresh_record::family)
        .index(&slipway::auth::refresh_record::user)
        .index(&slipway::auth::refresh_record::family_expires_at);

template <>
inline constexpr auto slipway::rules_of<app::login> =
    slipway::rules(field(&app::login::email).max_length(254).personal().example(R"("ada@example.com")"),
                   field(&app::login::password).max_length(128).example(R"("a long enough passphrase")"));

template <>
inline constexpr auto slipway::rules_of<app::refresh> =
    slipway::rules(field(&app::refresh::refresh_token)
                       .max_length(128)
                       .example(R"("the refresh_token that the last log-in or renewal gave")"));

template <>
inline constexpr auto slipway::rules_of<app::session_view> =
    slipway::rules(field(&app::session_view::id).example(R"("0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b")"),
                   field(&app::session_view::started_at).example(R"("2026-03-01T09:30:00Z")"),
                   field(&app::session_view::last_used_at).example(R"("2026-03-02T18:05:00Z")"),
                   field(&app::session_view::expires_at).example(R"("2026-04-01T18:05:00Z")"));

template <>
inline constexpr auto slipway::rules_of<app::token_pair> =
    slipway::rules(field(&app::token_pair::access_token)
                       .example(R"("header.claims.signature")")
                       .help("A JWT to send as `Authorization: Bearer ...`"),
                   field(&app::token_pair::token_type).example(R"("Bearer")"),
                   field(&app::token_pair::expires_in)
                       .minimum(0)
                       .maximum(json::max_exact_integer)
                       .unit("seconds")
                       .example("900")
                       .help("How long the access token holds"),
                   field(&app::token_pair::refresh_token)
                       .example(R"("a text to keep secret")")
                       .help("Good for one refresh; using it twice ends the session everywhere"));
