// A person with an account.
#pragma once

#include "models/roles.hpp"

#include <slipway/core/clock.hpp>
#include <slipway/core/id.hpp>
#include <slipway/core/secret.hpp>
#include <slipway/db/table.hpp>
#include <slipway/meta/description.hpp>

#include <optional>
#include <string>

namespace app {

using namespace slipway;

struct user {
  id_of<user> id;
  std::string email;  // lower case: one account for each address
  std::string name;
  std::string password_hash;
  app::role role = role::member;
  time_point created_at{}, updated_at{};
  std::optional<time_point> deleted_at;
};
BOOST_DESCRIBE_STRUCT(user, (), (id, email, name, password_hash, role, created_at, updated_at, deleted_at))

// What others see of a user.
struct user_view {
  id_of<user> id;
  std::string email;
  std::string name;
  app::role role = role::member;
  time_point created_at{}, updated_at{};
};
BOOST_DESCRIBE_STRUCT(user_view, (), (id, email, name, role, created_at, updated_at))

struct sign_up {
  std::string email;
  secret<std::string> password;
  std::string name;
};
BOOST_DESCRIBE_STRUCT(sign_up, (), (email, password, name))

struct profile_change {
  change<std::string> name;
};
BOOST_DESCRIBE_STRUCT(profile_change, (), (name))

struct password_change {
  secret<std::string> current_password;
  secret<std::string> new_password;
};
BOOST_DESCRIBE_STRUCT(password_change, (), (current_password, new_password))

struct user_query {
  std::string q;
  std::optional<app::role> role;
  std::string cursor;
  int limit = 20;
};
BOOST_DESCRIBE_STRUCT(user_query, (), (q, role, cursor, limit))

inline user_view view_of(user const& u) { return {u.id, u.email, u.name, u.role, u.created_at, u.updated_at}; }

}  // namespace app

template <>
inline constexpr auto slipway::db::table_of<app::user> = slipway::db::table<app::user>("users")
                                                             .soft_delete(&app::user::deleted_at)
                                                             .timestamps(&app::user::created_at, &app::user::updated_at)
                                                             .unique(&app::user::email)
                                                             .personal(&app::user::email, &app::user::name);

template <>
inline constexpr auto slipway::rules_of<app::sign_up> = slipway::rules(
    field(&app::sign_up::email)
        .email()
        .max_length(254)
        .personal()
        .example(R"("ada@example.com")")
        .help("The address to log in with"),
    field(&app::sign_up::password).min_length(12).max_length(128).example(R"("a long enough passphrase")"),
    field(&app::sign_up::name).not_blank().max_length(100).personal().example(R"("Ada Lovelace")"));

template <>
inline constexpr auto slipway::rules_of<app::user_view> = slipway::rules(
    field(&app::user_view::id).example(R"("0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b")"),
    field(&app::user_view::email).example(R"("ada@example.com")"),
    field(&app::user_view::name).example(R"("Ada Lovelace")"), field(&app::user_view::role).example(R"("member")"),
    field(&app::user_view::created_at).example(R"("2026-03-01T09:30:00Z")"),
    field(&app::user_view::updated_at).example(R"("2026-03-02T18:05:00Z")"));

template <>
inline constexpr auto slipway::rules_of<app::profile_change> =
    slipway::rules(field(&app::profile_change::name).not_blank().max_length(100).personal().example(R"("Ada King")"));

template <>
inline constexpr auto slipway::rules_of<app::password_change> = slipway::rules(
    field(&app::password_change::current_password).max_length(128).example(R"("a long enough passphrase")"),
    field(&app::password_change::new_password)
        .min_length(12)
        .max_length(128)
        .example(R"("an even longer passphrase")"));

template <>
inline constexpr auto slipway::rules_of<app::user_query> = slipway::rules(
    field(&app::user_query::q).optional().max_length(100).example(R"("ada")").help("Part of the address or the name"),
    field(&app::user_query::role).example(R"("member")").help("Only users with this role"),
    field(&app::user_query::cursor)
        .optional()
        .max_length(512)
        .example(R"("")")
        .help("The `next` of the page before; without it, the first page"),
    field(&app::user_query::limit).optional().minimum(1).maximum(100).example("20").help("Users on a page"));
