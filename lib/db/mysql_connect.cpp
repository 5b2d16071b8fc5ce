#include <slipway/db/mysql_connect.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/core/server_url.hpp>

#include <boost/asio/ssl/context.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace slipway::db::detail {

namespace ssl = boost::asio::ssl;

namespace {

constexpr char const* form =
    "Write mysql://user:password@host:3306/database?sslmode=verify-full, with %40 for @ and %2F for / in the password";

[[noreturn]] void refuse(std::string const& why) {
  throw startup_error{exit_code::config, "database.url: " + why + ". " + form};
}

tls_mode mode_of(std::string const& word) {
  if (word == "disable") return tls_mode::disable;
  if (word == "prefer") return tls_mode::prefer;
  if (word == "require") return tls_mode::require;
  if (word == "verify-ca") return tls_mode::verify_ca;
  if (word == "verify-full") return tls_mode::verify_full;
  refuse("sslmode is none of disable, prefer, require, verify-ca and verify-full");
}

}  // namespace

std::string my_address::place() const {
  auto const shown = host.find(':') != std::string::npos ? "[" + host + "]" : host;
  return shown + ":" + std::to_string(port) + ", database " + database;
}

my_address parse_mysql_url(std::string const& url) {
  auto const parsed = boost::urls::parse_uri(url);
  if (!parsed || has_stray_at(url)) refuse("this is no URL for MySQL or MariaDB");
  my_address out;
  if (auto const host = parsed->encoded_host_address(); !host.empty()) out.host = host.decode();
  if (parsed->has_port()) {
    out.port = parsed->port_number();
    if (out.port == 0) refuse("the port is no number from 1 to 65535");
  }
  out.user = parsed->user();
  if (parsed->has_password()) out.password = parsed->password();
  auto const path = parsed->segments();
  if (path.size() != 1 || (*path.begin()).empty()) refuse("the database's name is missing, or followed by more");
  out.database = *path.begin();
  if (out.user.empty()) refuse("the user's name is missing");
  for (auto const& parameter : parsed->params()) {
    if (parameter.key == "sslmode")
      out.tls = mode_of(parameter.value);
    else if (parameter.key == "sslrootcert")
      out.ca = parameter.value;
    else if (parameter.key == "sslcert")
      out.certificate = parameter.value;
    else if (parameter.key == "sslkey")
      out.key = parameter.value;
    else
      refuse("the parameter '" + parameter.key + "' is not known; there are sslmode, sslrootcert, sslcert and sslkey");
  }
  // The protocol ends both with a NUL.
  for (auto const* part : {&out.user, &out.database, &out.host})
    if (part->find('\0') != std::string::npos) refuse("user, host and database cannot contain NUL");
  return out;
}

ssl::context make_tls_context(my_address const& address) {
  ssl::context made{ssl::context::tls_client};
  made.set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
  auto const use = [](char const* what, std::string const& file, auto work) {
    try {
      work();
    } catch (boost::system::system_error const& refused) {
      throw startup_error{exit_code::config, std::string{"database.url: "} + what + " '" + file +
                                                 "' cannot be used: " + refused.code().message()};
    }
  };
  if (address.tls >= tls_mode::verify_ca) {
    made.set_verify_mode(ssl::verify_peer);
    use("sslrootcert", address.ca, [&] {
      if (address.ca.empty())
        made.set_default_verify_paths();
      else
        made.load_verify_file(address.ca);
    });
  }
  if (!address.certificate.empty()) {
    auto const& key = address.key.empty() ? address.certificate : address.key;
    use("sslcert", address.certificate, [&] { made.use_certificate_chain_file(address.certificate); });
    use("sslkey", key, [&] { made.use_private_key_file(key, ssl::context::pem); });
  }
  return made;
}

}  // namespace slipway::db::detail
