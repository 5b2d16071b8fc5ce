#include <slipway/config/bind.hpp>

#include <slipway/config/paths.hpp>
#include <slipway/config/scalar.hpp>

#include <fmt/format.h>

#include <string_view>

namespace slipway::config {
namespace {

std::string_view trim(std::string_view text) noexcept {
  auto const first = text.find_first_not_of(" \t");
  return first == std::string_view::npos ? std::string_view{}
                                         : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

class binder {
 public:
  explicit binder(binding& in) : in_{in} {}

  // `key` is the nearest key that the user can set by itself, `path` where exactly: "http.tls.hosts[0].name".
  void any(meta::type const& t, meta::attributes const& about, node const& n, void* at, std::string const& path) {
    if (n.failed) {
      in_.failed.insert(path);
      return;
    }
    switch (t.what) {
      case meta::kind::object: return object(t, n, at, path);
      case meta::kind::optional:
      case meta::kind::change:
        if (n.what == node::shape::null) return t.as_optional->reset(at);
        return any(*t.element, about, n, t.as_optional->emplace(at), path);
      case meta::kind::list: return list(t, about, n, at, path);
      case meta::kind::map: return map(t, about, n, at, path);
      case meta::kind::variant: return variant(t, n, at, path);
      default: return scalar(t, about, n, at, path);
    }
  }

  void object(meta::type const& t, node const& n, void* at, std::string const& path,
              std::string_view discriminator = {}) {
    if (n.what == node::shape::null) return;  // "http:" with every key below it commented out
    if (n.what != node::shape::map)
      return fail(n, path,
                  path.empty() ? "the file must hold keys and values" : "must hold keys and values of its own");
    for (auto const& e : n.entries) {
      if (!discriminator.empty() && e.key == discriminator) continue;
      auto const below = join(path, e.key);
      auto const* const m = t.find(e.key);
      if (m == nullptr) {
        auto const meant = suggestion(in_.root, t, path, e.key);
        in_.problems.push_back({e.place.text(), below,
                                meant.empty() ? "unknown key; `config schema` lists all of them"
                                              : fmt::format("unknown key; did you mean {}?", meant)});
        continue;
      }
      if (!is_object(*m->of)) set(below, e.value);
      any(*m->of, *m->about, e.value, m->at(at), below);
    }
  }

 private:
  void fail(node const& n, std::string const& path, std::string what) {
    in_.problems.push_back({n.place.text(), path, std::move(what)});
    in_.failed.insert(path);
  }
  void set(std::string const& path, node const& n) {
    in_.places.insert_or_assign(path, n.place);
    if (n.referenced) in_.came.referenced_keys.push_back(path);
  }
  static bool any_referenced(node const& n) {
    if (n.referenced) return true;
    for (auto const& item : n.items)
      if (any_referenced(item)) return true;
    for (auto const& e : n.entries)
      if (any_referenced(e.value)) return true;
    return false;
  }

  void scalar(meta::type const& t, meta::attributes const& about, node const& n, void* at, std::string const& path) {
    if (n.what == node::shape::null)
      return fail(n, path,
                  t.what == meta::kind::text || t.what == meta::kind::secret_text
                      ? "has no value; write \"\" for an empty text"
                      : "has no value");
    if (n.what != node::shape::scalar)
      return fail(n, path, fmt::format("must be one value, not a {}", n.what == node::shape::list ? "list" : "map"));
    if (auto wrong = set_scalar(t, about, at, n.text); !wrong.empty()) {
      // What is secret is not repeated in a message.
      auto const shown = about.sensitive || n.referenced ? std::string{}
                                                         : fmt::format(", not {}", double_quoted(n.text.substr(0, 60)));
      auto const remedy = wrong.find(';');
      if (remedy == std::string::npos)
        wrong += shown;
      else
        wrong.insert(remedy, shown);
      fail(n, path, std::move(wrong));
    }
  }

  void list(meta::type const& t, meta::attributes const& about, node const& n, void* at, std::string const& path) {
    if (any_referenced(n)) in_.came.referenced_keys.push_back(path);
    t.as_list->clear(at);
    if (n.what == node::shape::list) {
      for (std::size_t i = 0; i < n.items.size(); ++i)
        any(*t.element, about, n.items[i], t.as_list->append(at), fmt::format("{}[{}]", path, i));
      return;
    }
    if (n.what != node::shape::scalar || !n.splits)
      return fail(n, path, "must be a list: [a, b], or one \"- a\" a line");
    if (trim(n.text).empty()) return;
    std::string_view rest = n.text;
    for (std::size_t i = 0;; ++i) {
      auto const comma = rest.find(',');
      node item = n;
      item.text = std::string{trim(rest.substr(0, comma))};
      any(*t.element, about, item, t.as_list->append(at), fmt::format("{}[{}]", path, i));
      if (comma == std::string_view::npos) return;
      rest.remove_prefix(comma + 1);
    }
  }

  void map(meta::type const& t, meta::attributes const& about, node const& n, void* at, std::string const& path) {
    if (any_referenced(n)) in_.came.referenced_keys.push_back(path);
    if (n.what == node::shape::null) return;
    if (n.what != node::shape::map) return fail(n, path, "must hold keys and values of its own");
    for (auto const& e : n.entries) {
      in_.places.insert_or_assign(join(path, e.key), e.value.place);
      any(*t.element, about, e.value, t.as_map->insert(at, e.key), join(path, e.key));
    }
  }

  void variant(meta::type const& t, node const& n, void* at, std::string const& path) {
    auto const& v = *t.as_variant;
    auto const* const which = const_cast<node&>(n).find(v.discriminator);
    std::string names;
    for (std::size_t i = 0; i < v.alternatives.size(); ++i) {
      if (which != nullptr && which->text == v.alternatives[i]->name)
        return object(*v.alternatives[i], n, v.emplace(at, i), path, v.discriminator);
      names += (i == 0 ? "" : ", ") + std::string{v.alternatives[i]->name};
    }
    fail(n, path, fmt::format("must have the key {} with one of {}", v.discriminator, names));
  }

  binding& in_;
};

}  // namespace

void bind(binding& in, node const& root, void* settings) {
  binder{in}.object(in.root, root, settings, {});
  for (auto const& [key, where] : in.places) in.came.from.insert_or_assign(key, where.without_column());
}

}  // namespace slipway::config
