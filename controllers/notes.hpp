#pragma once

#include "models/note_file.hpp"
#include "services/notes.hpp"

#include <slipway/api/parameters.hpp>
#include <slipway/api/results.hpp>
#include <slipway/api/upload.hpp>

namespace app::controllers {

class notes {
 public:
  // An import may hold at most `import_count` notes.
  notes(services::notes& service, std::size_t import_count) : service_{service}, import_count_{import_count} {}

  task<result<page<note_view>>> list(scope who, query<note_query> in);
  task<result<created<versioned<note_view>>>> create(scope who, body<new_note> in);
  task<result<versioned<note_view>>> show(scope who, path<id_of<note>> id);
  task<result<versioned<note_view>>> change(scope who, path<id_of<note>> id, if_match seen, body<note_change> in);
  task<result<no_content>> remove(scope who, path<id_of<note>> id, std::optional<if_match> seen);
  // What was seen is the version that was deleted.
  task<result<versioned<note_view>>> restore(scope who, path<id_of<note>> id, std::optional<if_match> seen);
  task<result<download>> export_all(scope who, http::exchange& x, header<"Accept"> accept, query<note_export_query> in);
  task<result<import_report>> import_file(scope who, upload<"file"> in);

 private:
  services::notes& service_;
  std::size_t import_count_;
};

}  // namespace app::controllers
