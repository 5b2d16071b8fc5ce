// Preferences as documents, in whichever store the settings name.
#pragma once

#include "models/preferences.hpp"

#include <slipway/core/fault.hpp>
#include <slipway/documents/collection.hpp>

namespace app::repositories {

class preferences {
 public:
  explicit preferences(documents::session& in) : in_{in} {}

  // With version 0 and nothing in it when none were ever saved.
  task<app::preferences> find(scope who);
  // precondition_failed when somebody saved since `row` was read.
  task<result<app::preferences>> save(scope who, app::preferences row);
  // Whichever version there is, or none. not_found when others go on to insert and remove them.
  task<result<app::preferences>> overwrite(scope who, json::value values);
  task<> remove(scope who);

 private:
  documents::session& in_;
};

}  // namespace app::repositories
