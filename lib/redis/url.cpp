#include <slipway/redis/url.hpp>

#include <slipway/core/errors.hpp>
#include <slipway/core/server_url.hpp>

#include <boost/url/decode_view.hpp>
#include <boost/url/pct_string_view.hpp>

#include <charconv>

namespace slipway::redis {
namespace {

constexpr std::string_view forms =
    "Write redis://user:password@host:6379/0, rediss:// for TLS, redis+unix:///run/redis.sock, "
    "redis+sentinel://host:26379,host2/master-name/0 or redis+cluster://host:6379,host2 (rediss+... for TLS)";

[[noreturn]] void refuse(std::string_view url, std::string const& what) {
  std::string text{"redis.url: '"};
  text.append(without_password(url)).append("' ").append(what).append(". ").append(forms);
  throw startup_error{exit_code::config, text};
}

std::string decoded(std::string_view url, std::string_view part) {
  auto const view = boost::urls::make_pct_string_view(boost::core::string_view{part.data(), part.size()});
  if (!view) refuse(url, "has a % that is followed by no two hexadecimal digits (write %25 for %, %40 for @)");
  auto const bytes = **view;
  return {bytes.begin(), bytes.end()};
}

unsigned number(std::string_view url, std::string_view text, unsigned most, char const* what) {
  unsigned out = 0;
  if (text.empty() || std::from_chars(text.begin(), text.end(), out).ptr != text.end() || out > most)
    refuse(url, std::string{"names the "} + what + " '" + std::string{text.substr(0, 40)} + "'");
  return out;
}

endpoint server_of(std::string_view url, std::string_view text, std::uint16_t port) {
  endpoint out{.host = {}, .port = port, .path = {}};
  std::string_view rest;
  if (text.starts_with('[')) {
    auto const close = text.find(']');
    if (close == std::string_view::npos) refuse(url, "has a [ without a ]");
    out.host = text.substr(1, close - 1);
    rest = text.substr(close + 1);
  } else {
    auto const colon = text.find(':');
    out.host = text.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
  }
  if (out.host.empty()) refuse(url, "names no host");
  if (rest.empty()) return out;
  if (!rest.starts_with(':')) refuse(url, "has something after a host that is no port");
  out.port = static_cast<std::uint16_t>(number(url, rest.substr(1), 65'535, "port"));
  if (out.port == 0) refuse(url, "names the port 0");
  return out;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  while (true) {
    auto const found = text.find(at);
    out.push_back(text.substr(0, found));
    if (found == std::string_view::npos) return out;
    text.remove_prefix(found + 1);
  }
}

// The kind of place that the scheme names, and whether it is a socket in the file system.
bool read_scheme(std::string_view url, std::string_view scheme, target& out) {
  auto kind = scheme;
  if (kind.starts_with("rediss")) {
    out.tls = true;
    kind.remove_prefix(6);
  } else if (kind.starts_with("redis")) {
    kind.remove_prefix(5);
  } else {
    refuse(url, "is no URL of Redis");
  }
  if (kind == "+sentinel")
    out.mode = mode::sentinel;
  else if (kind == "+cluster")
    out.mode = mode::cluster;
  else if (kind == "+unix" && !out.tls)
    return true;
  else if (!kind.empty())
    refuse(url, "has a scheme that is not known");
  return false;
}

void read_path(std::string_view url, std::string_view path, target& out) {
  auto parts = path.empty() ? std::vector<std::string_view>{} : split(path, '/');
  if (out.mode == mode::sentinel) {
    if (parts.empty() || parts[0].empty()) refuse(url, "does not name the master that the Sentinels watch");
    out.master = decoded(url, parts[0]);
    parts.erase(parts.begin());
  }
  if (parts.size() > 1) refuse(url, "has more in its path than the number of a database");
  if (parts.empty() || parts[0].empty()) return;
  out.database = number(url, parts[0], 1'000'000, "database");
  if (out.mode == mode::cluster && out.database != 0) refuse(url, "names a database, and a cluster has only number 0");
}

}  // namespace

std::string endpoint::text() const {
  if (!path.empty()) return path;
  return (host.contains(':') ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

target parse_url(std::string_view url) {
  target out;
  auto const colon = url.find("://");
  if (colon == std::string_view::npos) refuse(url, "is no URL");
  auto const is_socket = read_scheme(url, url.substr(0, colon), out);
  auto rest = url.substr(colon + 3);
  if (rest.find_first_of("?#") != std::string_view::npos) refuse(url, "has a ? or #, and no options are known");
  auto const slash = rest.find('/');
  auto authority = rest.substr(0, slash);
  auto const path = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
  if (!is_socket && path.contains('@')) refuse(url, "has a / before its @ (write %2F for / and %40 for @)");
  if (auto const at = authority.rfind('@'); at != std::string_view::npos) {
    auto const user_info = authority.substr(0, at);
    authority.remove_prefix(at + 1);
    auto const split_at = user_info.find(':');
    out.user = decoded(url, user_info.substr(0, split_at));
    if (split_at != std::string_view::npos) out.password = decoded(url, user_info.substr(split_at + 1));
  }
  if (is_socket) {
    if (!authority.empty() || path.empty()) refuse(url, "needs the path of a socket after three slashes");
    out.servers.push_back({.host = {}, .port = 0, .path = "/" + decoded(url, path)});
    return out;
  }
  for (auto const each : split(authority, ','))
    out.servers.push_back(server_of(url, each, out.mode == mode::sentinel ? 26'379 : 6'379));
  if (out.mode == mode::single && out.servers.size() > 1) refuse(url, "names several servers");
  read_path(url, path, out);
  return out;
}

}  // namespace slipway::redis
