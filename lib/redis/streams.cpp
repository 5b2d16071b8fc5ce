#include <slipway/redis/streams.hpp>

#include <slipway/redis/errors.hpp>

namespace slipway::redis {
namespace {

std::vector<reply> list_of(reply r, std::size_t least) {
  auto out = std::move(r).as_list();
  if (out.size() < least) throw error{"UNEXPECTED", "Redis: a list in the answer is shorter than it should be"};
  return out;
}

}  // namespace

std::vector<stream_entry> read_entries(reply r) {
  std::vector<stream_entry> out;
  for (auto& each : std::move(r).as_list()) {
    if (each.is_nil()) continue;  // Redis 6: claimed, and deleted meanwhile
    auto parts = list_of(std::move(each), 2);
    out.push_back({std::move(parts[0]).as_text(), std::move(parts[1]).as_pairs()});
  }
  return out;
}

std::vector<std::pair<std::string, std::vector<stream_entry>>> read_streams(reply r) {
  std::vector<std::pair<std::string, std::vector<stream_entry>>> out;
  for (auto& each : std::move(r).as_list()) {
    auto parts = list_of(std::move(each), 2);
    out.emplace_back(std::move(parts[0]).as_text(), read_entries(std::move(parts[1])));
  }
  return out;
}

claimed_entries read_claimed(reply r) {
  auto parts = list_of(std::move(r), 2);
  claimed_entries out{
      .next = std::move(parts[0]).as_text(), .entries = read_entries(std::move(parts[1])), .deleted = {}};
  if (parts.size() > 2) out.deleted = std::move(parts[2]).as_texts();
  return out;
}

pending_summary read_pending(reply r) {
  auto parts = list_of(std::move(r), 4);
  pending_summary out{.count = parts[0].as_integer(),
                      .first = std::move(parts[1]).as_optional_text().value_or(""),
                      .last = std::move(parts[2]).as_optional_text().value_or(""),
                      .consumers = {}};
  for (auto& each : std::move(parts[3]).as_list()) {
    auto consumer = list_of(std::move(each), 2);
    out.consumers.emplace_back(std::move(consumer[0]).as_text(), consumer[1].as_integer());
  }
  return out;
}

}  // namespace slipway::redis
