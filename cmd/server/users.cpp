// The commands of `users`.
#include "repositories/users.hpp"
#include "cmd/server/command_line.hpp"
#include "cmd/server/schema.hpp"
#include "services/users.hpp"

#include <slipway/core/errors.hpp>
#include <slipway/runtime/shards.hpp>

#include <boost/describe/enum_from_string.hpp>
#include <boost/describe/enum_to_string.hpp>
#include <boost/describe/enumerators.hpp>
#include <boost/mp11/algorithm.hpp>

#include <fmt/format.h>

namespace app {
namespace {

// What it was before; nothing where there is no such account.
task<std::optional<role>> give_role(db::database& database, std::string email, role wanted) {
  co_return co_await database.transaction([&](db::transaction& tx) -> task<std::optional<role>> {
    repositories::users users{tx};
    auto const found = co_await users.find_by_email(email);
    if (!found) co_return std::nullopt;
    auto account = co_await users.hold(found->id);
    if (!account) co_return std::nullopt;  // closed in this moment
    auto const before = account->role;
    account->role = wanted;
    if (before != wanted && !co_await users.update(std::move(*account))) co_return std::nullopt;
    co_return before;
  });
}

}  // namespace

std::vector<std::string> role_names() {
  std::vector<std::string> out;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<role>>(
      [&out](auto each) { out.emplace_back(each.name); });
  return out;
}

int users_role(invocation const& in, std::string const& email, std::string const& name) {
  role wanted{};
  if (!boost::describe::enum_from_string(name.c_str(), wanted))
    throw startup_error{exit_code::usage, fmt::format("'{}' is no role: {}", name, fmt::join(role_names(), ", "))};
  auto const loaded = in.load();
  shards on{1};
  auto database = db::connect(existing(loaded.value.database), on);
  refuse_pending(loaded.value, migrations_for(loaded.value), database, on);
  auto const address = services::normal_email(email);
  auto const before = on.run(give_role(database, address, wanted));
  if (!before)
    throw startup_error{exit_code::data,
                        fmt::format("there is no account {}: its owner signs up first (POST /v1/users)", address)};
  if (*before == wanted) {
    fmt::print("{} is {} already.\n", address, name);
    return 0;
  }
  fmt::print(
      "{} is {} now, and was {}. It counts from the next log-in or renewal of a session on; access tokens that were "
      "given "
      "out before hold as they are until they expire, {} s at most.\n",
      address, name, boost::describe::enum_to_string(*before, "?"),
      std::chrono::ceil<std::chrono::seconds>(loaded.value.auth.tokens.lifetime).count());
  return 0;
}

}  // namespace app
