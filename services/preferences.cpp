#include "services/preferences.hpp"

#include <slipway/json/path.hpp>

#include <optional>

namespace app::services {
namespace {

// The JSON pointer of the first key that a document cannot have.
std::optional<std::string> bad_key(json::value const& in, json::place const& at) {
  if (in.is_object()) {
    for (auto const& [key, value] : in.get_object()) {
      std::string_view const name{key};
      auto const here = at.member(name);
      if (name.empty() || name.front() == '$' || name.contains('.')) return json::pointer_to(here);
      if (auto found = bad_key(value, here)) return found;
    }
  } else if (in.is_array()) {
    std::size_t index = 0;
    for (auto const& each : in.get_array())
      if (auto found = bad_key(each, at.element(index++))) return found;
  }
  return std::nullopt;
}

}  // namespace

task<app::preferences> preferences::show(scope who) { return rows_.find(who); }

task<result<app::preferences>> preferences::save(scope who, std::int64_t expected, json::value values) {
  if (!values.is_object()) co_return fault::invalid({{"/values", "wrong_type", "must be an object"}});
  if (auto pointer = bad_key(values, {.name = "/values"}))
    co_return fault::invalid({{std::move(*pointer), "bad_key", "must not be empty, begin with $ or have a dot"}});
  auto now = co_await rows_.find(who);
  if (now.version != expected) co_return fault::precondition_failed();
  now.values = std::move(values);
  co_return co_await rows_.save(who, std::move(now));
}

}  // namespace app::services
