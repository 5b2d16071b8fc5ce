#pragma once

#include "services/notes.hpp"

#include <slipway/api/parameters.hpp>
#include <slipway/api/results.hpp>

namespace app::controllers {

class notes {
 public:
  explicit notes(services::notes& service) : service_{service} {}

  task<result<page<note_view>>> list(scope who, query<note_query> in);
  task<result<created<versioned<note_view>>>> create(scope who, body<new_note> in);
  task<result<versioned<note_view>>> show(scope who, path<id_of<note>> id);
  task<result<versioned<note_view>>> change(scope who, path<id_of<note>> id, if_match seen, body<note_change> in);
  task<result<no_content>> remove(scope who, path<id_of<note>> id);
  task<result<versioned<note_view>>> restore(scope who, path<id_of<note>> id);

 private:
  services::notes& service_;
};

}  // namespace app::controllers
