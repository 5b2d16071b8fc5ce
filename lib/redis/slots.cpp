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

std::uint16_t as_port(std::int64_t port) {
  if (port < 1 || port > 65'535) throw error{"UNEXPECTED", "Redis: CLUSTER SLOTS names an impossible port"};
  return static_cast<std::uint16_t>(port);
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

slot_map read_slots(reply answer, endpoint const& asked) {
  slot_map out;
  for (auto& range : std::move(answer).as_list()) {
    auto parts = std::move(range).as_list();
    if (parts.size() < 3) throw error{"UNEXPECTED", "Redis: CLUSTER SLOTS has a range without a server"};
    auto const first = parts[0].as_integer(), last = parts[1].as_integer();
    if (first < 0 || last < first || last >= slot_count)
      throw error{"UNEXPECTED", "Redis: CLUSTER SLOTS has an impossible range"};
    auto master = std::move(parts[2]).as_list();
    if (master.size() < 2) throw error{"UNEXPECTED", "Redis: CLUSTER SLOTS has a server without an address"};
    auto const host = std::move(master[0]).as_optional_text().value_or("");
    if (host == "?") continue;  // a server whose hostname is not known
    endpoint const at{host.empty() ? asked.host : host, as_port(master[1].as_integer()), {}};
    auto found = std::ranges::find(out.masters, at);
    if (found == out.masters.end()) found = out.masters.insert(out.masters.end(), at);
    std::fill(out.owner.begin() + first, out.owner.begin() + last + 1,
              static_cast<std::uint16_t>(found - out.masters.begin()));
  }
  return out;
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
