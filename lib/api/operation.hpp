// What is known of one operation of the API: enough to route it, guard it, document it and test it. Filled from the
// handler's signature and the line of the routing table; plain data that OpenAPI, `slipway routes` and the guards
// read.
#pragma once

#include <slipway/api/access.hpp>
#include <slipway/core/fault.hpp>
#include <slipway/http/message.hpp>
#include <slipway/meta/description.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::api {

// A fault that an operation may answer with: its kind and the stable code.
struct documented_fault {
  fault_kind kind;
  std::string_view code;
  friend bool operator==(documented_fault const&, documented_fault const&) = default;
};

// For routing tables: `.faults = {not_found, conflict("email_taken")}`.
inline constexpr documented_fault not_found{fault_kind::not_found, "not_found"};
inline constexpr documented_fault forbidden{fault_kind::forbidden, "forbidden"};
inline constexpr documented_fault not_acceptable{fault_kind::not_acceptable, "not_acceptable"};
inline constexpr documented_fault precondition_failed{fault_kind::precondition_failed, "precondition_failed"};
inline constexpr documented_fault unsupported_media_type{fault_kind::unsupported_media_type, "unsupported_media_type"};
constexpr documented_fault not_found_as(std::string_view code) { return {fault_kind::not_found, code}; }
constexpr documented_fault conflict(std::string_view code) { return {fault_kind::conflict, code}; }
constexpr documented_fault unauthenticated(std::string_view code) { return {fault_kind::unauthenticated, code}; }
constexpr documented_fault invalid(std::string_view code) { return {fault_kind::invalid, code}; }
constexpr documented_fault malformed(std::string_view code) { return {fault_kind::malformed, code}; }
constexpr documented_fault too_many_requests(std::string_view code) { return {fault_kind::too_many_requests, code}; }

enum class place : std::uint8_t { path, query, header, cookie };

struct parameter {
  std::string name;
  place in;
  meta::type const* of;
  bool required;
  std::string_view help;
  meta::attributes const* about = nullptr;  // rules and example, where the parameter is a described member
  std::string_view example{};               // as JSON text, of another one
  std::string initial{};                    // as JSON text, what it is when it is absent; empty: nothing
};

struct operation {
  http::method verb{};
  std::string pattern;
  std::string name;  // operationId: "users.create"
  std::string summary;
  std::string description;
  std::string tag;  // the group in the document; the first segment after the version by default
  access who;
  rate limit;              // count of zero: none beside the server's own
  bool unlimited = false;  // not even that
  std::vector<documented_fault> faults;
  std::vector<parameter> parameters;
  meta::type const* body = nullptr;
  std::string body_media_type = "application/json";
  std::string file_part;  // of a multipart/form-data body with one file; empty: there is none
  int success = 200;
  std::string_view success_description = "Done";
  meta::type const* answer = nullptr;  // null: no body, or one that is not described
  std::string answer_media_type = "application/json";
  std::vector<std::string> other_media_types;  // by Accept or a parameter
  std::vector<std::string> answer_headers;     // "Location", "ETag", "Link"
  std::vector<int> other_statuses;             // that come with a body like the success's
  bool idempotency_key = false;
  bool is_page = false;      // answers with a page<T>
  bool sparse = false;       // takes ?fields=
  bool conditional = false;  // answers carry an ETag
  bool hidden = false;       // not in the document
  bool deprecated = false;
  std::chrono::sys_days deprecated_since{};  // RFC 9745
  std::chrono::sys_days sunset{};            // RFC 8594; the epoch: not known
  std::string successor;                     // path of the operation to use instead
};

// The operation of a matched route; null for routes that were not added through api::router.
operation const* operation_of(http::exchange const& x) noexcept;

// Every fault that the operation can answer with, the declared ones and those that follow from its shape.
std::vector<documented_fault> all_faults(operation const& op);

}  // namespace slipway::api
