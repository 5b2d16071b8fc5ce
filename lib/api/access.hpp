// Who may call an operation, and how often. Written in the routing table beside the path.
#pragma once

#include <slipway/core/fault.hpp>
#include <slipway/core/scope.hpp>
#include <slipway/http/router.hpp>
#include <slipway/meta/description.hpp>

#include <chrono>
#include <string_view>
#include <vector>

namespace slipway::api {

// Deny by default: an operation without a word on access does not register (see router.hpp).
struct access {
  enum class level : std::uint8_t { unsaid, everyone, signed_in, permission };
  level who = level::unsaid;
  permission_set needed{};
  std::string_view permission_name{};  // for documents
};

inline constexpr access everyone{access::level::everyone};
inline constexpr access signed_in{access::level::signed_in};

// A signed-in user who has this permission, an enumerator of the application's own described enum.
template <class E>
constexpr access needs(E permission) {
  for (auto const& e : meta::describe<E>.enumerators)
    if (e.value == static_cast<std::int64_t>(permission))
      return {access::level::permission, permission_set{permission}, e.name};
  return {access::level::permission, permission_set{permission}, "?"};
}

// So many requests in a window, for each client address.
struct rate {
  unsigned count = 0;
  std::chrono::seconds window{0};
};
inline namespace rates {
constexpr rate operator""_per_second(unsigned long long n) {
  return {static_cast<unsigned>(n), std::chrono::seconds{1}};
}
constexpr rate operator""_per_minute(unsigned long long n) {
  return {static_cast<unsigned>(n), std::chrono::minutes{1}};
}
constexpr rate operator""_per_hour(unsigned long long n) { return {static_cast<unsigned>(n), std::chrono::hours{1}}; }
}  // namespace rates

// Turns the credentials of a request into who is asking. Never waits: a token is checked by computation.
class authenticator {
 public:
  virtual ~authenticator() = default;
  // unauthenticated when there are no credentials, or none that hold.
  virtual result<scope> authenticate(http::exchange const& x) = 0;
};

// Lets a request through to its handler, or answers 401 (with WWW-Authenticate, RFC 6750) or 403. Sets exchange.who.
class access_guard final : public http::middleware {
 public:
  // `realm` is shown to clients; printable, without quotes.
  access_guard(authenticator& how, std::string_view realm);
  bool before(http::exchange& x) override;

 private:
  bool refuse(http::exchange& x, fault const& why) const;

  authenticator& how_;
  std::string challenge_;
};

// Sends Deprecation (RFC 9745), Sunset (RFC 8594) and the successor's link for operations on their way out.
class deprecation_notice final : public http::middleware {
 public:
  void after(http::exchange& x) override;
};

}  // namespace slipway::api
