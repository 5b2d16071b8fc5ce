// For the .cpp files of this folder.
#pragma once

#include <slipway/sharding/cluster.hpp>

#include <slipway/core/clock.hpp>
#include <slipway/core/random.hpp>

#include <atomic>
#include <string>
#include <unordered_map>

namespace slipway::sharding {

// Keys and their slots. When it is full, the half that was not asked for lately is forgotten.
class remembered_keys {
 public:
  std::optional<std::uint32_t> find(std::string const& key, std::size_t most) {
    if (auto const found = young_.find(key); found != young_.end()) return found->second;
    auto const found = old_.find(key);
    if (found == old_.end()) return std::nullopt;
    auto const slot = found->second;
    keep(key, slot, most);
    return slot;
  }
  void keep(std::string const& key, std::uint32_t slot, std::size_t most) {
    if (young_.size() >= (most + 1) / 2) old_ = std::exchange(young_, {});
    young_.emplace(key, slot);
  }

 private:
  std::unordered_map<std::string, std::uint32_t> young_, old_;
};

// Both throw startup_error(config). `decode_ranges` makes octets of bounds that are written down.
void decode_ranges(settings& s);
void check_settings(settings const& s);

struct cluster::parts {
  struct local {
    std::shared_ptr<slot_map const> map;
    std::chrono::steady_clock::time_point asked_at{}, not_before{};
    bool is_asking = false;
    remembered_keys keys;
  };

  sharding::settings settings;
  db::database& control;
  clock_source const& clock;
  random_source& random;
  std::vector<std::unique_ptr<db::database>> nodes;
  per_shard<local> locals;
  std::atomic<std::uint64_t> questions{0}, asked{0}, repeated{0}, partial{0};
};

}  // namespace slipway::sharding
