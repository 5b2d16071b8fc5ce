#include <slipway/config/rules.hpp>

#include <slipway/config/paths.hpp>
#include <slipway/config/scalar.hpp>
#include <slipway/core/time.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

namespace slipway::config {
namespace {

std::size_t code_points(std::string_view text) noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

bool is_visible(char c) noexcept { return c > ' ' && c != 0x7f; }

// Enough to catch a mistake in a file; whoever uses the value checks it for good.
bool is_email(std::string_view text) noexcept {
  auto const at = text.rfind('@');
  return at != std::string_view::npos && at > 0 && at <= 64 && at + 1 < text.size() && text.size() <= 254 &&
         std::ranges::all_of(text, is_visible);
}
bool is_url(std::string_view text) noexcept {
  auto const rest = text.starts_with("https://")  ? text.substr(8)
                    : text.starts_with("http://") ? text.substr(7)
                                                  : std::string_view{};
  return !rest.empty() && rest[0] != '/' && rest[0] != ':' && std::ranges::all_of(text, is_visible);
}

std::optional<double> as_number(meta::type const& t, void const* at) noexcept {
  switch (t.what) {
    case meta::kind::integer:
      return t.is_signed || t.size < 8 ? static_cast<double>(meta::read_integer(t, at))
                                       : static_cast<double>(*static_cast<std::uint64_t const*>(at));
    case meta::kind::number:
      return t.size == sizeof(float) ? static_cast<double>(*static_cast<float const*>(at))
                                     : *static_cast<double const*>(at);
    case meta::kind::duration: return static_cast<double>(static_cast<std::chrono::milliseconds const*>(at)->count());
    default: return std::nullopt;
  }
}
std::optional<std::string_view> as_text(meta::type const& t, void const* at) noexcept {
  if (t.what == meta::kind::text) return *static_cast<std::string const*>(at);
  if (t.what == meta::kind::secret_text) return static_cast<secret<std::string> const*>(at)->reveal();
  return std::nullopt;
}
std::optional<std::size_t> as_size(meta::type const& t, void const* at) noexcept {
  if (t.what == meta::kind::list) return t.as_list->size(at);
  if (t.what == meta::kind::map) return t.as_map->size(at);
  return std::nullopt;
}

std::string bound_text(meta::type const& t, double bound) {
  if (t.what == meta::kind::duration)
    return format_duration(std::chrono::milliseconds{static_cast<std::int64_t>(bound)});
  return fmt::format("{}", bound);
}

std::string counted(std::size_t n, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", n, n == 1 ? one : many);
}

bool has_duplicates(meta::type const& t, void const* at) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < t.as_list->size(at); ++i)
    if (!seen.insert(to_flow(*t.element, t.as_list->at(const_cast<void*>(at), i))).second) return true;
  return false;
}

// What is wrong by one rule; empty: nothing, or the rule is not about such a value.
std::string broken(meta::rule const& r, meta::type const& t, void const* at) {
  using enum meta::rule_kind;
  auto const count = static_cast<std::size_t>(std::max(r.number, 0.0));
  if (auto const text = as_text(t, at)) {
    switch (r.what) {
      case min_length:
        return code_points(*text) < count
                   ? fmt::format("must have at least {}", counted(count, "character", "characters"))
                   : "";
      case max_length:
        return code_points(*text) > count
                   ? fmt::format("must have at most {}", counted(count, "character", "characters"))
                   : "";
      case not_blank: return std::ranges::any_of(*text, is_visible) ? "" : "must not be blank";
      case email: return is_email(*text) ? "" : "must be an e-mail address";
      case url: return is_url(*text) ? "" : "must be an http or https URL";
      case format:
        return r.check == nullptr || r.check(*text)
                   ? ""
                   : fmt::format("must be of the format {}{}", r.text,
                                 r.pattern.empty() ? "" : fmt::format(" ({})", r.pattern));
      default: return {};
    }
  }
  if (auto const number = as_number(t, at)) {
    if (r.what == minimum && *number < r.number) return fmt::format("must be at least {}", bound_text(t, r.number));
    if (r.what == maximum && *number > r.number) return fmt::format("must be at most {}", bound_text(t, r.number));
  }
  if (auto const size = as_size(t, at)) {
    if (r.what == min_items && *size < count)
      return fmt::format("must have at least {}", counted(count, "entry", "entries"));
    if (r.what == max_items && *size > count)
      return fmt::format("must have at most {}", counted(count, "entry", "entries"));
    if (r.what == unique_items && t.what == meta::kind::list && has_duplicates(t, at))
      return "must not hold the same entry twice";
  }
  return {};
}

// Visits every value of the settings with what is said about the member that it belongs to.
template <class Visit>
void walk(meta::type const& t, meta::attributes const& about, void const* at, std::string const& path, Visit&& visit) {
  auto* const mutable_at = const_cast<void*>(at);
  visit(t, about, at, path);
  switch (t.what) {
    case meta::kind::object:
      for (auto const& m : t.members) {
        auto said = *m.about;
        said.sensitive = said.sensitive || about.sensitive;
        walk(*m.of, said, m.at_const(at), join(path, m.name), visit);
      }
      return;
    case meta::kind::optional:
    case meta::kind::change:
      if (auto const* inside = t.as_optional->get(mutable_at)) walk(*t.element, about, inside, path, visit);
      return;
    case meta::kind::list:
      for (std::size_t i = 0; i < t.as_list->size(at); ++i)
        walk(*t.element, about, t.as_list->at(mutable_at, i), fmt::format("{}[{}]", path, i), visit);
      return;
    case meta::kind::map: {
      struct state {
        meta::type const& element;
        meta::attributes const& about;
        std::string const& path;
        Visit& visit;
      } s{*t.element, about, path, visit};
      t.as_map->each(at, &s, [](void* to, std::string_view key, void const* value) {
        auto& in = *static_cast<state*>(to);
        walk(in.element, in.about, value, join(in.path, key), in.visit);
      });
      return;
    }
    case meta::kind::variant: {
      auto const* of = t.as_variant->alternatives[t.as_variant->index(at)];
      return walk(*of, about, t.as_variant->get(mutable_at), path, visit);
    }
    default: return;
  }
}

// Of "http.tls.hosts[0].name" first itself, then what it is part of.
template <class Map>
auto find_enclosing(Map const& map, std::string_view path) {
  while (true) {
    auto const found = map.find(path);
    auto const end = path.find_last_of(".[");
    if (found != map.end() || end == std::string_view::npos) return found;
    path = path.substr(0, end);
  }
}

bool is_empty(meta::type const& t, void const* at) {
  if (auto const text = as_text(t, at)) return text->empty();
  if (auto const size = as_size(t, at)) return *size == 0;
  return false;
}

}  // namespace

void check_rules(binding& in, void const* settings, std::string_view prefix) {
  walk(in.root, {}, settings, {},
       [&](meta::type const& t, meta::attributes const& about, void const* at, std::string const& path) {
         if (find_enclosing(in.failed, path) != in.failed.end()) return;
         auto const where = find_enclosing(in.places, path);
         auto const was_set = where != in.places.end();
         if (about.optional && is_empty(t, at)) return;
         for (auto const& r : about.rules()) {
           auto const wrong = broken(r, t, at);
           if (wrong.empty()) continue;
           if (was_set)
             in.problems.push_back({where->second.text(), path, wrong});
           else
             in.problems.push_back(
                 {"", path,
                  fmt::format("is missing and {}; set it in a file or as {}", wrong, variable_of(prefix, path))});
           return;  // one problem for each value is enough to find it
         }
       });
}

void check_secrets(binding& in, void const* settings) {
  walk(in.root, {}, settings, {},
       [&](meta::type const& t, meta::attributes const& about, void const* at, std::string const& path) {
         auto const is_secret = t.what == meta::kind::secret_text;
         if (!is_secret && !(t.what == meta::kind::text && about.sensitive)) return;
         auto const value = as_text(t, at);
         if (!value || value->empty() || find_enclosing(in.failed, path) != in.failed.end()) return;
         auto const own_minimum =
             std::ranges::any_of(about.rules(), [](auto const& r) { return r.what == meta::rule_kind::min_length; });
         auto const why = placeholder_of(*value, is_secret, own_minimum);
         if (why.empty()) return;
         auto const where = find_enclosing(in.places, path);
         in.problems.push_back(
             {where == in.places.end() ? std::string{} : where->second.text(), path,
              fmt::format("{}, and production does not start with that; make one with `openssl rand -base64 32` and "
                          "pass it as ${{file:/run/secrets/...}} or in the environment",
                          why)});
       });
}

}  // namespace slipway::config
