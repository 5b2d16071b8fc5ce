#include <slipway/config/reference.hpp>

#include <slipway/config/paths.hpp>
#include <slipway/config/scalar.hpp>
#include <slipway/config/tree.hpp>
#include <slipway/core/time.hpp>

#include <fmt/format.h>

#include <functional>

namespace slipway::config {
namespace {

std::string type_name(meta::type const& t, meta::attributes const& about) {
  switch (t.what) {
    case meta::kind::boolean: return "true or false";
    case meta::kind::integer: return takes_size(about, t) && about.unit == "bytes" ? "size" : "whole number";
    case meta::kind::number: return "number";
    case meta::kind::text: return "text";
    case meta::kind::secret_text: return "secret";
    case meta::kind::uuid: return "UUID";
    case meta::kind::time: return "time";
    case meta::kind::duration: return "duration";
    case meta::kind::scalar: return std::string{t.as_scalar->name};
    case meta::kind::dynamic: return "any";
    case meta::kind::optional:
    case meta::kind::change: return type_name(*t.element, about) + " or null";
    case meta::kind::list: return "list of " + type_name(*t.element, {});
    case meta::kind::map: return "map to " + type_name(*t.element, {});
    case meta::kind::variant:
    case meta::kind::object: {
      std::string names;
      for (auto const& m : t.members) names += (names.empty() ? "" : ", ") + std::string{m.name};
      return t.what == meta::kind::object ? "{" + names + "}" : "one of several structs";
    }
    case meta::kind::enumeration: {
      std::string names;
      for (auto const& e : t.enumerators) names += (names.empty() ? "" : ", ") + std::string{e.name};
      return "one of " + names;
    }
  }
  return {};
}

std::string rules_text(meta::type const& t, meta::attributes const& about) {
  auto const number = [&](double n) {
    return t.what == meta::kind::duration ? format_duration(std::chrono::milliseconds{static_cast<std::int64_t>(n)})
                                          : fmt::format("{}", n);
  };
  auto const counted = [](double n, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", n, n == 1 ? one : many);
  };
  std::string out;
  auto const add = [&](std::string const& what) { out += (out.empty() ? "" : ", ") + what; };
  for (auto const& r : about.rules()) switch (r.what) {
      case meta::rule_kind::minimum: add("at least " + number(r.number)); break;
      case meta::rule_kind::maximum: add("at most " + number(r.number)); break;
      case meta::rule_kind::min_length: add("at least " + counted(r.number, "character", "characters")); break;
      case meta::rule_kind::max_length: add("at most " + counted(r.number, "character", "characters")); break;
      case meta::rule_kind::not_blank: add("not blank"); break;
      case meta::rule_kind::min_items: add("at least " + counted(r.number, "entry", "entries")); break;
      case meta::rule_kind::max_items: add("at most " + counted(r.number, "entry", "entries")); break;
      case meta::rule_kind::unique_items: add("no entry twice"); break;
      case meta::rule_kind::email: add("an e-mail address"); break;
      case meta::rule_kind::url: add("an http or https URL"); break;
      case meta::rule_kind::format: add(std::string{r.text}); break;
    }
  return out;
}

std::string default_text(meta::type const& t, void const* value) {
  // What the program is built with is no secret; a secret alone has no text to show.
  return t.what == meta::kind::secret_text ? "\"\"" : to_flow(t, value);
}

struct visited {
  meta::member const& member;
  std::string key;
  void const* value;
  bool reloadable;
  int depth;
};

// Calls for every member, structs before what is in them.
void each_member(meta::type const& t, void const* at, std::string const& path, bool reloadable, int depth,
                 std::function<void(visited const&)> const& visit) {
  for (auto const& m : t.members) {
    visited const v{m, join(path, m.name), m.at_const(at), reloadable || m.about->reloadable, depth};
    visit(v);
    if (m.of->what == meta::kind::object) each_member(*m.of, v.value, v.key, v.reloadable, depth + 1, visit);
  }
}

std::string cell(std::string_view text) {
  std::string out;
  for (auto const c : text) {
    if (c == '|' || c == '<' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string sentence(std::string_view text) {
  if (text.empty() || text.ends_with('.') || text.ends_with('?')) return std::string{text};
  return std::string{text} + ".";
}

}  // namespace

namespace {

std::string row(meta::member const& m, std::string const& key, void const* value, bool reloadable,
                std::string_view prefix) {
  auto const& about = *m.about;
  auto const rules = rules_text(*m.of, about);
  return fmt::format("| `{}` | {}{} | `{}` | {} | `{}` | {} | {}{} |\n", key, cell(type_name(*m.of, about)),
                     rules.empty() ? "" : ": " + cell(rules), default_text(*m.of, value), about.unit,
                     variable_of(prefix, key), reloadable ? "yes" : "no", cell(sentence(about.help)),
                     about.deprecated ? " Deprecated." : "");
}

// The values of one struct in a table, then the structs in it, each with a heading of its own.
void section(meta::type const& t, void const* at, std::string const& path, bool reloadable, std::string_view prefix,
             std::string& out) {
  std::string rows;
  for (auto const& m : t.members)
    if (m.of->what != meta::kind::object)
      rows += row(m, join(path, m.name), m.at_const(at), reloadable || m.about->reloadable, prefix);
  if (!rows.empty())
    out +=
        "\n| key | type | default | unit | variable | reload | what it is for |\n| --- | --- | --- | --- | --- | --- | "
        "--- |\n" +
        rows;
  for (auto const& m : t.members) {
    if (m.of->what != meta::kind::object) continue;
    auto const key = join(path, m.name);
    out += fmt::format("\n## {}\n", key);
    if (!m.about->help.empty()) out += fmt::format("\n{}\n", cell(sentence(m.about->help)));
    section(*m.of, m.at_const(at), key, reloadable || m.about->reloadable, prefix, out);
  }
}

}  // namespace

std::string reference_markdown(meta::type const& t, void const* defaults, std::string_view prefix) {
  std::string out = fmt::format(
      "# Configuration\n\n"
      "Made from the settings' description; do not edit. Each key can be set in a YAML file, as an environment "
      "variable\n"
      "({0}HTTP__MAX_URI for http.max_uri) or as a flag (--http.max_uri=4096). Flags win over variables, variables "
      "over\n"
      "files, files over defaults. Durations need their unit (250ms, 30s, 15m, 12h, 7d); sizes may have one (16KB, "
      "1MB).\n"
      "A value may be ${{NAME}}, ${{NAME:-default}}, ${{env:NAME}} or ${{file:/run/secrets/name}}.\n",
      prefix);
  section(t, defaults, {}, false, prefix, out);
  return out;
}

std::string reference_yaml(meta::type const& t, void const* defaults, std::string_view prefix) {
  std::string out = "# Every setting at its default. Take the comment sign from a line to change it.\n";
  each_member(t, defaults, {}, false, 0, [&](visited const& v) {
    auto const& about = *v.member.about;
    std::string const indent(static_cast<std::size_t>(v.depth) * 2, ' ');
    if (v.member.of->what == meta::kind::object) {
      out += fmt::format("\n{}{}{}:\n", about.help.empty() ? "" : fmt::format("{}# {}\n", indent, sentence(about.help)),
                         indent, v.member.name);
      return;
    }
    auto said = sentence(about.help);
    auto const rules = rules_text(*v.member.of, about);
    said +=
        fmt::format("{}({}{}{}{}; {})", said.empty() ? "" : " ", type_name(*v.member.of, about),
                    about.unit.empty() || about.unit == "bytes" ? "" : fmt::format(", {}", about.unit),
                    rules.empty() ? "" : ": " + rules, v.reloadable ? "; reloadable" : "", variable_of(prefix, v.key));
    out +=
        fmt::format("{}# {}\n{}# {}: {}\n", indent, said, indent, v.member.name, default_text(*v.member.of, v.value));
  });
  return out;
}

}  // namespace slipway::config
