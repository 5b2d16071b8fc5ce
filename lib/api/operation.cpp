#include <slipway/api/operation.hpp>
#include <slipway/http/router.hpp>

#include <algorithm>

namespace slipway::api {

operation const* operation_of(http::exchange const& x) noexcept {
  return x.route != nullptr ? static_cast<operation const*>(x.route->about.get()) : nullptr;
}

std::vector<documented_fault> all_faults(operation const& op) {
  auto faults = op.faults;
  auto const add = [&](fault_kind kind, std::string_view code) {
    if (std::ranges::find(faults, documented_fault{kind, code}) == faults.end()) faults.push_back({kind, code});
  };
  auto const takes = [&](place in) {
    return std::ranges::any_of(op.parameters, [in](auto const& p) { return p.in == in; });
  };
  if (op.who.who != access::level::everyone)
    for (auto const* code : {"unauthenticated", "invalid_token", "token_expired"})
      add(fault_kind::unauthenticated, code);
  if (op.who.who == access::level::permission) add(fault_kind::forbidden, "forbidden");
  if (takes(place::path)) add(fault_kind::not_found, "not_found");
  if (op.body != nullptr) {
    add(fault_kind::malformed, "malformed_json");
    add(fault_kind::malformed, "too_deep");
    add(fault_kind::too_large, "content_too_large");
    add(fault_kind::unsupported_media_type, "unsupported_media_type");
  }
  if (!op.file_part.empty()) {
    add(fault_kind::malformed, "malformed_request");
    add(fault_kind::malformed, "missing_boundary");
    if (!op.idempotency_key) add(fault_kind::malformed, "idempotency_key_not_taken");
    add(fault_kind::too_large, "content_too_large");
    add(fault_kind::unsupported_media_type, "multipart_expected");
  }
  if (op.body != nullptr || !op.file_part.empty() || takes(place::query) || op.sparse)
    add(fault_kind::invalid, "invalid");
  if (takes(place::query) || op.sparse) add(fault_kind::malformed, "malformed_query");
  if (takes(place::query)) add(fault_kind::malformed, "too_many_parameters");
  auto const if_match = std::ranges::find(op.parameters, "If-Match", &parameter::name);
  if (if_match != op.parameters.end()) {
    add(fault_kind::precondition_failed, "precondition_failed");
    add(fault_kind::precondition_failed, "version_conflict");  // changed by somebody between reading and writing
    if (if_match->required) add(fault_kind::precondition_required, "precondition_required");
  }
  if (op.idempotency_key) {
    add(fault_kind::malformed, "bad_idempotency_key");
    add(fault_kind::conflict, "idempotency_key_in_use");
    add(fault_kind::invalid, "idempotency_key_reused");
  }
  if (!op.unlimited) add(fault_kind::too_many_requests, "too_many_requests");
  for (auto const* code : {"unavailable", "deadline_exceeded", "cancelled"}) add(fault_kind::unavailable, code);
  return faults;
}

}  // namespace slipway::api
