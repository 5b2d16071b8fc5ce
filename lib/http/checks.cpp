#include <slipway/http/checks.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/http/address.hpp>
#include <slipway/http/listener.hpp>
#include <slipway/http/tls.hpp>
#include <slipway/tls/context.hpp>

#include <fmt/format.h>

#include <stdexcept>

namespace slipway::http {
namespace {

class findings {
 public:
  void add(std::string key, std::string message) { all_.push_back({std::move(key), std::move(message)}); }
  // What `read` throws is what is wrong with the setting.
  void ask(std::string const& key, auto const& read) {
    try {
      read();
    } catch (startup_error const& refused) {
      add(key, refused.what());
    }
  }
  std::vector<refused_setting> take() { return std::move(all_); }

 private:
  std::vector<refused_setting> all_;
};

void check_proxies(server_settings const& s, findings& into) {
  for (auto const& cidr : s.trusted_proxies) try {
      network const read{cidr};
    } catch (std::invalid_argument const& error) {
      into.add("http.trusted_proxies", fmt::format("http.trusted_proxies: {}.", error.what()));
    }
}

// A name that no Host can be would make every request 421.
void check_hosts(server_settings const& s, findings& into) {
  for (auto const& name : s.hosts)
    if (name.empty() || name.find_first_of("/*@ \t\r\n") != std::string::npos)
      into.add("http.hosts", fmt::format("http.hosts has '{}', which no Host is: write names alone, such as "
                                         "api.example.com, each in full.",
                                         name));
}

// Without the certificate the server would speak plain HTTP, which whoever set one of the others did not mean.
void check_tls(tls_settings const& s, findings& into) {
  into.ask("http.tls.minimum_version", [&s] { tls::version_number("http.tls.minimum_version", s.minimum_version); });
  if (!s.certificate_file.empty()) {
    if (s.key_file.empty())
      into.add("http.tls.certificate_file",
               "http.tls.certificate_file needs its private key: set http.tls.key_file as well.");
    return;
  }
  if (!s.key_file.empty())
    into.add("http.tls.key_file",
             "http.tls.key_file is of no use without its certificate, and the service would speak plain HTTP: set "
             "http.tls.certificate_file as well, or leave both empty.");
  if (!s.hosts.empty())
    into.add("http.tls.hosts",
             "http.tls.hosts are certificates beside the first, without which the service would speak plain HTTP: set "
             "http.tls.certificate_file and http.tls.key_file as well.");
}

}  // namespace

std::vector<refused_setting> refused_values(server_settings const& s) {
  findings found;
  for (auto const& text : s.listen) found.ask(s.listen_key, [&] { listen_address const read{text, s.listen_key}; });
  check_proxies(s, found);
  check_hosts(s, found);
  check_tls(s.tls, found);
  return found.take();
}

std::vector<refused_setting> refused_certificates(tls_settings const& s) {
  findings found;
  if (!s.certificate_file.empty()) found.ask("http.tls", [&s] { load_certificates(s); });
  return found.take();
}

}  // namespace slipway::http
