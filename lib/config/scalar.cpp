#include <slipway/config/scalar.hpp>

#include <slipway/config/nearest.hpp>
#include <slipway/core/time.hpp>

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <vector>

namespace slipway::config {
namespace {

template <class N>
std::optional<N> number_of(std::string_view text) noexcept {
  N value{};
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string range_of(meta::type const& t) {
  auto const bits = t.size * 8;
  if (t.is_signed) {
    auto const most = std::numeric_limits<std::int64_t>::max() >> (64 - bits);
    return fmt::format("from {} to {}", -most - 1, most);
  }
  return fmt::format("from 0 to {}", std::numeric_limits<std::uint64_t>::max() >> (64 - bits));
}

std::string set_integer(meta::type const& t, meta::attributes const& about, void* at, std::string_view text) {
  auto value = number_of<std::int64_t>(text);
  if (!value && !t.is_signed && t.size == 8)
    if (auto const large = number_of<std::uint64_t>(text)) value = static_cast<std::int64_t>(*large);
  auto const large_unsigned = value && *value < 0 && !text.starts_with('-');
  if (!value && takes_size(about, t)) value = parse_size(text);
  if (!value || (!large_unsigned && !meta::fits(t, *value)))
    return fmt::format("must be a whole number {}{}", range_of(t),
                       takes_size(about, t) ? ", or a size such as \"16KB\"" : "");
  meta::write_integer(t, at, *value);
  return {};
}

std::string set_enumeration(meta::type const& t, void* at, std::string_view text) {
  std::vector<std::string> names;
  for (auto const& e : t.enumerators) {
    if (e.name == text) {
      meta::write_integer(t, at, e.value);
      return {};
    }
    names.emplace_back(e.name);
  }
  auto const meant = nearest(text, names);
  return fmt::format("must be one of {}{}", fmt::join(names, ", "),
                     meant.empty() ? "" : fmt::format("; did you mean {}?", meant));
}

std::string set_number(meta::type const& t, void* at, std::string_view text) {
  auto const value = number_of<double>(text);
  if (!value || !std::isfinite(*value)) return "must be a number";
  if (t.size == sizeof(float))
    *static_cast<float*>(at) = static_cast<float>(*value);
  else
    *static_cast<double*>(at) = *value;
  return {};
}

std::string number_text(meta::type const& t, void const* at) {
  return t.size == sizeof(float) ? fmt::format("{}", *static_cast<float const*>(at))
                                 : fmt::format("{}", *static_cast<double const*>(at));
}

}  // namespace

bool takes_size(meta::attributes const& about, meta::type const& t) noexcept {
  return t.what == meta::kind::integer && (about.unit == "bytes" || (about.unit.empty() && t.size >= 4));
}

std::optional<std::int64_t> parse_size(std::string_view text) noexcept {
  std::int64_t count = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || count < 0) return std::nullopt;
  std::string_view unit{end, text.data() + text.size()};
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  if (unit.empty() || unit == "B") return count;
  auto const power = std::string_view{"KMGT"}.find(unit[0] == 'k' ? 'K' : unit[0]);
  auto const rest = unit.substr(1);
  if (power == std::string_view::npos || (rest != "B" && rest != "iB" && !rest.empty())) return std::nullopt;
  auto const shift = 10 * (power + 1);
  if (count > std::numeric_limits<std::int64_t>::max() >> shift) return std::nullopt;
  return count << shift;
}

std::string set_scalar(meta::type const& t, meta::attributes const& about, void* at, std::string_view text) {
  switch (t.what) {
    case meta::kind::boolean:
      if (text != "true" && text != "false") return "must be true or false";
      *static_cast<bool*>(at) = text == "true";
      return {};
    case meta::kind::integer: return set_integer(t, about, at, text);
    case meta::kind::number: return set_number(t, at, text);
    case meta::kind::text: *static_cast<std::string*>(at) = text; return {};
    case meta::kind::secret_text:
      *static_cast<secret<std::string>*>(at) = secret<std::string>{std::string{text}};
      return {};
    case meta::kind::enumeration: return set_enumeration(t, at, text);
    case meta::kind::uuid:
      if (auto const id = slipway::uuid::parse(text)) return *static_cast<slipway::uuid*>(at) = *id, "";
      return "must be a UUID";
    case meta::kind::time:
      if (auto const when = from_rfc3339(text)) return *static_cast<time_point*>(at) = *when, "";
      return "must be a time such as \"2026-01-31T12:00:00Z\"";
    case meta::kind::duration:
      if (auto const d = parse_duration(text)) return *static_cast<std::chrono::milliseconds*>(at) = *d, "";
      return "must be a duration with its unit: \"250ms\", \"30s\", \"15m\", \"12h\" or \"7d\"";
    case meta::kind::scalar:
      return t.as_scalar->read(at, text) ? std::string{} : "must be " + std::string{t.as_scalar->expects};
    case meta::kind::dynamic:
    case meta::kind::optional:
    case meta::kind::change:
    case meta::kind::list:
    case meta::kind::map:
    case meta::kind::variant:
    case meta::kind::object: break;
  }
  return "is of a kind that configuration does not support";
}

std::string double_quoted(std::string_view text) {
  std::string out = "\"";
  for (unsigned char const c : text) {
    if (c == '"' || c == '\\')
      out += {'\\', static_cast<char>(c)};
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (c < 0x20 || c == 0x7f)
      out += fmt::format("\\u{:04x}", c);
    else
      out += static_cast<char>(c);
  }
  return out += '"';
}

namespace {

std::string list_to_flow(meta::type const& t, void const* at) {
  std::string out = "[";
  auto const n = t.as_list->size(at);
  for (std::size_t i = 0; i < n; ++i)
    out += (i == 0 ? "" : ", ") + to_flow(*t.element, t.as_list->at(const_cast<void*>(at), i));
  return out + "]";
}

std::string map_to_flow(meta::type const& t, void const* at) {
  struct state {
    std::string out;
    meta::type const& element;
  } s{"{", *t.element};
  t.as_map->each(at, &s, [](void* to, std::string_view key, void const* value) {
    auto& into = *static_cast<state*>(to);
    into.out += (into.out.size() == 1 ? "" : ", ") + double_quoted(key) + ": " + to_flow(into.element, value);
  });
  return s.out + "}";
}

std::string object_to_flow(meta::type const& t, void const* at, std::string_view discriminator = {}) {
  std::string out =
      discriminator.empty() ? "{" : fmt::format("{{{}: {}", double_quoted(discriminator), double_quoted(t.name));
  for (auto const& m : t.members) {
    out += out.size() == 1 ? "" : ", ";
    out +=
        double_quoted(m.name) + ": " + (m.about->sensitive ? std::string{"\"***\""} : to_flow(*m.of, m.at_const(at)));
  }
  return out + "}";
}

}  // namespace

std::string to_flow(meta::type const& t, void const* at) {
  switch (t.what) {
    case meta::kind::boolean: return *static_cast<bool const*>(at) ? "true" : "false";
    case meta::kind::integer:
      return t.is_signed || t.size < 8 ? std::to_string(meta::read_integer(t, at))
                                       : std::to_string(*static_cast<std::uint64_t const*>(at));
    case meta::kind::number: return number_text(t, at);
    case meta::kind::text: return double_quoted(*static_cast<std::string const*>(at));
    case meta::kind::secret_text: return static_cast<secret<std::string> const*>(at)->empty() ? "\"\"" : "\"***\"";
    case meta::kind::enumeration: return double_quoted(meta::enumerator_name(t, at));
    case meta::kind::uuid: return double_quoted(static_cast<slipway::uuid const*>(at)->text());
    case meta::kind::time: return double_quoted(to_rfc3339(*static_cast<time_point const*>(at)));
    case meta::kind::duration:
      return double_quoted(format_duration(*static_cast<std::chrono::milliseconds const*>(at)));
    case meta::kind::scalar: {
      std::string text;
      t.as_scalar->write(at, text);
      return double_quoted(text);
    }
    case meta::kind::dynamic: return "null";
    case meta::kind::optional:
    case meta::kind::change: {
      auto const* inside = t.as_optional->get(const_cast<void*>(at));
      return inside == nullptr ? "null" : to_flow(*t.element, inside);
    }
    case meta::kind::list: return list_to_flow(t, at);
    case meta::kind::map: return map_to_flow(t, at);
    case meta::kind::variant: {
      auto const* of = t.as_variant->alternatives[t.as_variant->index(at)];
      return object_to_flow(*of, t.as_variant->get(const_cast<void*>(at)), t.as_variant->discriminator);
    }
    case meta::kind::object: return object_to_flow(t, at);
  }
  return "null";
}

}  // namespace slipway::config
