#include <slipway/config/reference.hpp>

#include <slipway/config/paths.hpp>
#include <slipway/config/scalar.hpp>
#include <slipway/config/tree.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace slipway::config {
namespace {

constexpr std::string_view hidden = "***";

struct row {
  std::string key, value, from;
};

// The address in a URL is worth seeing, its password is not. Anything else that is sensitive is hidden as a whole, and
// so is a URL whose parts are not beyond doubt.
std::string masked(std::string const& text) {
  if (text.empty()) return "\"\"";
  if (text.starts_with("sqlite:") && text.find_first_of("@=?") == std::string::npos) return double_quoted(text);
  auto const scheme = text.find("://");
  if (scheme == std::string::npos || text.find_first_of("?#", scheme) != std::string::npos) return std::string{hidden};
  auto const begin = scheme + 3;
  auto const at = text.find('@', begin);
  if (at == std::string::npos) return double_quoted(text);
  if (text.find('@', at + 1) != std::string::npos) return std::string{hidden};
  auto const colon = text.find(':', begin);
  if (colon > at) return double_quoted(text);
  return double_quoted(text.substr(0, colon + 1) + std::string{hidden} + text.substr(at));
}

class table {
 public:
  explicit table(provenance const& came) : came_{came} {}

  void add(meta::type const& t, void const* at, std::string const& path, bool sensitive) {
    for (auto const& m : t.members) {
      auto const key = join(path, m.name);
      auto const hide = sensitive || m.about->sensitive;
      auto const* value = m.at_const(at);
      if (m.of->what == meta::kind::object)
        add(*m.of, value, key, hide);
      else
        rows.push_back({key, text_of(*m.of, value, key, hide), origin_of(key)});
    }
  }
  std::vector<row> rows;

 private:
  std::string text_of(meta::type const& t, void const* value, std::string const& key, bool hide) const {
    auto const referenced = std::ranges::any_of(came_.referenced_keys, [&](auto const& k) {
      return k.starts_with(key) && (k.size() == key.size() || k[key.size()] == '.' || k[key.size()] == '[');
    });
    if (t.what == meta::kind::secret_text)
      return static_cast<secret<std::string> const*>(value)->empty() ? "\"\"" : std::string{hidden};
    if (referenced) return std::string{hidden};
    if (!hide) return to_flow(t, value);
    return t.what == meta::kind::text ? masked(*static_cast<std::string const*>(value)) : std::string{hidden};
  }
  // Of a map, where each of its keys came from, where they differ.
  std::string origin_of(std::string const& key) const {
    std::vector<std::string> all;
    if (auto const exact = came_.from.find(key); exact != came_.from.end()) all.push_back(exact->second);
    for (auto it = came_.from.lower_bound(key + "."); it != came_.from.end() && it->first.starts_with(key + "."); ++it)
      if (std::ranges::find(all, it->second) == all.end()) all.push_back(it->second);
    return all.empty() ? "default" : fmt::format("{}", fmt::join(all, ", "));
  }

  provenance const& came_;
};

}  // namespace

std::string show(meta::type const& t, void const* settings, provenance const& came) {
  table all{came};
  all.add(t, settings, {}, false);
  std::size_t widest_key = 0, widest_value = 0;
  for (auto const& r : all.rows) {
    widest_key = std::max(widest_key, r.key.size());
    widest_value = std::max(widest_value, std::min<std::size_t>(r.value.size(), 40));
  }
  std::string out;
  for (auto const& r : all.rows)
    out += fmt::format("{:<{}}  {:<{}}  {}\n", r.key, widest_key, r.value, widest_value, r.from);
  return out;
}

}  // namespace slipway::config
