#include <slipway/config/values.hpp>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::config {
namespace {

using meta::kind;

void* at_mutable(void const* at) noexcept { return const_cast<void*>(at); }

std::vector<std::pair<std::string_view, void const*>> entries_of(meta::type const& t, void const* map) {
  std::vector<std::pair<std::string_view, void const*>> out;
  t.as_map->each(map, &out, [](void* to, std::string_view key, void const* value) {
    static_cast<decltype(out)*>(to)->emplace_back(key, value);
  });
  return out;
}

bool equal_lists(meta::type const& t, void const* a, void const* b) {
  auto const n = t.as_list->size(a);
  if (n != t.as_list->size(b)) return false;
  for (std::size_t i = 0; i < n; ++i)
    if (!equal(*t.element, t.as_list->at(at_mutable(a), i), t.as_list->at(at_mutable(b), i))) return false;
  return true;
}

bool equal_maps(meta::type const& t, void const* a, void const* b) {
  return std::ranges::equal(entries_of(t, a), entries_of(t, b), [&](auto const& x, auto const& y) {
    return x.first == y.first && equal(*t.element, x.second, y.second);
  });
}

bool equal_numbers(meta::type const& t, void const* a, void const* b) {
  return t.size == sizeof(float) ? *static_cast<float const*>(a) == *static_cast<float const*>(b)
                                 : *static_cast<double const*>(a) == *static_cast<double const*>(b);
}

}  // namespace

bool equal(meta::type const& t, void const* a, void const* b) {
  switch (t.what) {
    case kind::boolean:
    case kind::integer:
    case kind::enumeration:
    case kind::uuid:
    case kind::time:
    case kind::duration: return std::memcmp(a, b, t.size) == 0;
    case kind::scalar: {
      std::string left, right;
      t.as_scalar->write(a, left);
      t.as_scalar->write(b, right);
      return left == right;
    }
    case kind::number: return equal_numbers(t, a, b);
    case kind::text: return *static_cast<std::string const*>(a) == *static_cast<std::string const*>(b);
    case kind::secret_text:
      return static_cast<secret<std::string> const*>(a)->reveal() ==
             static_cast<secret<std::string> const*>(b)->reveal();
    case kind::dynamic: return true;  // configuration has none
    case kind::optional:
    case kind::change: {
      auto const* const x = t.as_optional->get(at_mutable(a));
      auto const* const y = t.as_optional->get(at_mutable(b));
      return x == nullptr || y == nullptr ? x == y : equal(*t.element, x, y);
    }
    case kind::list: return equal_lists(t, a, b);
    case kind::map: return equal_maps(t, a, b);
    case kind::variant: {
      auto const i = t.as_variant->index(a);
      return i == t.as_variant->index(b) &&
             equal(*t.as_variant->alternatives[i], t.as_variant->get(at_mutable(a)), t.as_variant->get(at_mutable(b)));
    }
    case kind::object:
      return std::ranges::all_of(t.members, [&](auto const& m) { return equal(*m.of, m.at_const(a), m.at_const(b)); });
  }
  return true;
}

void copy(meta::type const& t, void const* from, void* to) {
  switch (t.what) {
    case kind::boolean:
    case kind::integer:
    case kind::number:
    case kind::enumeration:
    case kind::uuid:
    case kind::time:
    case kind::duration: std::memcpy(to, from, t.size); return;
    case kind::scalar: {
      std::string text;
      t.as_scalar->write(from, text);
      (void)t.as_scalar->read(to, text);  // it has written this itself
      return;
    }
    case kind::text: *static_cast<std::string*>(to) = *static_cast<std::string const*>(from); return;
    case kind::secret_text:
      *static_cast<secret<std::string>*>(to) = *static_cast<secret<std::string> const*>(from);
      return;
    case kind::dynamic: return;
    case kind::optional:
    case kind::change:
      if (auto const* inside = t.as_optional->get(at_mutable(from)))
        copy(*t.element, inside, t.as_optional->emplace(to));
      else
        t.as_optional->reset(to);
      return;
    case kind::list:
      t.as_list->clear(to);
      for (std::size_t i = 0; i < t.as_list->size(from); ++i)
        copy(*t.element, t.as_list->at(at_mutable(from), i), t.as_list->append(to));
      return;
    case kind::map:
      t.as_map->clear(to);
      for (auto const& [key, value] : entries_of(t, from)) copy(*t.element, value, t.as_map->insert(to, key));
      return;
    case kind::variant: {
      auto const i = t.as_variant->index(from);
      copy(*t.as_variant->alternatives[i], t.as_variant->get(at_mutable(from)), t.as_variant->emplace(to, i));
      return;
    }
    case kind::object:
      for (auto const& m : t.members) copy(*m.of, m.at_const(from), m.at(to));
      return;
  }
}

}  // namespace slipway::config
