#include <slipway/http_client/call.hpp>

#include <slipway/core/ascii.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <utility>

namespace slipway::http_client {
namespace {

bool token(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view{"!#$%&'*+-.^_`|~"}.contains(c);
  });
}

std::string_view trim(std::string_view text) noexcept {
  auto const blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

// Zero is not a full count: libcurl ends the transfer with CURLE_WRITE_ERROR.
constexpr std::size_t stop = 0;

std::size_t on_header(char* data, std::size_t, std::size_t size, void* self) {
  auto& t = *static_cast<transfer*>(self);
  if (t.abandoned) return stop;
  std::string_view const line{data, size};
  t.head_bytes += size;
  if (t.head_bytes > t.max_head) {
    t.head_too_large = true;
    return stop;
  }
  if (line.starts_with("HTTP/")) {  // after an interim answer comes another
    t.answer.headers.clear();
    t.head_done = false;
  } else if (line == "\r\n") {
    t.head_done = true;
  } else if (auto const colon = line.find(':'); !t.head_done && colon != std::string_view::npos) {
    t.answer.headers.push_back({std::string{line.substr(0, colon)}, std::string{trim(line.substr(colon + 1))}});
  }
  return size;
}

// Asked when a body comes. CURLOPT_MAXFILESIZE would ask each head, also that of an answer to HEAD and a 304, which
// tell the length of what they do not send.
bool said_to_be_too_large(transfer const& t) noexcept {
  curl_off_t said = -1;
  curl_easy_getinfo(t.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &said);
  return said > 0 && std::cmp_greater(said, t.max_body);
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* self) {
  auto& t = *static_cast<transfer*>(self);
  if (t.abandoned) return stop;
  bool const first = std::exchange(t.body_bytes, t.body_bytes + size) == 0;
  if (t.body_bytes > t.max_body || (first && said_to_be_too_large(t))) {
    t.body_too_large = true;
    return stop;
  }
  if (t.what->sink) {
    long status = 0;
    curl_easy_getinfo(t.easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && status < 300) {
      t.sink_used = true;
      try {
        t.sink_stopped = !t.what->sink({data, size});
      } catch (...) {  // it may not pass through libcurl's frames
        t.sink_error = std::current_exception();
        t.sink_stopped = true;
      }
      return t.sink_stopped ? stop : size;
    }
  }
  t.answer.body.append(data, size);
  return size;
}

// A kept connection that breaks before the answer begins makes libcurl send again by itself, whatever the method is.
// The other side may have acted already: whether it is sent again is for the rules of retries to say.
int before_request(void* self, char*, char*, int, int) {
  auto& t = *static_cast<transfer*>(self);
  return t.abandoned || std::exchange(t.sent, true) ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

bool to_proxy([[maybe_unused]] transfer const& t) noexcept {
  long used = 0;
#if LIBCURL_VERSION_NUM >= 0x080700
  if (curl_easy_getinfo(t.easy, CURLINFO_USED_PROXY, &used) != CURLE_OK) return false;
#endif
  return used != 0;
}

curl_socket_t on_open_socket(void* self, curlsocktype, curl_sockaddr* to) {
  auto& t = *static_cast<transfer*>(self);
  if (t.abandoned || t.sent) return CURL_SOCKET_BAD;  // `sent`: see before_request
  if (t.may_connect && !to_proxy(t)) {
    auto const address = address_of(to->addr);
    if (!address || !t.may_connect(*address)) {
      t.refused = true;
      return CURL_SOCKET_BAD;
    }
  }
  if (t.connected) t.connected();
  return ::socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

template <class V>
void set(transfer& t, CURLoption option, V value) {
  if (curl_easy_setopt(t.easy, option, value) == CURLE_OUT_OF_MEMORY) throw std::bad_alloc{};
}

void add_header(transfer& t, std::string const& line) {
  auto* const longer = curl_slist_append(t.headers, line.c_str());
  if (longer == nullptr) throw std::bad_alloc{};
  t.headers = longer;
}

bool is_credential(std::string_view name) noexcept {
  return same_name(name, "authorization") || same_name(name, "cookie") || same_name(name, "proxy-authorization");
}

void set_headers(transfer& t, hop const& h, std::vector<header> const& own) {
  bool has_type = false;
  auto const add = [&](header const& f) {
    bool const about_body = f.name.size() > 8 && same_name(std::string_view{f.name}.substr(0, 8), "content-");
    if ((!h.same_origin && (is_credential(f.name) || same_name(f.name, "host"))) || (!h.with_body && about_body))
      return;
    has_type |= same_name(f.name, "content-type");
    add_header(t, f.value.empty() ? f.name + ";" : f.name + ": " + f.value);
  };
  for (auto const& f : t.what->headers) add(f);
  for (auto const& f : own)
    if (std::ranges::none_of(t.what->headers, [&](auto const& theirs) { return same_name(theirs.name, f.name); }))
      add(f);
  add_header(t, "Expect:");                       // a round trip more, for nothing
  if (!has_type) add_header(t, "Content-Type:");  // libcurl would say that it is a form
  set(t, CURLOPT_HTTPHEADER, t.headers);
}

void set_method(transfer& t, hop const& h) {
  auto const& body = t.what->body;
  bool const sends = h.with_body && (!body.empty() || h.method == "POST" || h.method == "PUT" || h.method == "PATCH");
  if (h.method == "HEAD") {
    set(t, CURLOPT_NOBODY, 1L);
    return;
  }
  if (sends) {
    set(t, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    set(t, CURLOPT_POSTFIELDS, body.data());
  }
  set(t, CURLOPT_CUSTOMREQUEST, h.method.c_str());
}

void set_tls(transfer& t, settings const& s) {
  set(t, CURLOPT_SSL_VERIFYPEER, s.verify_tls ? 1L : 0L);
  set(t, CURLOPT_SSL_VERIFYHOST, s.verify_tls ? 2L : 0L);
  set(t, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!s.ca_file.empty()) set(t, CURLOPT_CAINFO, s.ca_file.c_str());
  if (!s.certificate_file.empty()) set(t, CURLOPT_SSLCERT, s.certificate_file.c_str());
  if (!s.key_file.empty()) set(t, CURLOPT_SSLKEY, s.key_file.c_str());
}

}  // namespace

bool tells_proxies() noexcept {
  constexpr unsigned since = 0x080700;
  return LIBCURL_VERSION_NUM >= since && curl_version_info(CURLVERSION_NOW)->version_num >= since;
}

bool same_name(std::string_view a, std::string_view b) noexcept { return equal_in_any_case(a, b); }

void check(request const& r) {
  if (!token(r.method) || r.method.size() > 32 || r.method == "CONNECT")
    throw request_error{failure::invalid, "this is not a method that can be sent"};
  for (auto const& f : r.headers) {
    if (!token(f.name)) throw request_error{failure::invalid, "a header's name is not a token"};
    if (std::ranges::any_of(f.value,
                            [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }))
      throw request_error{failure::invalid, "the header '" + f.name + "' has a control character in it"};
    if (same_name(f.name, "content-length") || same_name(f.name, "transfer-encoding") ||
        same_name(f.name, "connection"))
      throw request_error{failure::invalid, "the header '" + f.name + "' is the client's own business"};
  }
}

void prepare(transfer& t, settings const& s, hop const& h, std::vector<header> const& own,
             std::chrono::milliseconds time_limit) {
  t.max_head = s.max_head;
  t.max_body = t.what->max_body != 0 ? t.what->max_body : s.max_body;
  set(t, CURLOPT_URL, h.to.url.c_str());
  set(t, CURLOPT_PROTOCOLS_STR, "http,https");
  set(t, CURLOPT_FOLLOWLOCATION, 0L);  // ours: every step is looked at
  set(t, CURLOPT_NOSIGNAL, 1L);
  set(t, CURLOPT_NOPROGRESS, 1L);
  set(t, CURLOPT_HTTP_VERSION, static_cast<long>(h.redirected ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS));
  set(t, CURLOPT_USERAGENT, s.user_agent.c_str());
  set(t, CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<std::int64_t>(1, time_limit.count())));
  set(t, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::max<std::int64_t>(1, s.connect_timeout.count())));
  set(t, CURLOPT_MAXAGE_CONN, static_cast<long>(s.idle_connection.count()));
  set(t, CURLOPT_QUICK_EXIT, 1L);  // a name server that does not answer must not hold up the end of the process
  set(t, CURLOPT_WRITEFUNCTION, &on_body);
  set(t, CURLOPT_WRITEDATA, &t);
  set(t, CURLOPT_HEADERFUNCTION, &on_header);
  set(t, CURLOPT_HEADERDATA, &t);
  set(t, CURLOPT_OPENSOCKETFUNCTION, &on_open_socket);
  set(t, CURLOPT_OPENSOCKETDATA, &t);
  set(t, CURLOPT_PREREQFUNCTION, &before_request);
  set(t, CURLOPT_PREREQDATA, &t);
  if (!s.proxy.empty() || !s.proxy_from_environment) {
    set(t, CURLOPT_PROXY, s.proxy.c_str());  // empty: none
    set(t, CURLOPT_NOPROXY, "");             // nor does the environment name exceptions
  }
  // The first step and one that a redirect asked for are held to different rules, so that neither may have a
  // connection that the other made: none is taken, none is left, and none is shared meanwhile as HTTP/2 would.
  if (h.redirected) {
    set(t, CURLOPT_FRESH_CONNECT, 1L);
    set(t, CURLOPT_FORBID_REUSE, 1L);
  }
  set_tls(t, s);
  set_method(t, h);
  set_headers(t, h, own);
}

cause cause_of(transfer const& t) noexcept {
  if (t.sink_stopped) return {failure::stopped_by_sink, false};
  if (t.head_too_large) return {failure::too_large, false, true, t.max_head};
  if (t.body_too_large) return {failure::too_large, false, false, t.max_body};
  if (t.refused && t.code == CURLE_COULDNT_CONNECT) return {failure::refused_address, false};
  switch (t.code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY: return {t.sent ? failure::interrupted : failure::resolve, !t.sent};
    case CURLE_COULDNT_CONNECT: return {t.sent ? failure::interrupted : failure::connect, !t.sent};
    case CURLE_OPERATION_TIMEDOUT: return {failure::timeout, !t.sent};
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_ENGINE_INITFAILED: return {failure::tls, false};
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: return {failure::invalid, false};
    default: return {failure::interrupted, false};
  }
}

}  // namespace slipway::http_client
