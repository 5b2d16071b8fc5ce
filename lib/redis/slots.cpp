#include <slipway/redis/slots.hpp>

#include <slipway/redis/errors.hpp>

#include <algorithm>
#include <charconv>

namespace slipway::redis {
namespace {

constexpr std::array<std::uint16_t, 256> make_table() noexcept {
  std::array<std::uint16_t, 256> table{};
  for (unsigned i = 0; i < 256; ++i) {
    auto crc = static_cast<std::uint16_t>(i << 8);
    for (int bit = 0; bit < 8; ++bit)
      crc = static_cast<std::uint16_t>((crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1);
    table[i] = crc;
  }
  return table;
}
constexpr auto crc_table = make_table();

[[noreturn]] void refuse(std::string const& what) {
  throw error{"UNEXPECTED", "Redis: the map of the cluster " + what};
}

std::uint16_t as_port(std::int64_t port) {
  if (port < 1 || port > 65'535) refuse("names an impossible port");
  return static_cast<std::uint16_t>(port);
}

struct server_in_map {
  endpoint at;
  bool is_master = false, is_online = true;
};

// Index of the master; a new one is added.
std::uint16_t place_of(slot_map& map, endpoint const& master) {
  auto const found = std::ranges::find(map.masters, master);
  auto const index = static_cast<std::uint16_t>(found - map.masters.begin());
  if (found == map.masters.end()) {
    map.masters.push_back(master);
    map.replicas.emplace_back();
  }
  return index;
}
void add_replica(slot_map& map, std::uint16_t of, endpoint const& at) {
  auto& all = map.replicas[of];
  if (std::ranges::find(all, at) == all.end()) all.push_back(at);
}
void give(slot_map& map, std::int64_t first, std::int64_t last, std::uint16_t to) {
  if (first < 0 || last < first || last >= slot_count) refuse("has an impossible range");
  std::fill(map.owner.begin() + first, map.owner.begin() + last + 1, to);
}

// Nothing: its address is not known.
std::optional<endpoint> read_server(reply entry, endpoint const& asked) {
  auto words = std::move(entry).as_list();
  if (words.size() < 2) refuse("has a server without an address");
  auto const host = std::move(words[0]).as_optional_text().value_or("");
  auto const port = as_port(words[1].as_integer());
  if (host == "?") return std::nullopt;
  return endpoint{host.empty() ? asked.host : host, port, {}};
}

std::optional<server_in_map> read_node(reply entry, endpoint const& asked, bool tls) {
  auto words = std::move(entry).as_list();
  std::optional<std::string> host;
  std::int64_t plain_port = 0, tls_port = 0;
  server_in_map out;
  for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
    auto const name = std::move(words[i]).as_text();
    auto& value = words[i + 1];
    if (name == "port") plain_port = value.as_integer();
    if (name == "tls-port") tls_port = value.as_integer();
    if (name == "endpoint") host = std::move(value).as_optional_text();
    if (name == "role") out.is_master = std::move(value).as_text() == "master";
    if (name == "health") out.is_online = std::move(value).as_text() == "online";
  }
  auto const port = as_port(tls && tls_port != 0 ? tls_port : plain_port != 0 ? plain_port : tls_port);
  if (host == "?") return std::nullopt;
  out.at = {!host || host->empty() ? asked.host : *host, port, {}};
  return out;
}

}  // namespace

unsigned slot_of(std::string_view key) noexcept {
  if (auto const open = key.find('{'); open != std::string_view::npos)
    if (auto const close = key.find('}', open + 1); close != std::string_view::npos && close > open + 1)
      key = key.substr(open + 1, close - open - 1);
  std::uint16_t crc = 0;
  for (auto const c : key)
    crc = static_cast<std::uint16_t>((crc << 8) ^ crc_table[((crc >> 8) ^ static_cast<unsigned char>(c)) & 0xff]);
  return crc % slot_count;
}

slot_map read_shards(reply answer, endpoint const& asked, bool tls) {
  slot_map out;
  for (auto& shard : std::move(answer).as_list()) {
    auto parts = std::move(shard).as_list();
    std::vector<reply> ranges, nodes;
    for (std::size_t i = 0; i + 1 < parts.size(); i += 2) {
      auto const name = std::move(parts[i]).as_text();
      if (name == "slots") ranges = std::move(parts[i + 1]).as_list();
      if (name == "nodes") nodes = std::move(parts[i + 1]).as_list();
    }
    if (nodes.empty() || ranges.size() % 2 != 0) refuse("has a shard without servers, or half a range");
    if (ranges.empty()) continue;
    std::vector<server_in_map> servers;
    for (auto& each : nodes)
      if (auto read = read_node(std::move(each), asked, tls)) servers.push_back(std::move(*read));
    // Just after a failover the master that failed may be named beside the new one.
    auto master = std::ranges::find_if(servers, [](auto const& each) { return each.is_master && each.is_online; });
    if (master == servers.end()) master = std::ranges::find_if(servers, &server_in_map::is_master);
    if (master == servers.end()) continue;
    auto const place = place_of(out, master->at);
    for (std::size_t i = 0; i < ranges.size(); i += 2)
      give(out, ranges[i].as_integer(), ranges[i + 1].as_integer(), place);
    for (auto const& each : servers)
      if (!each.is_master) add_replica(out, place, each.at);
  }
  return out;
}

slot_map read_slots(reply answer, endpoint const& asked) {
  slot_map out;
  for (auto& range : std::move(answer).as_list()) {
    auto parts = std::move(range).as_list();
    if (parts.size() < 3) refuse("has a range without a server");
    auto const first = parts[0].as_integer(), last = parts[1].as_integer();
    auto const master = read_server(std::move(parts[2]), asked);
    if (!master) continue;
    auto const place = place_of(out, *master);
    give(out, first, last, place);
    for (std::size_t i = 3; i < parts.size(); ++i)
      if (auto const replica = read_server(std::move(parts[i]), asked)) add_replica(out, place, *replica);
  }
  return out;
}

bool knows_no_shards(std::string_view error_text) noexcept {
  // "ERR Unknown subcommand or wrong number of arguments for 'SHARDS'", "ERR unknown subcommand 'shards'", and an ACL
  // from before the command.
  return error_text.starts_with("ERR Unknown subcommand") || error_text.starts_with("ERR unknown subcommand") ||
         code_of(error_text) == "NOPERM";
}

std::optional<redirection> read_redirection(std::string_view error_text, endpoint const& asked) {
  redirection out;
  if (error_text.starts_with("ASK "))
    out.ask = true;
  else if (!error_text.starts_with("MOVED "))
    return std::nullopt;
  auto rest = error_text.substr(error_text.find(' ') + 1);
  auto const [stopped, failed] = std::from_chars(rest.begin(), rest.end(), out.slot);
  if (failed != std::errc{} || stopped == rest.end() || *stopped != ' ' || out.slot >= slot_count) return std::nullopt;
  rest = {stopped + 1, rest.end()};
  auto const colon = rest.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  unsigned port = 0;
  auto const digits = rest.substr(colon + 1);
  if (std::from_chars(digits.begin(), digits.end(), port).ptr != digits.end() || port == 0 || port > 65'535)
    return std::nullopt;
  auto host = rest.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  out.to = {host.empty() || host == "?" ? asked.host : std::string{host}, static_cast<std::uint16_t>(port), {}};
  return out;
}

}  // namespace slipway::redis
