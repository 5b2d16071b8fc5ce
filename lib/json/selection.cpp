#include <slipway/json/path.hpp>
#include <slipway/json/selection.hpp>

#include <string>

namespace slipway::json {
namespace {

using meta::kind;

constexpr std::size_t max_names = 64, max_parts = 8;

// The object whose members a dot reaches, through lists, maps and optionals; null when there is none.
meta::type const* object_in(meta::type const* t) noexcept {
  while (t != nullptr && t->what != kind::object) t = t->element;
  return t;
}

selection::node& take(std::vector<selection::node>& nodes, meta::member const& m, bool& is_new) {
  for (auto& n : nodes)
    if (n.of == &m) {
      is_new = false;
      return n;
    }
  is_new = true;
  return nodes.emplace_back(&m);
}

// Adds one dotted name. False: there is no such member.
bool add(std::vector<selection::node>& nodes, meta::type const& type, std::string_view name, std::size_t parts) {
  auto const* object = object_in(&type);
  auto const dot = name.find('.');
  auto const* m = object == nullptr || parts == 0 ? nullptr : object->find(name.substr(0, dot));
  if (m == nullptr || m->about->write_only) return false;
  auto is_new = false;
  auto& n = take(nodes, *m, is_new);
  if (dot == std::string_view::npos) {
    n.inside.clear();  // all of it, also when a part was asked for before
    return true;
  }
  // A member that was asked for whole stays whole; the name must exist nevertheless.
  std::vector<selection::node> unused;
  return add(is_new || !n.inside.empty() ? n.inside : unused, *m->of, name.substr(dot + 1), parts - 1);
}

}  // namespace

result<selection> selection::parse(meta::type const& type, std::string_view text, std::string_view parameter) {
  selection out;
  std::vector<field_error> errors;
  std::size_t count = 0;
  for (auto more = !text.empty(); more;) {
    auto const comma = text.find(',');
    auto const name = text.substr(0, comma);
    more = comma != std::string_view::npos;
    if (more) text.remove_prefix(comma + 1);
    if (++count > max_names) {
      errors.push_back(
          {std::string{parameter}, "too_many", "must name at most " + std::to_string(max_names) + " members"});
      break;
    }
    if (add(out.nodes_, type, name, max_parts)) continue;
    auto const known = name.size() <= 64 &&
                       name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.") ==
                           std::string_view::npos;
    errors.push_back(
        {std::string{parameter}, "unknown",
         known && !name.empty() ? "has no member '" + std::string{name} + "'" : "names a member that does not exist"});
  }
  if (!errors.empty()) return std::unexpected{fault::invalid(std::move(errors))};
  return out;
}

selection selection::within(meta::type const& outer, std::string_view name) const {
  selection out;
  if (all()) return out;
  for (auto const& m : outer.members) out.nodes_.push_back({&m, m.name == name ? nodes_ : std::vector<node>{}});
  return out;
}

}  // namespace slipway::json
