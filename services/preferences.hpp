// Preferences: a person's own.
#pragma once

#include "repositories/preferences.hpp"

#include <slipway/core/task.hpp>

namespace app::services {

class preferences {
 public:
  explicit preferences(repositories::preferences& rows) : rows_{rows} {}

  task<app::preferences> show(scope who);
  // precondition_failed unless `expected` is the present version; invalid for what is no object, and for keys that no
  // store can hold.
  task<result<app::preferences>> save(scope who, std::int64_t expected, json::value values);

 private:
  repositories::preferences& rows_;
};

}  // namespace app::services
