#include <slipway/config/loader.hpp>

#include <slipway/config/bind.hpp>
#include <slipway/config/dotenv.hpp>
#include <slipway/config/files.hpp>
#include <slipway/config/overlay.hpp>
#include <slipway/config/rules.hpp>
#include <slipway/config/substitute.hpp>
#include <slipway/config/yaml.hpp>

#include <fmt/format.h>

#include <cerrno>
#include <set>
#include <utility>

namespace slipway::config {
namespace {

bool is_environment_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= 64 && name != "base" && name != "local" &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
             std::string_view::npos;
}

class reading {
 public:
  reading(meta::type const& t, sources const& from, provenance& came, std::vector<problem>& problems)
      : type_{t}, from_{from}, came_{came}, problems_{problems} {}

  node tree() {
    node merged{.what = node::shape::map};
    auto known = variables_with_dotenv();
    substitution with{known, problems_, came_.referenced_files};
    auto const lay = [&](node over, bool whole_only) {
      substitute_all(over, with, whole_only);
      lay_over(merged, std::move(over));
    };
    if (!from_.directory.empty()) {
      lay(file("base.yaml", true), false);
      if (!is_environment_name(from_.environment))
        problems_.push_back({from_.prefix + "ENVIRONMENT", "",
                             "must be a name of letters, digits, - and _, such as development or production"});
      else
        lay(file(from_.environment + ".yaml", from_.environment != "development"), false);
      lay(file("local.yaml", false), false);
    }
    lay(from_variables(
            type_, from_, known, [this](std::string const& name) { return place_of(name); }, problems_),
        true);
    lay(from_flags(type_, from_.flags, problems_), true);
    return merged;
  }

 private:
  node file(std::string const& name, bool required) {
    auto const path = (from_.directory / name).string();
    node nothing{.what = node::shape::map};
    auto const text = read_file(path, most_file_bytes);
    if (!text) {
      if (text.error().error == ENOENT && !required) return nothing;
      auto const remedy = text.error().error != ENOENT ? std::string{"make it readable for this user"}
                          : name == "base.yaml"
                              ? fmt::format("start in the directory that holds {}, or set {}CONFIG",
                                            from_.directory.string(), from_.prefix)
                              : fmt::format("create it (it may be empty), or correct {}ENVIRONMENT", from_.prefix);
      problems_.push_back({path, "", fmt::format("{}; {}", text.error().message, remedy)});
      return nothing;
    }
    came_.files.push_back(path);
    auto parsed = parse_yaml(*text, path, problems_);
    if (!parsed) return nothing;
    if (parsed->what == node::shape::map) return std::move(*parsed);
    problems_.push_back({parsed->place.text(), "", "the file must hold keys and values, such as \"http:\""});
    return nothing;
  }

  // What the environment says, and below it what .env says.
  variables variables_with_dotenv() {
    auto known = from_.variables;
    if (from_.environment != "development" || from_.dotenv.empty()) return known;
    auto const path = from_.dotenv.string();
    auto const text = read_file(path, most_file_bytes);
    if (!text) {
      if (text.error().error != ENOENT)
        problems_.push_back(
            {path, "", fmt::format("{}; make it readable for this user or remove it", text.error().message)});
      return known;
    }
    came_.files.push_back(path);
    for (auto& [name, value] : parse_dotenv(*text, path, problems_))
      if (known.emplace(name, std::move(value.text)).second) dotenv_lines_.emplace(name, value.line);
    return known;
  }

  place place_of(std::string const& name) const {
    auto const line = dotenv_lines_.find(name);
    return line == dotenv_lines_.end() ? place{name, 0, 0} : place{from_.dotenv.string(), line->second, 0};
  }

  meta::type const& type_;
  sources const& from_;
  provenance& came_;
  std::vector<problem>& problems_;
  std::map<std::string, int, std::less<>> dotenv_lines_;
};

}  // namespace

std::string problem::text() const {
  std::string out = where;
  if (!key.empty()) out += (out.empty() ? "" : ": ") + key;
  return out + (out.empty() ? "" : ": ") + message;
}

std::string at_its_place(provenance const& came, std::string_view key, std::string_view message) {
  for (auto at = came.from.lower_bound(key); at != came.from.end() && at->first.starts_with(key); ++at)
    if (auto const rest = std::string_view{at->first}.substr(key.size());
        rest.empty() || rest[0] == '.' || rest[0] == '[')
      return fmt::format("{}: {}", at->second, message);
  return std::string{message};
}

std::vector<problem> load_into(meta::type const& t, void* settings, sources const& from, provenance& came) {
  std::vector<problem> problems;
  auto const tree = reading{t, from, came, problems}.tree();
  binding in{t, problems, came, {}, {}};
  bind(in, tree, settings);
  check_rules(in, settings, from.prefix);
  if (from.is_production()) check_secrets(in, settings);
  return problems;
}

std::string to_text(std::vector<problem> const& problems) {
  auto out = fmt::format("{} with the configuration:",
                         problems.size() == 1 ? "a problem" : fmt::format("{} problems", problems.size()));
  for (auto const& p : problems) out += "\n  " + p.text();
  return out;
}

}  // namespace slipway::config
