#include <slipway/config/paths.hpp>

#include <slipway/config/nearest.hpp>
#include <slipway/config/tree.hpp>

#include <algorithm>
#include <map>

namespace slipway::config {
namespace {

void collect(meta::type const& t, std::string const& path, std::vector<std::string>& out) {
  for (auto const& m : t.members) {
    auto const key = join(path, m.name);
    if (is_object(*m.of))
      collect(plain(*m.of), key, out);
    else
      out.push_back(key);
  }
}

}  // namespace

meta::type const& plain(meta::type const& t) noexcept {
  auto const* at = &t;
  while (at->what == meta::kind::optional || at->what == meta::kind::change) at = at->element;
  return *at;
}

std::vector<std::string> keys_of(meta::type const& t) {
  std::vector<std::string> out;
  collect(t, {}, out);
  return out;
}

std::string variable_of(std::string_view prefix, std::string_view key) {
  std::string out{prefix};
  for (auto const c : key) {
    if (c == '.')
      out += "__";
    else
      out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return out;
}

std::string suggestion(meta::type const& root, meta::type const& object, std::string_view path, std::string_view name) {
  std::vector<std::string> neighbours;
  for (auto const& m : object.members) neighbours.emplace_back(m.name);
  if (auto const near = nearest(name, neighbours); !near.empty()) return join(path, near);
  auto const all = keys_of(root);
  std::string const tail = "." + std::string{name};
  if (auto const moved = std::ranges::find_if(all, [&](auto const& key) { return key.ends_with(tail) || key == name; });
      moved != all.end())
    return *moved;
  return std::string{nearest(join(path, name), all)};
}

}  // namespace slipway::config
