#include <slipway/config/reference.hpp>

#include <slipway/config/paths.hpp>
#include <slipway/config/scalar.hpp>

#include <fmt/format.h>

#include <limits>

namespace slipway::config {
namespace {

// The members of one JSON object, in their order.
class members {
 public:
  void add(std::string_view name, std::string const& json) {
    text_ += fmt::format("{}{}:{}", text_.empty() ? "" : ",", double_quoted(name), json);
  }
  std::string done() const { return "{" + text_ + "}"; }

 private:
  std::string text_;
};

// What every value may be instead: the reference from which it comes.
constexpr std::string_view reference_pattern = R"({"type":"string","pattern":"\\$\\{.+\\}"})";
std::string or_reference(std::string const& schema) {
  return fmt::format(R"({{"anyOf":[{},{}]}})", schema, reference_pattern);
}

std::string of(meta::type const& t, meta::attributes const& about, void const* value, bool hide);

std::string of_integer(meta::type const& t, meta::attributes const& about) {
  members m;
  m.add("type", "\"integer\"");
  auto least = t.is_signed ? static_cast<double>(std::numeric_limits<std::int64_t>::min() >> (64 - t.size * 8)) : 0.0;
  auto most = static_cast<double>(t.is_signed ? static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) >>
                                                    (64 - t.size * 8)
                                              : std::numeric_limits<std::uint64_t>::max() >> (64 - t.size * 8));
  for (auto const& r : about.rules()) {
    if (r.what == meta::rule_kind::minimum) least = r.number;
    if (r.what == meta::rule_kind::maximum) most = r.number;
  }
  m.add("minimum", fmt::format("{:.0f}", least));
  m.add("maximum", fmt::format("{:.0f}", most));
  if (!takes_size(about, t)) return or_reference(m.done());
  return fmt::format(R"({{"anyOf":[{},{},{}]}})", m.done(),
                     R"({"type":"string","pattern":"^[0-9]+ ?([kKMGT]i?B?|B)?$"})", reference_pattern);
}

std::string of_text(meta::attributes const& about) {
  members m;
  m.add("type", "\"string\"");
  for (auto const& r : about.rules()) {
    if (r.what == meta::rule_kind::min_length) m.add("minLength", fmt::format("{}", r.number));
    if (r.what == meta::rule_kind::max_length) m.add("maxLength", fmt::format("{}", r.number));
    if (r.what == meta::rule_kind::format && !r.pattern.empty()) m.add("pattern", double_quoted(r.pattern));
  }
  return m.done();
}

std::string of_enumeration(meta::type const& t) {
  std::string names;
  for (auto const& e : t.enumerators) names += (names.empty() ? "" : ",") + double_quoted(e.name);
  return or_reference(fmt::format(R"({{"enum":[{}]}})", names));
}

std::string of_object(meta::type const& t, void const* value, bool hide, std::string_view discriminator = {}) {
  members properties;
  if (!discriminator.empty()) properties.add(discriminator, fmt::format(R"({{"const":{}}})", double_quoted(t.name)));
  for (auto const& m : t.members)
    properties.add(m.name,
                   of(*m.of, *m.about, value == nullptr ? nullptr : m.at_const(value), hide || m.about->sensitive));
  members out;
  out.add("type", R"(["object","null"])");
  out.add("properties", properties.done());
  if (!discriminator.empty()) out.add("required", fmt::format("[{}]", double_quoted(discriminator)));
  out.add("additionalProperties", "false");
  return out.done();
}

std::string of_list(meta::type const& t, meta::attributes const& about, bool hide) {
  members m;
  m.add("type", "\"array\"");
  m.add("items", of(*t.element, {}, nullptr, hide));
  for (auto const& r : about.rules()) {
    if (r.what == meta::rule_kind::min_items) m.add("minItems", fmt::format("{}", r.number));
    if (r.what == meta::rule_kind::max_items) m.add("maxItems", fmt::format("{}", r.number));
    if (r.what == meta::rule_kind::unique_items) m.add("uniqueItems", "true");
  }
  return or_reference(m.done());
}

std::string bare(meta::type const& t, meta::attributes const& about, void const* value, bool hide) {
  switch (t.what) {
    case meta::kind::boolean: return or_reference(R"({"type":"boolean"})");
    case meta::kind::integer: return of_integer(t, about);
    case meta::kind::number: return or_reference(R"({"type":"number"})");
    case meta::kind::text:
    case meta::kind::secret_text: return of_text(about);
    case meta::kind::enumeration: return of_enumeration(t);
    case meta::kind::uuid: return or_reference(R"({"type":"string","format":"uuid"})");
    case meta::kind::time: return or_reference(R"({"type":"string","format":"date-time"})");
    case meta::kind::duration: return or_reference(R"({"type":"string","pattern":"^[0-9]+(ms|s|m|h|d)$"})");
    case meta::kind::scalar:
      return or_reference(R"({"type":"string","format":")" + std::string{t.as_scalar->name} + "\"}");
    case meta::kind::dynamic: return "{}";
    case meta::kind::optional:
    case meta::kind::change:
      return fmt::format(R"({{"anyOf":[{},{{"type":"null"}}]}})", bare(*t.element, about, nullptr, hide));
    case meta::kind::list: return of_list(t, about, hide);
    case meta::kind::map:
      return fmt::format(R"({{"type":["object","null"],"additionalProperties":{}}})",
                         of(*t.element, {}, nullptr, hide));
    case meta::kind::variant: {
      std::string all;
      for (auto const* a : t.as_variant->alternatives)
        all += (all.empty() ? "" : ",") + of_object(*a, nullptr, hide, t.as_variant->discriminator);
      return fmt::format(R"({{"oneOf":[{}]}})", all);
    }
    case meta::kind::object: return of_object(t, value, hide);
  }
  return "{}";
}

// With what is said about the member; the default only where it may be shown.
std::string of(meta::type const& t, meta::attributes const& about, void const* value, bool hide) {
  auto const described = bare(t, about, value, hide);
  members m;
  auto help = std::string{about.help};
  if (!about.unit.empty())
    help += fmt::format("{}Unit: {}.", help.empty() ? "" : help.ends_with('.') ? " " : ". ", about.unit);
  if (!help.empty()) m.add("description", double_quoted(help));
  if (value != nullptr && !hide && t.what != meta::kind::object && t.what != meta::kind::secret_text)
    m.add("default", to_flow(t, value));
  if (!about.example.empty()) m.add("examples", fmt::format("[{}]", about.example));
  if (about.deprecated) m.add("deprecated", "true");
  if (about.reloadable) m.add("x-reload", "true");
  auto const said = m.done();
  return said == "{}" ? described : said.substr(0, said.size() - 1) + "," + described.substr(1);
}

}  // namespace

std::string schema(meta::type const& t, void const* defaults) {
  auto const body = of_object(t, defaults, false);
  return fmt::format(R"({{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"Settings",{})",
                     body.substr(1));
}

}  // namespace slipway::config
