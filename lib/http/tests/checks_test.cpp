// Settings that a server refuses are found without one, all of them, and no server is made of them.
#include "service.hpp"

#include <slipway/core/errors.hpp>
#include <slipway/http/checks.hpp>

#include <gmock/gmock.h>

namespace slipway::http::tests {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

auto refuses(char const* key, char const* words) {
  return AllOf(Field(&refused_setting::key, key),
               Field(&refused_setting::message, AllOf(HasSubstr(key), HasSubstr(words))));
}

TEST(checks, everything_that_is_wrong_is_found_at_once) {
  server_settings s;
  s.listen = {"127.0.0.1:99999", "127.0.0.1:0", "8080"};
  s.trusted_proxies = {"10.0.0.0/33"};
  s.hosts = {"https://example.com", "example.com", "*.example.com", "[::1]", "example.com:8080", "example .com"};
  EXPECT_THAT(
      refused_values(s),
      ElementsAre(refuses("http.listen", "'127.0.0.1:99999'"), refuses("http.listen", "'8080'"),
                  refuses("http.trusted_proxies", "10.0.0.0/33"), refuses("http.hosts", "'https://example.com'"),
                  refuses("http.hosts", "'*.example.com'"), refuses("http.hosts", "'example .com'")));
  EXPECT_THAT(refused_values({}), IsEmpty());
}

TEST(checks, parts_of_tls_without_its_certificate_are_refused) {
  server_settings s;
  s.tls.key_file = "own.key";
  EXPECT_THAT(refused_values(s), ElementsAre(refuses("http.tls.key_file", "certificate_file")));
  s.tls = {.hosts = {{"a.example", "a.crt", "a.key"}}};
  EXPECT_THAT(refused_values(s), ElementsAre(refuses("http.tls.hosts", "certificate_file")));
  s.tls = {.certificate_file = "own.crt"};
  EXPECT_THAT(refused_values(s), ElementsAre(refuses("http.tls.certificate_file", "key_file")));
  s.tls = {.minimum_version = "1.1"};
  EXPECT_THAT(refused_values(s), ElementsAre(refuses("http.tls.minimum_version", "1.2 or 1.3")));
}

TEST(checks, certificates_are_read) {
  EXPECT_THAT(refused_certificates({.certificate_file = "/nowhere/own.crt", .key_file = "/nowhere/own.key"}),
              ElementsAre(Field(&refused_setting::message, HasSubstr("http.tls.certificate_file: cannot use"))));
  EXPECT_THAT(refused_certificates({}), IsEmpty());
}

TEST(checks, no_server_is_made_of_them) {
  for (auto const change : {+[](server_settings& s) { s.tls.key_file = "own.key"; },
                            +[](server_settings& s) { s.tls.minimum_version = "1.1"; },
                            +[](server_settings& s) { s.hosts = {"*.example.com"}; }}) {
    service::options o;
    change(o.settings);
    EXPECT_THROW(service{o}, startup_error);
  }
}

}  // namespace
}  // namespace slipway::http::tests
