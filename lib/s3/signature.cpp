#include <slipway/s3/signature.hpp>

#include <slipway/core/ascii.hpp>
#include <slipway/core/encoding.hpp>
#include <slipway/core/errors.hpp>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>

namespace slipway::s3 {
namespace {

using digest = std::array<std::byte, 32>;

unsigned char const* octets(std::string_view text) noexcept {
  return reinterpret_cast<unsigned char const*>(text.data());
}

std::string sha256(std::string_view text) {
  digest out{};
  if (::EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr, ::EVP_sha256(),
                   nullptr) != 1)
    throw startup_error{exit_code::bug, "SHA-256 is not available in OpenSSL"};
  return hex(out);
}

digest hmac(std::string_view key, std::string_view text) {
  digest out{};
  if (::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()), octets(text), text.size(),
             reinterpret_cast<unsigned char*>(out.data()), nullptr) == nullptr)
    throw startup_error{exit_code::bug, "HMAC with SHA-256 is not available in OpenSSL"};
  return out;
}

digest hmac(digest const& key, std::string_view text) {
  return hmac(std::string_view{reinterpret_cast<char const*>(key.data()), key.size()}, text);
}

}  // namespace

std::string canonical(query const& q) {
  std::vector<std::pair<std::string, std::string>> parts;
  for (auto const& [name, value] : q) parts.emplace_back(percent_encode(name), percent_encode(value));
  std::ranges::sort(parts);
  std::string out;
  for (auto const& [name, value] : parts) out += (out.empty() ? "" : "&") + name + "=" + value;
  return out;
}

std::vector<http_client::header> sign(unsigned_request r, identity const& who, time_point now) {
  auto const moment = fmt::format("{:%Y%m%dT%H%M%SZ}", std::chrono::floor<std::chrono::seconds>(now));
  auto const day = moment.substr(0, 8);
  auto const body = sha256(r.body);
  r.headers.push_back({"X-Amz-Content-Sha256", body});
  r.headers.push_back({"X-Amz-Date", moment});
  if (!who.session_token.empty()) r.headers.push_back({"X-Amz-Security-Token", who.session_token.reveal()});

  std::vector<std::pair<std::string, std::string_view>> named{{"host", r.host}};
  for (auto const& h : r.headers) named.emplace_back(ascii_lowered(h.name), h.value);
  std::ranges::sort(named);
  std::string lines, names;
  for (auto const& [name, value] : named) {
    lines += fmt::format("{}:{}\n", name, value);
    names += (names.empty() ? "" : ";") + name;
  }
  auto const request = fmt::format("{}\n{}\n{}\n{}\n{}\n{}", r.method, r.path, r.query, lines, names, body);
  auto const scope = fmt::format("{}/{}/s3/aws4_request", day, who.region);
  auto const text = fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", moment, scope, sha256(request));
  secret<std::string> const first{"AWS4" + who.secret_key.reveal()};
  auto const key = hmac(hmac(hmac(hmac(first.reveal(), day), who.region), "s3"), "aws4_request");
  r.headers.push_back({"Authorization", fmt::format("AWS4-HMAC-SHA256 Credential={}/{},SignedHeaders={},Signature={}",
                                                    who.access_key, scope, names, hex(hmac(key, text)))});
  return std::move(r.headers);
}

}  // namespace slipway::s3
