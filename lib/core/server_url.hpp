// URLs of servers. Passwords stand in them, so they are shown only through this.
#pragma once

#include <string>
#include <string_view>

namespace slipway {

// For logs and errors: without the password, and without what follows a ? or #, where passwords stand as well. What may
// be a password is hidden, also in what is no URL.
std::string without_password(std::string_view url);

// Whether an @ stands in the password or in the path: a password with a / or an @ that was not written %2F or %40. A
// client library takes a part of it for the host, the port or the database then, and names it in its errors.
bool has_stray_at(std::string_view url) noexcept;

}  // namespace slipway
