#include <slipway/api/extract.hpp>
#include <slipway/api/reply.hpp>
#include <slipway/content/conditional.hpp>
#include <slipway/content/fields.hpp>
#include <slipway/core/ascii.hpp>
#include <slipway/http/percent.hpp>
#include <slipway/json/reader.hpp>
#include <slipway/json/scalar.hpp>
#include <slipway/json/validate.hpp>
#include <slipway/json/writer.hpp>

#include <algorithm>
#include <iterator>

namespace slipway {

bool if_match::matches(std::string_view etag) const {
  return content::evaluate({.if_match = value}, {.etag = etag}) == content::verdict::proceed;
}
bool if_match::any() const noexcept { return content::trim(value) == "*"; }

}  // namespace slipway

namespace slipway::api::detail {
namespace {

constexpr std::size_t most_parameters = 64;

// "application/json; charset=utf-8" and anything that ends in +json, such as application/merge-patch+json.
bool is_json(std::string_view media_type) {
  if (media_type == "application/json") [[likely]]
    return true;
  media_type = content::trim(media_type.substr(0, media_type.find(';')));
  auto const lower = ascii_lowered(media_type);
  return lower == "application/json" || (lower.starts_with("application/") && lower.ends_with("+json"));
}

// Fills one member from one value of the query.
void read_member(meta::member const& m, void* object, std::string_view text, bool seen,
                 std::vector<field_error>& errors) {
  auto* at = m.at(object);
  auto const* t = m.of;
  if (t->what == meta::kind::list) {
    at = t->as_list->append(at);
    t = t->element;
  } else if (seen) {
    errors.push_back({std::string{m.name}, "duplicate", "must not be given twice"});
    return;
  }
  if (auto problem = json::read_scalar(*t, at, text))
    errors.push_back({std::string{m.name}, problem.code, std::move(problem.message)});
}

}  // namespace

result<void> refuse_content_coding(extraction& from) {
  auto const coding = from.exchange.request.header("Content-Encoding");
  if (coding.data() == nullptr || http::equal_names(coding, "identity")) return {};
  return std::unexpected(fault::unsupported_media_type("unsupported_content_encoding")
                             .detail("Send the body without a content encoding."));
}

result<void> read_body(extraction& from, meta::type const& t, void* into) {
  auto const& request = from.exchange.request;
  auto const media_type = request.header("Content-Type");
  if (!request.body.empty() && !is_json(media_type))
    return std::unexpected(fault::unsupported_media_type().detail("Send the body as application/json."));
  if (auto plain = refuse_content_coding(from); !plain) return plain;
  return json::read_into(t, into, request.body, {}, true);
}

result<void> read_path(extraction& from, meta::type const& t, void* into) {
  auto const texts = from.exchange.request.parameters();
  auto const index = from.next_path_parameter++;
  if (index >= texts.size() || json::read_scalar(t, into, texts[index])) return std::unexpected(fault::not_found());
  return {};
}

result<void> read_query(extraction& from, meta::type const& t, void* into) {
  auto& x = from.exchange;
  std::vector<field_error> errors;
  std::uint64_t seen = 0;
  std::size_t count = 0;
  auto rest = x.request.query;
  while (!rest.empty()) {
    auto const part = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    if (part.empty()) continue;
    if (++count > most_parameters) return std::unexpected(fault::malformed("too_many_parameters"));
    auto const equals = part.find('=');
    auto const name = http::form_decode(part.substr(0, equals), x.memory);
    auto const value =
        http::form_decode(equals == std::string_view::npos ? std::string_view{} : part.substr(equals + 1), x.memory);
    if (!name || !value)
      return std::unexpected(fault::malformed("malformed_query").detail("The query is not valid percent-encoding."));
    if (from.op.sparse && *name == "fields") {
      if (auto good = take_fields(x, from.op, *value); !good)
        std::ranges::move(good.error().more().fields, std::back_inserter(errors));
      continue;
    }
    auto const* m = t.find(*name);
    if (m == nullptr) {
      errors.push_back({std::string{*name}, "unknown", "is not a parameter of this operation"});
      continue;
    }
    auto const bit = std::uint64_t{1} << (m - t.members.data());
    read_member(*m, into, *value, (seen & bit) != 0, errors);
    seen |= bit;
  }
  for (std::size_t i = 0; i < t.members.size(); ++i) {
    auto const& m = t.members[i];
    bool const may_miss = m.about->optional || m.of->what == meta::kind::optional || m.of->what == meta::kind::list;
    if ((seen >> i & 1) != 0)
      json::check_rules(*m.about, *m.of, m.at(into), errors, m.name);
    else if (!may_miss)
      errors.push_back({std::string{m.name}, "required", "is required"});
  }
  if (!errors.empty()) return std::unexpected(fault::invalid(std::move(errors)));
  return {};
}

std::string read_header(extraction& from, std::string_view name) {
  return std::string{content::all_values(from.exchange, name)};
}

std::string read_cookie(extraction& from, std::string_view name) {
  auto rest = from.exchange.request.header("Cookie");
  while (!rest.empty()) {
    auto const pair = content::trim(rest.substr(0, rest.find(';')));
    rest.remove_prefix(std::min(rest.find(';'), rest.size() - 1) + 1);
    if (auto const equals = pair.find('='); equals != std::string_view::npos && pair.substr(0, equals) == name)
      return std::string{pair.substr(equals + 1)};
  }
  return {};
}

result<if_match> read_if_match(extraction& from) {
  if (auto sent = find_if_match(from)) return std::move(*sent);
  return std::unexpected(
      fault::precondition_required().detail("Send If-Match with the ETag of the version that you have seen."));
}

std::optional<if_match> find_if_match(extraction& from) {
  auto const value = content::all_values(from.exchange, "If-Match");
  if (value.data() == nullptr) return std::nullopt;
  return if_match{std::string{value}};
}

client read_client(extraction& from) {
  auto const& request = from.exchange.request;
  return {std::string{request.peer.address}, std::string{request.header("User-Agent").substr(0, 256)},
          std::to_string(request.peer.address_hash)};
}

void collect(fault*& first, fault& next) {
  if (first == nullptr)
    first = &next;
  else if (first->kind() == fault_kind::invalid && next.kind() == fault_kind::invalid)
    std::ranges::move(next.more().fields, std::back_inserter(first->more().fields));
}

void describe_path(operation& op, meta::type const& t) {
  auto const example = t.what == meta::kind::uuid      ? R"("0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b")"
                       : t.what == meta::kind::integer ? "1"
                                                       : "";
  op.parameters.push_back({{}, place::path, &t, true, {}, nullptr, example});
}

void describe_query(operation& op, meta::type const& t, void const* initial) {
  for (auto const& m : t.members) {
    bool const may_miss = m.about->optional || m.of->what == meta::kind::optional || m.of->what == meta::kind::list;
    // What may be absent is described by what it is when present.
    auto const* of = m.of->what == meta::kind::optional ? m.of->element : m.of;
    auto& said =
        op.parameters.emplace_back(parameter{std::string{m.name}, place::query, of, !may_miss, m.about->help, m.about});
    if (!m.about->optional || m.of != of || of->what == meta::kind::list) continue;
    json::buffer text;
    json::write_value(text, *of, m.at_const(initial));
    if (text.view() != R"("")") said.initial = text.text();  // empty: as if it were not there
  }
}

}  // namespace slipway::api::detail
