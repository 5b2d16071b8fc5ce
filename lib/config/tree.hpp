// What a source said, before it is known what it means: a tree of texts, each with its place.
#pragma once

#include <slipway/config/loader.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace slipway::config {

struct place {
  std::string source;  // "config/base.yaml", "SLIPWAY_HTTP__PORT", "--set http.port", ".env"
  int line = 0, column = 0;

  // "config/base.yaml:12:3"
  std::string text() const { return column == 0 ? without_column() : without_column() + ":" + std::to_string(column); }
  std::string without_column() const { return line == 0 ? source : source + ":" + std::to_string(line); }
};

struct node {
  enum class shape { null, scalar, map, list };
  struct entry;

  shape what = shape::null;
  std::string text;  // of a scalar
  config::place place;
  bool splits = false;      // a list may be written with commas: the source has no lists of its own
  bool referenced = false;  // came out of a secret reference
  bool failed = false;      // a reference in it could not be resolved: said already
  std::vector<entry> entries;
  std::vector<node> items;

  node* find(std::string_view key) noexcept;
};

struct node::entry {
  std::string key;
  config::place place;
  node value;
};

inline node* node::find(std::string_view key) noexcept {
  for (auto& e : entries)
    if (e.key == key) return &e.value;
  return nullptr;
}

// Lays `over` on `under`: maps are joined key by key, everything else is replaced.
void lay_over(node& under, node over);

// More than any configuration needs, and few enough to bound what a hostile one costs.
inline constexpr std::size_t most_nodes = 20'000;
inline constexpr int most_depth = 64;
inline constexpr std::size_t most_file_bytes = 1 << 20;

inline std::string join(std::string_view path, std::string_view name) {
  return path.empty() ? std::string{name} : std::string{path} + "." + std::string{name};
}

}  // namespace slipway::config
