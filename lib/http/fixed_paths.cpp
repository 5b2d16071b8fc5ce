#include <slipway/http/fixed_paths.hpp>

#include <algorithm>
#include <bit>
#include <cstring>

namespace slipway::http {
namespace {

constexpr std::size_t fewest_entries = 16, known_by_its_ends = 16;

template <class Word>
std::uint64_t load(char const* at) noexcept {
  Word w;
  std::memcpy(&w, at, sizeof w);
  return w;
}

}  // namespace

fixed_paths::key fixed_paths::key_of(std::string_view path) noexcept {
  auto const* at = path.data();
  auto const size = path.size();
  if (size >= 8) return {load<std::uint64_t>(at), load<std::uint64_t>(at + size - 8), size};
  if (size >= 4) return {load<std::uint32_t>(at), load<std::uint32_t>(at + size - 4), size};
  if (size >= 2) return {load<std::uint16_t>(at), load<std::uint16_t>(at + size - 2), size};
  return {size == 1 ? load<std::uint8_t>(at) : 0, 0, size};
}

// Multiplied, the upper bits depend on all of both words (Fibonacci hashing).
std::size_t fixed_paths::place_of(key const& k) const noexcept {
  return (k.first ^ std::rotl(k.last, 21) ^ k.size) * 0x9e3779b97f4a7c15u >> shift_;
}

void fixed_paths::add(std::string_view path, by_method const& routes) {
  if (find(path) != nullptr) return;
  if (2 * (used_ + 1) > entries_.size()) grow();
  put({key_of(path), path.data(), &routes});
  ++used_;
}

void fixed_paths::put(entry const& e) noexcept {
  auto place = place_of(e.of);
  while (entries_[place].routes != nullptr) place = (place + 1) & (entries_.size() - 1);
  entries_[place] = e;
}

void fixed_paths::grow() {
  std::vector<entry> before(std::max(fewest_entries, 2 * entries_.size()));
  before.swap(entries_);
  shift_ = 64 - static_cast<unsigned>(std::countr_zero(entries_.size()));
  for (auto const& e : before)
    if (e.routes != nullptr) put(e);
}

fixed_paths::by_method const* fixed_paths::find(std::string_view path) const noexcept {
  if (entries_.empty()) return nullptr;
  auto const k = key_of(path);
  for (auto place = place_of(k);; place = (place + 1) & (entries_.size() - 1)) {
    auto const& e = entries_[place];
    if (e.routes == nullptr) return nullptr;
    if (e.of == k && (k.size <= known_by_its_ends || std::memcmp(e.path, path.data(), k.size) == 0)) return e.routes;
  }
}

}  // namespace slipway::http
