#include "services/preferences.hpp"

#include <slipway/json/path.hpp>

#include <cmath>
#include <cstdint>
#include <optional>

namespace app::services {
namespace {

constexpr double beyond_integers = 0x1p63;

// Integers of more than 64 bits come as the nearest number of floating point, or without a sign. No store keeps them as
// they were, so none is taken, nor any other number of their size.
bool is_too_large(json::value const& number) {
  if (number.is_double()) return std::abs(number.get_double()) >= beyond_integers;
  return number.is_uint64() && number.get_uint64() > static_cast<std::uint64_t>(INT64_MAX);
}

// The first thing that a document cannot have.
std::optional<field_error> first_wrong(json::value const& in, json::place const& at) {
  if (in.is_object()) {
    for (auto const& [key, value] : in.get_object()) {
      std::string_view const name{key};
      auto const here = at.member(name);
      if (name.empty() || name.front() == '$' || name.contains('.'))
        return field_error{json::pointer_to(here), "bad_key", "must not be empty, begin with $ or have a dot"};
      if (auto found = first_wrong(value, here)) return found;
    }
  } else if (in.is_array()) {
    std::size_t index = 0;
    for (auto const& each : in.get_array())
      if (auto found = first_wrong(each, at.element(index++))) return found;
  } else if (is_too_large(in)) {
    return field_error{json::pointer_to(at), "out_of_range", "must be a number of 64 bits with a sign"};
  }
  return std::nullopt;
}

}  // namespace

task<app::preferences> preferences::show(scope who) { return rows_.find(who); }

task<result<app::preferences>> preferences::write(scope who, std::optional<std::int64_t> expected, json::value values) {
  if (!expected) co_return co_await rows_.overwrite(who, std::move(values));
  auto now = co_await rows_.find(who);
  if (now.version != *expected) co_return fault::precondition_failed();
  now.values = std::move(values);
  co_return co_await rows_.save(who, std::move(now));
}

task<result<app::preferences>> preferences::save(scope who, std::optional<std::int64_t> expected, json::value values) {
  if (!values.is_object()) co_return fault::invalid({{"/values", "wrong_type", "must be an object"}});
  if (auto wrong = first_wrong(values, {.name = "/values"})) co_return fault::invalid({std::move(*wrong)});
  co_await ok(accounts_.find(who.user()));
  auto saved = co_await ok(write(who, expected, std::move(values)));
  // The store may be another one than the accounts', so no transaction holds both. Whoever closes an account removes its
  // preferences after it is closed: where that was before these were saved, it is seen here.
  if (auto account = co_await accounts_.find(who.user()); !account) {
    co_await rows_.remove(who);
    co_return std::move(account.error());
  }
  co_return saved;
}

}  // namespace app::services
