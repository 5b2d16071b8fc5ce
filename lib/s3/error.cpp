#include <slipway/s3/error.hpp>

#include <slipway/http_client/client.hpp>
#include <slipway/s3/xml.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace slipway::s3 {
namespace {

struct advice {
  std::string_view code;
  exit_code exit;
  std::string_view text;
};
constexpr advice known[] = {
    {"NoSuchBucket", exit_code::config, "there is no such bucket: make it, or correct the name and the endpoint"},
    {"InvalidBucketName", exit_code::config, "the store takes no such name of a bucket: correct it"},
    {"InvalidAccessKeyId", exit_code::config, "the store does not know the access key: correct s3.access_key"},
    {"SignatureDoesNotMatch", exit_code::config,
     "the secret key does not belong to the access key: correct s3.secret_key (some stores say so for a wrong "
     "s3.region "
     "too)"},
    {"ExpiredToken", exit_code::config, "the session token has expired: set a fresh s3.session_token and its keys"},
    {"InvalidToken", exit_code::config, "the session token is not the keys': correct s3.session_token"},
    {"AccessDenied", exit_code::permission,
     "the access key may not do that: grant GetObject, PutObject, DeleteObject, AbortMultipartUpload and ListBucket"},
    {"AllAccessDisabled", exit_code::permission, "the bucket is closed for everybody"},
    {"RequestTimeTooSkewed", exit_code::os, "this machine's clock is wrong: set it (timedatectl), and keep it by NTP"},
    {"AuthorizationHeaderMalformed", exit_code::config, "the bucket is in another region: correct s3.region"},
    {"PermanentRedirect", exit_code::config, "the bucket is in another region: correct s3.region and s3.endpoint"},
    {"TemporaryRedirect", exit_code::config, "the bucket is in another region: correct s3.region and s3.endpoint"},
    {"InvalidRegion", exit_code::config, "the store knows no such region: correct s3.region"},
    {"QuotaExceeded", exit_code::cannot_create, "there is no space left for it: free some, or raise the quota"},
    {"XMinioStorageFull", exit_code::cannot_create, "the store's disks are full: free some space"},
    {"XMinioAdminBucketQuotaExceeded", exit_code::cannot_create, "the bucket's quota is used up: raise it"},
    {"InsufficientStorage", exit_code::cannot_create, "the store's disks are full: free some space"},
    {"EntityTooLarge", exit_code::cannot_create, "the object is larger than the store takes"},
    {"NoSuchUpload", exit_code::unavailable, "the store has forgotten the upload: begin again"},
    {"PreconditionFailed", exit_code::data, "the object was changed while it was read: begin again"},
};

advice of_status(int status, bool has_code) noexcept {
  if (status >= 300 && status < 400)
    return {"PermanentRedirect", exit_code::config,
            "the bucket is in another region: correct s3.region and s3.endpoint"};
  if (status == 401 || status == 403)
    return {{}, exit_code::permission, "correct s3.access_key and s3.secret_key, and what they may do"};
  if (status == 412) return {{}, exit_code::data, "the object was changed while it was read: begin again"};
  if (status == 507) return {{}, exit_code::cannot_create, "the store's disks are full: free some space"};
  if ((status < 300 && !has_code) || status == 404 || status == 405 || status == 501)
    return {{}, exit_code::config, "does s3.endpoint name an object store that speaks S3, and is s3.path_style right?"};
  return {{}, exit_code::unavailable, "try again later"};
}

// What a server says goes to a terminal.
std::string plain(std::string_view text) {
  std::string out{text.substr(0, 300)};
  std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  return out;
}

}  // namespace

error explain(http_client::response const& answer, std::string_view what, std::string_view where) {
  std::string code, message;
  if (auto const body = parse_xml(answer.body); body && body->name == "Error") {
    code = plain(body->value("Code"));
    message = plain(body->value("Message"));
  }
  auto const* const found = std::ranges::find(known, std::string_view{code}, &advice::code);
  auto const said = !code.empty() && found != std::end(known) ? *found : of_status(answer.status, !code.empty());
  auto text = fmt::format("{} did not {}: ", where, what);
  if (said.code.empty()) text += code.empty() ? fmt::format("HTTP {}; ", answer.status) : code + ": " + message + "; ";
  text += said.text;
  if (auto const region = answer.header("x-amz-bucket-region"); !region.empty() && said.exit == exit_code::config)
    text += fmt::format(" (the store says {})", plain(region));
  if (!said.code.empty()) text += " [" + std::string{said.code} + "]";
  return {answer.status, code, said.exit, text};
}

}  // namespace slipway::s3
