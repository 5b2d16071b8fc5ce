// How a table's traits part it into partitions; lib/partitions keeps them.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>

namespace slipway::db {

enum class partition_kind : std::uint8_t { none, range, hash, list };
enum class period_unit : std::uint8_t { day, week, month, year };

// A length of calendar time: months{1}, weeks{2}, days{10}, years{1}.
class period {
  template <class N>
  static constexpr std::uint16_t of(N n) {
    if (n < 1 || n > 1000) throw "a period is between 1 and 1000 of its units long";
    return static_cast<std::uint16_t>(n);
  }

 public:
  period_unit unit = period_unit::month;
  std::uint16_t count = 1;

  constexpr period() = default;
  constexpr period(period_unit u, std::uint16_t n) : unit{u}, count{n} {}
  constexpr period(std::chrono::days n) : period{period_unit::day, of(n.count())} {}
  constexpr period(std::chrono::weeks n) : period{period_unit::week, of(n.count())} {}
  constexpr period(std::chrono::months n) : period{period_unit::month, of(n.count())} {}
  constexpr period(std::chrono::years n) : period{period_unit::year, of(n.count())} {}
};

// What is done for time partitions: made so many periods ahead, and taken away when so many periods lie between them
// and now (0: never). Detached ones can be kept as tables, to be archived.
struct partition_upkeep {
  std::uint16_t ahead = 3;
  std::uint16_t keep = 0;
  bool drops = true;
};

struct partition_rule {
  partition_kind kind = partition_kind::none;
  std::uint8_t column = 255;
  period every{};
  partition_upkeep upkeep{};
  std::uint16_t parts = 0;                           // of hash
  std::array<std::string_view, 16> value_storage{};  // of list
  std::uint8_t value_count = 0;

  constexpr std::span<std::string_view const> values() const noexcept { return {value_storage.data(), value_count}; }
};

}  // namespace slipway::db
