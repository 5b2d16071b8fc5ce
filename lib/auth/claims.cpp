#include <slipway/auth/tokens.hpp>

#include <slipway/auth/key_state.hpp>
#include <slipway/auth/members.hpp>
#include <slipway/auth/token_rules.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>

namespace slipway::auth {
namespace {

constexpr std::array<std::string_view, 11> registered{"iss", "sub", "aud",  "exp",   "nbf",  "iat",
                                                      "jti", "sid", "perm", "roles", "scope"};
constexpr double latest_date = 253402300799;  // the last second of the year 9999

std::int64_t seconds_of(time_point t) { return std::chrono::floor<std::chrono::seconds>(t.time_since_epoch()).count(); }

// NumericDate (RFC 7519, section 2): seconds, perhaps with a fraction.
bool read_date(json_value const& from, time_point& out) {
  if (from.what != json_kind::integer && from.what != json_kind::number) return false;
  if (!(from.number >= 0 && from.number <= latest_date)) return false;
  out = from.what == json_kind::integer
            ? time_point{std::chrono::seconds{from.integer}}
            : time_point{std::chrono::microseconds{static_cast<std::int64_t>(std::floor(from.number * 1e6))}};
  return true;
}

bool read_uuid(json_value const& from, uuid& out) {
  auto const parsed = from.what == json_kind::text ? uuid::parse(from.text) : std::nullopt;
  if (parsed) out = *parsed;
  return parsed.has_value();
}

bool read_texts(json_value const& from, std::vector<std::string>& out) {
  if (from.what != json_kind::list) return false;
  for (auto const& each : from.children) {
    if (each.what != json_kind::text) return false;
    out.push_back(each.text);
  }
  return true;
}

bool read_audience(json_value const& from, std::vector<std::string>& out) {
  if (from.what != json_kind::text) return read_texts(from, out);
  out.push_back(from.text);
  return true;
}

bool read_text(json_value const& from, std::string& out) {
  out = from.text;
  return from.what == json_kind::text;
}

bool read_permissions(json_value const& from, permission_set& out) {
  constexpr std::size_t most_digits = 16;
  if (from.what != json_kind::text || from.text.empty() || from.text.size() > most_digits) return false;
  std::uint64_t bits = 0;
  auto const* end = from.text.data() + from.text.size();
  auto const [at, error] = std::from_chars(from.text.data(), end, bits, 16);
  out = permission_set::from_bits(bits);
  return error == std::errc{} && at == end;
}

bool read_one(json_value const& m, claims& out) {
  if (m.name == "sub") return read_uuid(m, out.subject);
  if (m.name == "sid") return read_uuid(m, out.session);
  if (m.name == "jti") return read_uuid(m, out.id);
  if (m.name == "perm") return read_permissions(m, out.permissions);
  if (m.name == "roles") return read_texts(m, out.roles);
  if (m.name == "scope") return read_text(m, out.scopes);
  if (m.name == "iss") return read_text(m, out.issuer);
  if (m.name == "aud") return read_audience(m, out.audience);
  if (m.name == "iat") return read_date(m, out.issued_at);
  if (m.name == "exp") return read_date(m, out.expires_at);
  if (m.name == "nbf") return read_date(m, out.not_before.emplace());
  out.extra.emplace(m.name, m.json);
  return true;
}

void append_texts(std::string& out, std::vector<std::string> const& texts) {
  out += '[';
  for (auto const& text : texts) {
    if (&text != &texts.front()) out += ',';
    append_quoted(out, text);
  }
  out += ']';
}

}  // namespace

bool is_registered_claim(std::string_view name) { return std::ranges::find(registered, name) != registered.end(); }

result<claims> parse_claims(std::string_view json) {
  auto const members = read_members(json);
  if (!members) return std::unexpected{invalid_token("the claims are not one JSON object without repeated members")};
  for (auto const* required : {"iss", "sub", "aud", "exp", "iat", "jti"})
    if (members->find(required) == nullptr) return std::unexpected{invalid_token(fmt::format("no {}", required))};
  claims out;
  for (auto const& m : members->all())
    if (!read_one(m, out))
      return std::unexpected{invalid_token(fmt::format("{} has not the form it must have", m.name))};
  return out;
}

std::string write_claims(claims const& c) {
  std::string out = R"({"iss":)";
  append_quoted(out, c.issuer);
  out += R"(,"sub":")" + c.subject.text() + R"(","aud":)";
  if (c.audience.size() == 1)
    append_quoted(out, c.audience.front());
  else
    append_texts(out, c.audience);
  fmt::format_to(std::back_inserter(out), R"(,"iat":{},"exp":{})", seconds_of(c.issued_at), seconds_of(c.expires_at));
  if (c.not_before) fmt::format_to(std::back_inserter(out), R"(,"nbf":{})", seconds_of(*c.not_before));
  out += R"(,"jti":")" + c.id.text() + '"';
  if (!c.session.is_nil()) out += R"(,"sid":")" + c.session.text() + '"';
  if (!c.permissions.empty()) fmt::format_to(std::back_inserter(out), R"(,"perm":"{:x}")", c.permissions.bits());
  if (!c.roles.empty()) {
    out += R"(,"roles":)";
    append_texts(out, c.roles);
  }
  if (!c.scopes.empty()) {
    out += R"(,"scope":)";
    append_quoted(out, c.scopes);
  }
  for (auto const& [name, json] : c.extra) {
    out += ',';
    append_quoted(out, name);
    out += ':';
    out += json;
  }
  return out + '}';
}

}  // namespace slipway::auth
