#include <slipway/auth/jws.hpp>

#include <slipway/auth/key_state.hpp>
#include <slipway/auth/members.hpp>
#include <slipway/core/encoding.hpp>

#include <algorithm>

namespace slipway::auth {
namespace {

result<void> read_header(std::string_view json, jws& out) {
  auto const header = read_members(json);
  if (!header) return std::unexpected{invalid_token("the header is not one JSON object without repeated members")};
  auto const* alg = header->text("alg");
  auto const known = alg != nullptr ? algorithm_from(*alg) : std::nullopt;
  if (!known) return std::unexpected{invalid_token("an algorithm that is not taken")};
  auto const* kid = header->text("kid");
  if (kid == nullptr || kid->empty()) return std::unexpected{invalid_token("no key id")};
  // Members that change how the rest is read: we know none of them (RFC 7515, section 4.1.11; RFC 7797).
  if (header->find("crit") != nullptr || header->find("b64") != nullptr)
    return std::unexpected{invalid_token("a critical header member")};
  if (auto const* typ = header->find("typ"); typ != nullptr) {
    if (typ->what != json_kind::text) return std::unexpected{invalid_token("a typ that is no text")};
    out.typ = typ->text;
  }
  out.alg = *known;
  out.kid = *kid;
  return {};
}

}  // namespace

result<jws> parse_jws(std::string_view token) {
  if (token.size() > max_token_bytes) return std::unexpected{invalid_token("longer than 8192 bytes")};
  if (std::ranges::count(token, '.') != 2) return std::unexpected{invalid_token("not three parts")};
  auto const first = token.find('.'), second = token.rfind('.');
  auto const header = from_base64url(token.substr(0, first));
  auto payload = from_base64url(token.substr(first + 1, second - first - 1));
  auto signature = from_base64url(token.substr(second + 1));
  if (!header || !payload || !signature) return std::unexpected{invalid_token("not strict base64url")};
  if (signature->empty()) return std::unexpected{invalid_token("not signed")};
  jws out{.payload = *std::move(payload), .signature = *std::move(signature), .signing_input = token.substr(0, second)};
  if (auto read = read_header(*header, out); !read) return std::unexpected{std::move(read.error())};
  return out;
}

result<jws> verify_jws(std::string_view token, key_set const& keys) {
  auto parsed = parse_jws(token);
  if (!parsed) return parsed;
  auto const* key = keys.find(parsed->kid);
  if (key == nullptr) return std::unexpected{invalid_token("an unknown key id")};
  // The key says how it is used, never the token (RFC 8725, section 3.1).
  if (parsed->alg != key->alg()) return std::unexpected{invalid_token("an algorithm that is not its key's")};
  if (!key->verify(parsed->signing_input, parsed->signature))
    return std::unexpected{invalid_token("a wrong signature")};
  return parsed;
}

std::string sign_jws(std::string_view payload, key const& with, std::string_view typ) {
  std::string header = R"({"alg":")";
  header += to_string(with.alg());
  header += '"';
  if (!typ.empty()) {
    header += R"(,"typ":)";
    append_quoted(header, typ);
  }
  header += R"(,"kid":)";
  append_quoted(header, with.kid());
  header += '}';
  auto out = base64url(as_byte_span(header)) + '.' + base64url(as_byte_span(payload));
  auto const signature = with.sign(out);
  out += '.';
  out += base64url(as_byte_span(signature));
  return out;
}

}  // namespace slipway::auth
