// Errors as RFC 9457 problem+json: every error body of every route looks like this.
//
//   {"type":"about:blank","title":"Conflict","status":409,"code":"email_taken","detail":"...",
//    "correlation_id":"...","errors":[{"pointer":"/email","code":"bad_format","message":"must be ..."}]}
#pragma once

#include <slipway/core/fault.hpp>
#include <slipway/http/message.hpp>

#include <exception>
#include <string_view>

namespace slipway::api {

int status_of(fault_kind kind) noexcept;
// The stable code of an error that the HTTP core answers by itself, whatever the operation: "uri_too_long" for 414.
char const* core_code(int status) noexcept;

// Answers with the fault. Its internal message goes to exchange.internal_error, for the log.
void write_problem(http::exchange& x, fault const& f);
// The same for a status that has no fault; `code` is a literal.
void write_problem(http::exchange& x, int status, char const* code, std::string_view detail = {});

// For http::server: the body of errors that never reached a handler (response.status is set)...
void write_error_page(http::exchange& x);
// ... and what becomes of an exception: 503 with Retry-After for what is unavailable or too late, 500 for the rest.
void write_exception(http::exchange& x, std::exception_ptr error);

}  // namespace slipway::api
