#include <slipway/core/time.hpp>
#include <slipway/http/render.hpp>

#include <charconv>
#include <cstring>

namespace slipway::http {
namespace {

char* put(char* at, std::string_view text) noexcept {
  if (!text.empty()) std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

char* put_number(char* at, std::uint64_t value) noexcept {
  if (value < 10) {
    *at = static_cast<char>('0' + value);
    return at + 1;
  }
  return std::to_chars(at, at + 20, value).ptr;
}

std::size_t size_of_fields(response const& r) noexcept {
  std::size_t size = r.content_type.size();
  for (std::size_t i = 0; i < r.field_count; ++i)
    size += r.field_storage[i].name.size() + r.field_storage[i].value.size() + 4;
  return size;
}

}  // namespace

void head_start::refresh(std::time_t now) noexcept {
  if (now == of_) return;
  of_ = now;
  auto* at = put(text_, "HTTP/1.1 200 OK\r\nDate: ");
  at = put(write_http_date(at, std::chrono::sys_seconds{std::chrono::seconds{now}}), "\r\n");
  size_ = static_cast<std::size_t>(at - text_);
}

void render_head(bytes& out, head_start const& start, response const& r, head_choice const& how) {
  constexpr std::size_t most_of_the_rest = 256;  // status line, date, framing, connection
  auto* at = out.room(size_of_fields(r) + most_of_the_rest);
  if (r.status == 200) [[likely]] {
    at = start.put_ok(at);
  } else {
    at = put_number(put(at, "HTTP/1.1 "), static_cast<unsigned>(r.status));
    *at++ = ' ';
    at = put(put(put(at, reason_phrase(r.status)), "\r\n"), start.date_line());
  }
  if (!r.content_type.empty()) at = put(put(put(at, "Content-Type: "), r.content_type), "\r\n");
  switch (how.form) {
    case body_form::whole: at = put(put_number(put(at, "Content-Length: "), r.body.size()), "\r\n"); break;
    case body_form::counted: at = put(put_number(put(at, "Content-Length: "), *r.stream_length), "\r\n"); break;
    case body_form::chunked: at = put(at, "Transfer-Encoding: chunked\r\n"); break;
    case body_form::to_end:
    case body_form::none: break;
  }
  for (std::size_t i = 0; i < r.field_count; ++i) {
    auto const& f = r.field_storage[i];
    if (f.name.empty())
      at = put(at, f.value);
    else
      at = put(put(put(put(at, f.name), ": "), f.value), "\r\n");
  }
  if (!how.keep_alive)
    at = put(at, "Connection: close\r\n");
  else if (how.minor_version == 0)
    at = put(at, "Connection: keep-alive\r\n");
  at = put(at, "\r\n");
  out.end_at(at);
}

}  // namespace slipway::http
