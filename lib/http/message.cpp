#include <slipway/core/assert.hpp>
#include <slipway/http/message.hpp>
#include <slipway/http/scan.hpp>

namespace slipway::http {

std::string_view to_string(method m) noexcept {
  switch (m) {
    case method::get: return "GET";
    case method::head: return "HEAD";
    case method::post: return "POST";
    case method::put: return "PUT";
    case method::patch: return "PATCH";
    case method::delete_: return "DELETE";
    case method::options: return "OPTIONS";
    case method::other: return "";
  }
  return "";
}

std::string_view reason_phrase(int status) noexcept {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 103: return "Early Hints";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 203: return "Non-Authoritative Information";
    case 204: return "No Content";
    case 205: return "Reset Content";
    case 206: return "Partial Content";
    case 300: return "Multiple Choices";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 402: return "Payment Required";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 407: return "Proxy Authentication Required";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 423: return "Locked";
    case 424: return "Failed Dependency";
    case 425: return "Too Early";
    case 426: return "Upgrade Required";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 451: return "Unavailable For Legal Reasons";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    case 511: return "Network Authentication Required";
    default: return "";
  }
}

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool equal_names(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto const x = a[i], y = b[i];
    if (x == y) continue;
    auto const lower = static_cast<char>(x | 0x20);
    if (lower != static_cast<char>(y | 0x20) || lower < 'a' || lower > 'z') return false;
  }
  return true;
}

std::string_view request::header(std::string_view name) const noexcept {
  for (auto const& f : fields)
    if (equal_names(f.name, name)) return f.value;
  return {};
}

namespace {

bool is_token(std::string_view name) noexcept {
  return !name.empty() && scan::rest_of_token(name.data(), name.data() + name.size()) == name.data() + name.size();
}

bool is_value(std::string_view value) noexcept {
  return scan::end_of_value(value.data(), value.data(), value.data() + value.size()) == value.data() + value.size();
}

// The server alone says how a message is delimited and whether the connection stays.
bool belongs_to_server(std::string_view name) noexcept {
  switch (name.size()) {
    case 10: return equal_names(name, "Connection");
    case 14: return equal_names(name, "Content-Length");
    case 17: return equal_names(name, "Transfer-Encoding");
    default: return false;
  }
}

}  // namespace

void response::add(std::string_view name, std::string_view value) {
  if (!bug(is_token(name), "a response field's name is not a token")) return;
  if (!bug(is_value(value), "a response field's value has control characters")) return;
  if (!bug(!belongs_to_server(name), "this response field is the server's own")) return;
  if (!bug(field_count < max_fields, "too many response fields")) return;
  field_storage[field_count++] = {name, value};
}

std::string_view response::header(std::string_view name) const noexcept {
  for (std::size_t i = 0; i < field_count; ++i) {
    auto const& f = field_storage[i];
    if (!f.name.empty()) {
      if (equal_names(f.name, name)) return f.value;
      continue;
    }
    for (auto rest = f.value; !rest.empty();) {
      auto const line = rest.substr(0, rest.find("\r\n"));
      auto const colon = line.find(':');
      if (colon != std::string_view::npos && equal_names(line.substr(0, colon), name)) {
        auto const value = line.find_first_not_of(' ', colon + 1);
        return value == std::string_view::npos ? line.substr(line.size()) : line.substr(value);
      }
      rest.remove_prefix(std::min(rest.size(), line.size() + 2));
    }
  }
  return {};
}

void response::reset() noexcept {
  status = 200;
  close = false;
  content_type = {};
  body = {};
  if (owned.capacity() > 4096) [[unlikely]]
    owned = {};
  else
    owned.clear();
  stream.reset();
  stream_length.reset();
  open_ended = false;
  field_count = 0;
}

void exchange::reset() noexcept {
  request.stream = nullptr;
  request.body = {};
  request.parameter_count = 0;
  response.reset();
  operation.reset();
  memory.reset();
  route = nullptr;
  who.reset();
  chosen.reset();
  started_ticks = bytes_in = 0;
  fault_code = nullptr;
  internal_error.clear();
}

}  // namespace slipway::http
