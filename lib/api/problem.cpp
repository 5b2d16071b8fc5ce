#include <slipway/api/problem.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/json/object_writer.hpp>

#include <array>
#include <charconv>

namespace slipway::api {
namespace {

constexpr std::string_view media_type = "application/problem+json";

struct problem {
  int status;
  std::string_view code;
  std::string_view detail{};
  std::vector<field_error> const* fields = nullptr;
  std::chrono::seconds retry_after{0};
};

void send(http::exchange& x, problem const& p) {
  json::buffer out{x.memory};
  {
    json::object_writer doc{out};
    doc.add("type", "about:blank")
        .add("title", http::reason_phrase(p.status))
        .add("status", p.status)
        .add("code", p.code);
    if (!p.detail.empty()) doc.add("detail", p.detail);
    if (!x.operation.correlation_id.empty()) doc.add("correlation_id", x.operation.correlation_id);
    if (p.fields != nullptr && !p.fields->empty()) {
      auto errors = doc.array("errors");
      for (auto const& f : *p.fields) {
        auto error = errors.object();
        error.add("pointer", f.pointer).add("code", f.code).add("message", f.message);
        if (f.line != 0) error.add("line", f.line);
      }
    }
  }
  x.response.stream.reset();
  x.answer(p.status, media_type, out.view());
  x.response.add("Cache-Control", "no-store");
  if (p.retry_after.count() > 0 && x.response.header("Retry-After").data() == nullptr) {
    std::array<char, 20> text;
    auto const end = std::to_chars(text.data(), text.data() + text.size(), p.retry_after.count()).ptr;
    x.response.add("Retry-After", x.copy({text.data(), static_cast<std::size_t>(end - text.data())}));
  }
}

// A text of the HTTP core as the sentence that a detail is.
std::string_view sentence(http::exchange& x, std::string_view text) {
  if (text.empty()) return text;
  std::string out{text};
  if (out.front() >= 'a' && out.front() <= 'z') out.front() = static_cast<char>(out.front() - 'a' + 'A');
  if (!out.ends_with('.')) out += '.';
  return x.copy(out);
}

}  // namespace

int status_of(fault_kind kind) noexcept {
  switch (kind) {
    case fault_kind::malformed: return 400;
    case fault_kind::unauthenticated: return 401;
    case fault_kind::forbidden: return 403;
    case fault_kind::not_found: return 404;
    case fault_kind::not_acceptable: return 406;
    case fault_kind::conflict: return 409;
    case fault_kind::gone: return 410;
    case fault_kind::precondition_failed: return 412;
    case fault_kind::too_large: return 413;
    case fault_kind::unsupported_media_type: return 415;
    case fault_kind::invalid: return 422;
    case fault_kind::precondition_required: return 428;
    case fault_kind::too_many_requests: return 429;
    case fault_kind::unavailable: return 503;
  }
  return 500;
}

char const* core_code(int status) noexcept {
  switch (status) {
    case 400: return "malformed_request";
    case 404: return "not_found";
    case 405: return "method_not_allowed";
    case 408: return "request_timeout";
    case 411: return "length_required";
    case 413: return "content_too_large";
    case 414: return "uri_too_long";
    case 415: return "unsupported_media_type";
    case 416: return "range_not_satisfiable";
    case 417: return "expectation_failed";
    case 421: return "misdirected_request";
    case 429: return "too_many_requests";
    case 431: return "header_fields_too_large";
    case 500: return "internal_error";
    case 501: return "not_implemented";
    case 503: return "unavailable";
    case 505: return "http_version_not_supported";
    default: return "error";
  }
}

void write_problem(http::exchange& x, fault const& f) {
  auto const& more = f.more();
  x.fault_code = f.code().data();
  if (!more.internal.empty()) x.internal_error = more.internal;
  // RFC 9110, section 15.5.2: a 401 says how to log in. The guard has said it in more detail where it refuses.
  if (f.kind() == fault_kind::unauthenticated && x.response.header("WWW-Authenticate").data() == nullptr)
    x.response.add("WWW-Authenticate", "Bearer");
  send(x, {status_of(f.kind()), f.code(), more.detail, &more.fields, more.retry_after});
}

void write_problem(http::exchange& x, int status, char const* code, std::string_view detail) {
  x.fault_code = code;
  send(x, {status, code, detail});
}

void write_error_page(http::exchange& x) {
  auto const status = x.response.status;
  std::string_view why;
  if (x.fault_code == nullptr) {  // a layer that refuses says why itself
    x.fault_code = core_code(status);
    why = sentence(x, x.response.body);
  }
  send(x, {status, x.fault_code, why, nullptr, std::chrono::seconds{status == 503 || status == 429 ? 1 : 0}});
}

void write_exception(http::exchange& x, std::exception_ptr error) {
  try {
    std::rethrow_exception(error);
  } catch (unavailable_error const& e) {
    x.internal_error = e.what();
    x.fault_code = "unavailable";
    send(x, {503, "unavailable", {}, nullptr, e.retry_after()});
  } catch (cancelled_error const& e) {
    x.internal_error = e.what();
    x.fault_code = e.why() == cancel_reason::deadline ? "deadline_exceeded" : "cancelled";
    send(x, {503, x.fault_code, {}, nullptr, std::chrono::seconds{1}});
  } catch (http::body_error const& e) {
    x.internal_error = e.what();
    x.fault_code = core_code(e.status());
    x.response.close = true;
    send(x, {e.status(), x.fault_code, sentence(x, e.what())});
  } catch (std::exception const& e) {
    x.internal_error = e.what();
    if (dynamic_cast<unprocessable const*>(&e) != nullptr) {
      x.fault_code = "invalid";
      return send(x, {422, "invalid"});
    }
    x.fault_code = "internal_error";
    send(x, {500, "internal_error"});
  } catch (...) {
    x.internal_error = "an exception of no known type";
    x.fault_code = "internal_error";
    send(x, {500, "internal_error"});
  }
}

}  // namespace slipway::api
