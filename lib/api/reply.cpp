#include <slipway/api/parameters.hpp>
#include <slipway/api/problem.hpp>
#include <slipway/api/reply.hpp>
#include <slipway/content/disposition.hpp>
#include <slipway/content/event_stream.hpp>
#include <slipway/http/percent.hpp>
#include <slipway/json/writer.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace slipway {

std::string etag_of(std::int64_t version) { return fmt::format("\"{}\"", version); }

}  // namespace slipway

namespace slipway::api::detail {
namespace {

// The text of ?fields=; empty when there is none, nothing when it is not valid percent-encoding.
std::optional<std::string_view> wanted_fields(http::exchange& x) {
  auto rest = x.request.query;
  while (!rest.empty()) {
    auto const part = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    if (part.starts_with("fields=")) return http::form_decode(part.substr(7), x.memory);
  }
  return std::string_view{};
}

// Of a page, the client names members of its items.
result<json::selection> select(operation const& op, meta::type const& t, std::string_view names) {
  if (!op.is_page) return json::selection::parse(t, names);
  auto chosen = json::selection::parse(*t.find("items")->of->element, names);
  if (chosen) *chosen = chosen->within(t, "items");
  return chosen;
}

void answer_json(http::exchange& x, int status, json::buffer const& out) {
  x.answer(status, "application/json", out.view());
}

}  // namespace

void reply_json(http::exchange& x, operation const& op, int status, meta::type const& t, void const* value) {
  json::buffer out{x.memory};
  if (op.sparse) [[unlikely]] {
    auto const names = wanted_fields(x);
    if (!names) return write_problem(x, fault::malformed("malformed_query"));
    if (!names->empty()) {
      auto const only = select(op, t, *names);
      if (!only) return write_problem(x, only.error());
      json::write_value(out, t, value, *only);
      return answer_json(x, status, out);
    }
  }
  json::write_value(out, t, value);
  answer_json(x, status, out);
}

void reply_location(http::exchange& x, std::string_view where) { x.response.add("Location", x.copy(where)); }

void reply_next_page(http::exchange& x, std::string_view cursor) {
  // The same query with the cursor of the next page in the place of the present one.
  std::string query;
  auto rest = x.request.query;
  while (!rest.empty()) {
    auto const end = std::min(rest.find('&'), rest.size());
    if (auto const part = rest.substr(0, end); !part.starts_with("cursor=")) query.append(part).append("&");
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  x.response.add("Link", x.copy(fmt::format("<{}?{}cursor={}>; rel=\"next\"", x.request.path, query, cursor)));
}

bool reply_etag(http::exchange& x, std::string_view etag) {
  x.response.add("ETag", x.copy(etag));
  auto const known = x.request.header("If-None-Match");
  bool const reading = x.request.verb == http::method::get || x.request.verb == http::method::head;
  if (!reading || known.data() == nullptr || !if_match{std::string{known}}.matches_weakly(etag)) return false;
  x.response.status = 304;
  return true;
}

void reply_cache_control(http::exchange& x, std::string_view value) { x.response.add("Cache-Control", x.copy(value)); }

void reply_payload(http::exchange& x, payload&& c) {
  x.response.owned = std::move(c.bytes);
  x.answer(c.status, x.copy(c.media_type), x.response.owned);
  if (!c.cache_control.empty()) reply_cache_control(x, c.cache_control);
}

void reply_stream(http::exchange& x, stream&& s) {
  x.response.status = 200;
  x.response.content_type = x.copy(s.media_type);
  x.response.stream = std::move(s.source);
  x.response.stream_length = s.length;
}

void reply_download(http::exchange& x, download&& d) {
  x.response.add("Content-Disposition", x.copy(content::attachment(d.file_name)));
  reply_cache_control(x, "no-store");
  reply_stream(x, {std::move(d.media_type), std::move(d.source)});
}

void reply_events(http::exchange& x, event_feed&& f) { content::answer_events(x, std::move(f.source)); }

void describe_answer(operation& op, int status, std::string_view description, meta::type const* body) {
  op.success = status;
  op.success_description = description;
  op.answer = body;
}

}  // namespace slipway::api::detail
