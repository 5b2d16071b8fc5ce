#include <slipway/api/problem.hpp>
#include <slipway/api/reply.hpp>
#include <slipway/content/conditional.hpp>
#include <slipway/content/disposition.hpp>
#include <slipway/content/event_stream.hpp>
#include <slipway/content/fields.hpp>
#include <slipway/http/percent.hpp>
#include <slipway/json/writer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>

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
    auto const equals = part.find('=');
    if (equals != part.npos && http::form_decode(part.substr(0, equals), x.memory) == "fields")
      return http::form_decode(part.substr(equals + 1), x.memory);
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

bool is_digit_of_escape(char c) noexcept { return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'); }

// A path or query as it came, with what cannot stand there encoded (RFC 3986, sections 3.3 and 3.4): a client may have
// sent a raw '>' or '"', which would end the reference in a Link, or the field.
void append_uri_text(std::string& out, std::string_view text) {
  constexpr std::string_view allowed{"-._~!$&'()*+,;=:@/?"};
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto const c = text[i];
    bool const plain =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || allowed.contains(c);
    bool const escape =
        c == '%' && text.size() - i > 2 && is_digit_of_escape(text[i + 1]) && is_digit_of_escape(text[i + 2]);
    if (plain || escape)
      out += c;
    else
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
  }
}

task<> refused(http::exchange& x, fault why) {
  write_problem(x, why);
  co_return;
}

void answer_json(http::exchange& x, int status, json::buffer const& out) {
  x.answer(status, "application/json", out.view());
}

}  // namespace

result<void> take_fields(http::exchange& x, operation const& op, std::string_view names) {
  if (!op.sparse || op.answer == nullptr) return {};
  auto only = select(op, *op.answer, names);
  if (!only) return std::unexpected(std::move(only.error()));
  if (!x.chosen) x.chosen = std::make_shared<json::selection const>(std::move(*only));
  return {};
}

// A plain function, so that a frame is made for what is refused alone.
task<> with_fields(http::exchange& x, operation const& op, http::handler const& inner) {
  auto const names = wanted_fields(x);
  if (!names) return refused(x, fault::malformed("malformed_query").detail("The query is not valid percent-encoding."));
  if (!names->empty())
    if (auto good = take_fields(x, op, *names); !good) return refused(x, std::move(good.error()));
  return inner(x);
}

void reply_json(http::exchange& x, operation const& op, int status, meta::type const& t, void const* value) {
  json::buffer out{x.memory};
  if (op.sparse && x.chosen) [[unlikely]]
    json::write_value(out, t, value, *static_cast<json::selection const*>(x.chosen.get()));
  else
    json::write_value(out, t, value);
  answer_json(x, status, out);
}

void reply_location(http::exchange& x, std::string_view where) { x.response.add("Location", x.copy(where)); }

void reply_next_page(http::exchange& x, std::string_view cursor) {
  // The same query with the cursor of the next page in the place of the present one.
  std::string next{"<"};
  append_uri_text(next, x.request.path);
  next += '?';
  for (auto rest = x.request.query; !rest.empty();) {
    auto const part = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    if (part.empty() || http::form_decode(part.substr(0, part.find('=')), x.memory) == "cursor") continue;
    append_uri_text(next, part);
    next += '&';
  }
  next.append("cursor=").append(cursor).append(">; rel=\"next\"");
  x.response.add("Link", x.copy(next));
}

bool reply_etag(http::exchange& x, std::string_view etag) {
  x.response.add("ETag", x.copy(etag));
  bool const reading = x.request.verb == http::method::get || x.request.verb == http::method::head;
  if (!reading) return false;
  auto const known = content::all_values(x, "If-None-Match");
  if (content::evaluate({.if_none_match = known}, {.etag = etag}) != content::verdict::not_modified) return false;
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
