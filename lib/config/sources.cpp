#include <slipway/config/sources.hpp>

#include <unistd.h>
#include <utility>

namespace slipway::config {
namespace {

bool looks_like_setting(std::string_view argument) noexcept {
  if (!argument.starts_with("--")) return false;
  auto const name = argument.substr(2, argument.find('=') - 2);
  auto const dot = name.find('.');
  // No setting begins with a digit; a command's own flag may ("--3.0").
  return dot != std::string_view::npos && dot != 0 && (name[0] < '0' || name[0] > '9');
}

}  // namespace

variables process_variables() {
  variables out;
  for (auto** at = ::environ; at != nullptr && *at != nullptr; ++at) {
    std::string_view const entry{*at};
    if (auto const equals = entry.find('='); equals != std::string_view::npos)
      out.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return out;
}

sources process_sources(std::string prefix) {
  sources out;
  out.prefix = std::move(prefix);
  out.variables = process_variables();
  if (auto const e = out.variables.find(out.prefix + "ENVIRONMENT"); e != out.variables.end() && !e->second.empty())
    out.environment = e->second;
  if (auto const d = out.variables.find(out.prefix + "CONFIG"); d != out.variables.end()) out.directory = d->second;
  return out;
}

std::vector<std::string> take_flags(std::vector<std::string>& arguments) {
  std::vector<std::string> flags, rest;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    auto const& a = arguments[i];
    auto const has_next = i + 1 < arguments.size();
    if (a == "--") {
      rest.insert(rest.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i), arguments.end());
      break;
    }
    if (a.starts_with("--set="))
      flags.push_back(a.substr(6));
    else if (a == "--set" && has_next)
      flags.push_back(arguments[++i]);
    else if (looks_like_setting(a) && a.find('=') != std::string::npos)
      flags.push_back(a.substr(2));
    else if (looks_like_setting(a) && has_next && !arguments[i + 1].starts_with("--"))
      flags.push_back(a.substr(2) + "=" + arguments[++i]);
    else if (looks_like_setting(a))
      flags.push_back(a.substr(2));  // the loader says that the value is missing
    else
      rest.push_back(a);
  }
  arguments = std::move(rest);
  return flags;
}

}  // namespace slipway::config
