#pragma once

#include "services/preferences.hpp"

#include <slipway/api/parameters.hpp>
#include <slipway/api/results.hpp>

namespace app::controllers {

class preferences {
 public:
  explicit preferences(services::preferences& service) : service_{service} {}

  task<result<versioned<preferences_view>>> show(scope who);
  task<result<versioned<preferences_view>>> save(scope who, if_match seen, body<preferences_view> in);

 private:
  services::preferences& service_;
};

}  // namespace app::controllers
