#include "services/preferences.hpp"

namespace app::services {
namespace {

// The JSON pointer of the first key that a document cannot have; empty: there is none.
std::string bad_key(json::value const& in, std::string const& at) {
  if (in.is_object()) {
    for (auto const& [key, value] : in.get_object()) {
      std::string const name{key};
      if (name.empty() || name.front() == '$' || name.find('.') != std::string::npos) return at + "/" + name;
      if (auto found = bad_key(value, at + "/" + name); !found.empty()) return found;
    }
  } else if (in.is_array()) {
    std::size_t index = 0;
    for (auto const& each : in.get_array())
      if (auto found = bad_key(each, at + "/" + std::to_string(index++)); !found.empty()) return found;
  }
  return {};
}

}  // namespace

task<app::preferences> preferences::show(scope who) { return rows_.find(who); }

task<result<app::preferences>> preferences::save(scope who, std::int64_t expected, json::value values) {
  if (!values.is_object()) co_return fault::invalid({{"/values", "wrong_type", "must be an object"}});
  if (auto pointer = bad_key(values, "/values"); !pointer.empty())
    co_return fault::invalid({{std::move(pointer), "bad_key", "must not be empty, begin with $ or have a dot"}});
  auto now = co_await rows_.find(who);
  if (now.version != expected) co_return fault::precondition_failed();
  now.values = std::move(values);
  co_return co_await rows_.save(who, std::move(now));
}

}  // namespace app::services
