// Who may do what. Add a permission here, name it in a route, and it is enforced and documented.
#pragma once

#include <slipway/core/scope.hpp>

#include <boost/describe.hpp>

namespace app {

enum class permission : unsigned { users_read, users_manage };
BOOST_DESCRIBE_ENUM(permission, users_read, users_manage)

enum class role { member, admin };
BOOST_DESCRIBE_ENUM(role, member, admin)

constexpr slipway::permission_set permissions_of(role r) {
  switch (r) {
    case role::member: return {};
    case role::admin: return {permission::users_read, permission::users_manage};
  }
  return {};
}

}  // namespace app
