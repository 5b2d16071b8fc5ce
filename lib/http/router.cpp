#include <slipway/http/fixed_paths.hpp>
#include <slipway/http/percent.hpp>
#include <slipway/http/router.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace slipway::http {
namespace {

// A node of the radix tree: `prefix` leads to it, then its children by their first byte, then one segment of
// anything, then the whole rest.
struct node {
  std::string prefix;
  std::string first_bytes;  // of `children`, in their order
  std::vector<std::unique_ptr<node>> children;
  std::unique_ptr<node> segment;
  std::unique_ptr<node> rest;
  fixed_paths::by_method routes{};
  std::string allow;  // empty: no route ends here
};

struct piece {
  enum class kind { text, segment, rest } what;
  std::string_view text;  // or the parameter's name
};

[[noreturn]] void refuse(std::string_view pattern, std::string_view why) {
  throw std::invalid_argument{fmt::format("the route pattern '{}' {}", pattern, why)};
}

bool is_name(std::string_view name) noexcept {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::vector<piece> pieces_of(std::string_view pattern) {
  if (pattern.empty() || pattern.front() != '/') refuse(pattern, "does not begin with '/'");
  if (pattern.find_first_of("?#% ") != std::string_view::npos)
    refuse(pattern, "has '?', '#', '%' or a space: write it decoded and without a query");
  std::vector<piece> pieces;
  std::vector<std::string_view> names;
  for (auto rest = pattern; !rest.empty();) {
    auto const open = rest.find_first_of("{}");
    if (open != 0) pieces.push_back({piece::kind::text, rest.substr(0, open)});
    if (open == std::string_view::npos) break;
    auto const close = rest.find('}', open);
    if (rest[open] == '}' || close == std::string_view::npos) refuse(pattern, "has braces that do not match");
    if (open == 0 || rest[open - 1] != '/') refuse(pattern, "has a parameter that does not begin its segment");
    auto name = rest.substr(open + 1, close - open - 1);
    bool const takes_rest = name.starts_with('*');
    if (takes_rest) name.remove_prefix(1);
    if (!is_name(name)) refuse(pattern, "has a parameter whose name is not letters, digits and '_'");
    if (std::ranges::find(names, name) != names.end()) refuse(pattern, "names a parameter twice");
    names.push_back(name);
    rest.remove_prefix(close + 1);
    if (takes_rest && !rest.empty()) refuse(pattern, "goes on after {*...}, which takes all the rest");
    if (!rest.empty() && rest.front() != '/') refuse(pattern, "has a parameter that does not fill its segment");
    pieces.push_back({takes_rest ? piece::kind::rest : piece::kind::segment, name});
  }
  if (names.size() > request::max_parameters) refuse(pattern, "has more than 8 parameters");
  return pieces;
}

// Walks down `text` below `at`, splitting edges and making nodes as needed.
node& descend(node& from, std::string_view text) {
  auto* at = &from;
  while (!text.empty()) {
    auto const index = at->first_bytes.find(text.front());
    if (index == std::string::npos) {
      at->first_bytes.push_back(text.front());
      auto& fresh = at->children.emplace_back(std::make_unique<node>());
      fresh->prefix = text;
      return *fresh;
    }
    auto& edge = at->children[index];
    auto const common = static_cast<std::size_t>(
        std::mismatch(text.begin(), text.end(), edge->prefix.begin(), edge->prefix.end()).first - text.begin());
    if (common < edge->prefix.size()) {
      auto upper = std::make_unique<node>();
      upper->prefix = edge->prefix.substr(0, common);
      upper->first_bytes = edge->prefix[common];
      edge->prefix.erase(0, common);
      upper->children.push_back(std::move(edge));
      edge = std::move(upper);
    }
    at = edge.get();
    text.remove_prefix(common);
  }
  return *at;
}

std::string allow_of(node const& n) {
  std::string out;
  for (std::size_t i = 0; i < method_count; ++i) {
    auto const m = static_cast<method>(i);
    bool const there = n.routes[i] != nullptr ||
                       (m == method::head && n.routes[static_cast<std::size_t>(method::get)] != nullptr) ||
                       m == method::options;
    if (!there || to_string(m).empty()) continue;
    if (!out.empty()) out += ", ";
    out += to_string(m);
  }
  return out;
}

route const* route_at(fixed_paths::by_method const& routes, method verb) noexcept {
  auto const* found = routes[static_cast<std::size_t>(verb)];
  if (found == nullptr && verb == method::head) found = routes[static_cast<std::size_t>(method::get)];
  return found;
}

// One search. A static way is tried before a parameter, and a parameter before the rest; a node that knows the
// path but not the method is remembered for Allow while the search goes on.
class search {
 public:
  search(request& r) noexcept : request_{r} {}

  route const* below(node const& from, std::string_view path) {
    auto const* at = &from;
    for (;;) {
      if (path.empty() && !at->allow.empty()) {
        if (auto const* found = route_at(at->routes, request_.verb)) return found;
        if (nearest_ == nullptr) nearest_ = at;
      }
      auto const* child = path.empty() ? nullptr : static_child(*at, path);
      if (at->segment == nullptr && at->rest == nullptr) [[likely]] {
        if (child == nullptr) return nullptr;
        path.remove_prefix(child->prefix.size());
        at = child;
        continue;
      }
      if (child != nullptr)
        if (auto const* found = below(*child, path.substr(child->prefix.size()))) return found;
      return parameter(*at, path);
    }
  }
  std::string_view allow() const noexcept { return nearest_ != nullptr ? std::string_view{nearest_->allow} : ""; }

 private:
  static node const* static_child(node const& at, std::string_view path) noexcept {
    // A loop, because nodes have few children and a call to memchr costs more.
    for (std::size_t i = 0; i < at.first_bytes.size(); ++i)
      if (at.first_bytes[i] == path.front()) {
        auto const* child = at.children[i].get();
        return path.starts_with(child->prefix) ? child : nullptr;
      }
    return nullptr;
  }

  route const* parameter(node const& at, std::string_view path) {
    auto const count = request_.parameter_count;
    auto const size = std::min(path.find('/'), path.size());
    if (at.segment != nullptr && size != 0) {
      request_.parameter_storage[request_.parameter_count++] = path.substr(0, size);
      if (auto const* found = below(*at.segment, path.substr(size))) return found;
      request_.parameter_count = count;
    }
    if (at.rest != nullptr) {
      if (auto const* found = route_at(at.rest->routes, request_.verb)) {
        request_.parameter_storage[request_.parameter_count++] = path;
        return found;
      }
      if (nearest_ == nullptr) nearest_ = at.rest.get();
    }
    return nullptr;
  }

  request& request_;
  node const* nearest_ = nullptr;
};

}  // namespace

struct router::impl {
  node root;
  fixed_paths fixed;
  std::vector<std::unique_ptr<route>> routes;
};

router::router() : impl_{std::make_unique<impl>()} {}
router::router(router&&) noexcept = default;
router& router::operator=(router&&) noexcept = default;
router::~router() = default;

route& router::add(route r) {
  auto owned = std::make_unique<route>(std::move(r));
  auto* at = &impl_->root;
  for (auto const& p : pieces_of(owned->pattern)) {
    if (p.what == piece::kind::text) {
      at = &descend(*at, p.text);
      continue;
    }
    auto& next = p.what == piece::kind::rest ? at->rest : at->segment;
    if (next == nullptr) next = std::make_unique<node>();
    at = next.get();
  }
  auto& place = at->routes[static_cast<std::size_t>(owned->verb)];
  if (place != nullptr)
    throw std::invalid_argument{fmt::format("the route {} {} is there already, as '{}'", to_string(owned->verb),
                                            owned->pattern, place->pattern)};
  owned->index = impl_->routes.size();
  auto& added = *owned;
  impl_->routes.push_back(std::move(owned));
  place = &added;
  at->allow = allow_of(*at);
  if (added.pattern.find('{') == std::string::npos) impl_->fixed.add(added.pattern, at->routes);
  return added;
}

namespace {

bool has_escape(std::string_view text) noexcept { return text.find('%') != std::string_view::npos; }

bool decode_parameters(request& r, arena& memory) {
  for (std::size_t i = 0; i < r.parameter_count; ++i) {
    auto const decoded = percent_decode(r.parameter_storage[i], memory);
    if (!decoded) return false;
    r.parameter_storage[i] = *decoded;
  }
  return true;
}

}  // namespace

// Patterns have no escapes, so a path that matches without parameters has none, and the usual path is searched just
// once, as it came. Another search with the normalised path is due only when an escape was met: it may have hidden a
// static segment.
router::match router::find(request& r, arena& memory) const {
  r.parameter_count = 0;
  // What stands there as it is comes before what a parameter would take.
  if (auto const* routes = impl_->fixed.find(r.path))
    if (auto const* found = route_at(*routes, r.verb)) return {found, {}};

  search looking{r};
  auto const* found = looking.below(impl_->root, r.path);
  if (found != nullptr && r.parameter_count == 0) [[likely]]
    return {found, {}};
  if (found != nullptr &&
      std::none_of(r.parameter_storage.begin(), r.parameter_storage.begin() + r.parameter_count, has_escape))
    return {found, {}};
  if (!has_escape(r.path)) return {nullptr, looking.allow()};

  auto const normal = normalise_path(r.path, memory);
  if (!normal) return {};
  r.parameter_count = 0;
  search again{r};
  found = again.below(impl_->root, *normal);
  if (found == nullptr) return {nullptr, again.allow()};
  return decode_parameters(r, memory) ? match{found, {}} : match{};
}

std::span<std::unique_ptr<route> const> router::routes() const noexcept { return impl_->routes; }

}  // namespace slipway::http
