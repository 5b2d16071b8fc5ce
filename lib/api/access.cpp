#include <slipway/api/access.hpp>
#include <slipway/api/operation.hpp>
#include <slipway/api/problem.hpp>
#include <slipway/core/time.hpp>

#include <fmt/format.h>

namespace slipway::api {

access_guard::access_guard(authenticator& how, std::string_view realm)
    : how_{how}, challenge_{fmt::format("Bearer realm=\"{}\"", realm)} {}

bool access_guard::before(http::exchange& x) {
  auto const* op = operation_of(x);
  if (op == nullptr) return true;  // nothing matched, or a route of the operator's own
  bool const has_credentials = x.request.header("Authorization").data() != nullptr;
  if (op->who.who == access::level::everyone && !has_credentials) return true;
  auto who = how_.authenticate(x);
  if (!who) {
    // A route for everyone serves whoever's token has run out, as nobody in particular.
    if (op->who.who == access::level::everyone) return true;
    return refuse(x, who.error());
  }
  x.who = *who;
  if (!who->permissions().has_all(op->who.needed))
    return refuse(x, fault::forbidden().internal(fmt::format("the permission {} is missing", op->who.permission_name)));
  return true;
}

bool access_guard::refuse(http::exchange& x, fault const& why) const {
  if (why.kind() == fault_kind::unauthenticated) {
    // RFC 6750, section 3.1: no error code when there were no credentials of this scheme.
    auto const sent = x.request.header("Authorization");
    bool const sent_token = http::equal_names(sent.substr(0, sent.find(' ')), "Bearer");
    x.response.add("WWW-Authenticate",
                   sent_token ? x.copy(challenge_ + ", error=\"invalid_token\"") : std::string_view{challenge_});
  }
  write_problem(x, why);
  return false;
}

void deprecation_notice::after(http::exchange& x) {
  auto const* op = operation_of(x);
  if (op == nullptr || !op->deprecated) return;
  auto const since = std::chrono::duration_cast<std::chrono::seconds>(op->deprecated_since.time_since_epoch()).count();
  x.response.add("Deprecation", x.copy(fmt::format("@{}", since)));
  if (op->sunset != std::chrono::sys_days{}) {
    char date[http_date_size];
    write_http_date(date, op->sunset);
    x.response.add("Sunset", x.copy({date, sizeof date}));
  }
  if (!op->successor.empty())
    x.response.add("Link", x.copy(fmt::format("<{}>; rel=\"successor-version\"", op->successor)));
}

}  // namespace slipway::api
