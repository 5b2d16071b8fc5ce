#include <slipway/config/overlay.hpp>

#include <slipway/config/paths.hpp>
#include <slipway/config/yaml.hpp>
#include <slipway/core/ascii.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace slipway::config {
namespace {

std::vector<std::string> split(std::string_view text, std::string_view separator) {
  std::vector<std::string> out;
  while (true) {
    auto const at = text.find(separator);
    out.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + separator.size());
  }
}

// One value, on its way down to where its path leads.
struct assignment {
  meta::type const& root;
  place where;
  std::vector<std::string> path;
  std::string_view prefix;  // of variables; empty: a flag
  std::vector<problem>& problems;

  std::string spelled(std::string_view key) const {
    return prefix.empty() ? std::string{key} : variable_of(prefix, key);
  }

  void unknown(meta::type const& object, std::string_view above, std::string_view name) const {
    auto const meant = suggestion(root, object, above, name);
    problems.push_back({where.text(), join(above, name),
                        meant.empty() ? "unknown key; `config schema` lists all of them"
                                      : fmt::format("unknown key; did you mean {}?", spelled(meant))});
  }

  // Lays the value into `tree`; a path that leads nowhere leaves only a problem.
  void put(node& tree, std::string const& value) const {
    std::vector<std::string> keys;
    auto const* const type = resolve(keys);
    if (type == nullptr) return;
    auto* at = &tree;
    for (auto const& key : keys) at = &child(*at, key);
    *at = leaf(*type, value);
  }

 private:
  // The type at the end of the path, and the path as the description spells it. Null: there is no such key.
  meta::type const* resolve(std::vector<std::string>& keys) const {
    auto const* type = &root;
    std::string above;
    for (auto const& name : path) {
      if (type->what == meta::kind::object) {
        auto const member =
            std::ranges::find_if(type->members, [&](auto const& m) { return equal_in_any_case(m.name, name); });
        if (member == type->members.end()) return unknown(*type, above, name), nullptr;
        keys.emplace_back(member->name);
        type = &plain(*member->of);
      } else if (type->what == meta::kind::map && !name.empty()) {
        keys.push_back(name);
        type = &plain(*type->element);
      } else {
        problems.push_back({where.text(), join(above, name),
                            fmt::format("unknown key; {} is one value and has no keys of its own", spelled(above))});
        return nullptr;
      }
      above = join(above, keys.back());
    }
    return type;
  }

  node& child(node& parent, std::string const& key) const {
    if (parent.what != node::shape::map) parent = {.what = node::shape::map, .place = where};
    if (auto* const there = parent.find(key)) return *there;
    parent.entries.push_back({key, where, {.what = node::shape::null, .place = where}});
    return parent.entries.back().value;
  }

  node leaf(meta::type const& type, std::string const& value) const {
    auto const structured = type.what == meta::kind::object || type.what == meta::kind::map ||
                            type.what == meta::kind::list || type.what == meta::kind::variant;
    // "[::1]:8080" is one address and no list.
    auto const bracketed =
        (value.starts_with('[') && value.ends_with(']')) || (value.starts_with('{') && value.ends_with('}'));
    if (structured && bracketed) {
      if (auto parsed = parse_yaml(value, where.text(), problems)) {
        place_everywhere(*parsed);
        return std::move(*parsed);
      }
      return {.what = node::shape::scalar, .place = where, .failed = true};
    }
    return {.what = node::shape::scalar, .text = value, .place = where, .splits = true};
  }

  // Lines and columns within a variable help nobody.
  void place_everywhere(node& n) const {
    n.place = where;
    for (auto& e : n.entries) e.place = where, place_everywhere(e.value);
    for (auto& item : n.items) place_everywhere(item);
  }
};

bool is_reserved(std::string_view name, std::vector<std::string> const& reserved) {
  return std::ranges::any_of(reserved, [&](std::string_view r) {
    return r.ends_with('*') ? name.starts_with(r.substr(0, r.size() - 1)) : name == r;
  });
}

}  // namespace

node from_variables(meta::type const& t, sources const& from, variables const& known,
                    std::function<place(std::string const&)> const& place_of, std::vector<problem>& problems) {
  node tree{.what = node::shape::map};
  if (from.prefix.empty()) return tree;
  for (auto it = known.lower_bound(from.prefix); it != known.end() && it->first.starts_with(from.prefix); ++it) {
    auto const rest = std::string_view{it->first}.substr(from.prefix.size());
    if (is_reserved(rest, from.reserved)) continue;
    auto path = split(rest, "__");
    for (auto& part : path) part = ascii_lowered(part);
    assignment{t, place_of(it->first), std::move(path), from.prefix, problems}.put(tree, it->second);
  }
  return tree;
}

node from_flags(meta::type const& t, std::vector<std::string> const& flags, std::vector<problem>& problems) {
  node tree{.what = node::shape::map};
  for (auto const& flag : flags) {
    auto const equals = flag.find('=');
    auto const key = flag.substr(0, equals);
    place const where{"--set " + key, 0, 0};
    if (equals == std::string::npos)
      problems.push_back({where.text(), "", fmt::format("has no value; write --set {}=value", key)});
    else
      assignment{t, where, split(key, "."), {}, problems}.put(tree, flag.substr(equals + 1));
  }
  return tree;
}

}  // namespace slipway::config
