// Preferences: a person's own.
#pragma once

#include "repositories/preferences.hpp"
#include "repositories/users.hpp"

#include <slipway/core/task.hpp>

namespace app::services {

class preferences {
 public:
  preferences(repositories::preferences& rows, repositories::users& accounts) : rows_{rows}, accounts_{accounts} {}

  task<app::preferences> show(scope who);
  // With `expected`: precondition_failed unless it is the present version. invalid for what is no object, and for keys
  // and numbers that no store can hold; not_found once the account is closed, however late that is while this lasts.
  task<result<app::preferences>> save(scope who, std::optional<std::int64_t> expected, json::value values);

 private:
  task<result<app::preferences>> write(scope who, std::optional<std::int64_t> expected, json::value values);

  repositories::preferences& rows_;
  repositories::users& accounts_;
};

}  // namespace app::services
