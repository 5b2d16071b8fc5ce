// Notes as a file holds them: one line of NDJSON, or one record of CSV, for each.
#pragma once

#include "models/note.hpp"

#include <slipway/json/writer.hpp>

namespace app {

enum class note_format { ndjson, csv };
BOOST_DESCRIBE_ENUM(note_format, ndjson, csv)

// An export's line is a note_view; this is what an import takes of it.
struct note_record {
  std::optional<id_of<note>> id;  // read and passed over: what is imported is a new note
  std::string title;
  std::string body;
  std::vector<std::string> tags;
  bool pinned = false;
  std::optional<time_point> created_at, updated_at;
};
BOOST_DESCRIBE_STRUCT(note_record, (), (id, title, body, tags, pinned, created_at, updated_at))

struct note_export_query {
  std::optional<note_format> format;
};
BOOST_DESCRIBE_STRUCT(note_export_query, (), (format))

struct import_report {
  std::int64_t imported = 0;
};
BOOST_DESCRIBE_STRUCT(import_report, (), (imported))

}  // namespace app

template <>
inline constexpr auto slipway::rules_of<app::note_record> =
    slipway::rules(field(&app::note_record::title).not_blank().max_length(200),
                   field(&app::note_record::body).optional().max_length(50'000),
                   field(&app::note_record::tags).optional().max_items(20).max_length(100).unique_items(),
                   field(&app::note_record::pinned).optional());

template <>
inline constexpr auto slipway::rules_of<app::note_export_query> =
    slipway::rules(field(&app::note_export_query::format)
                       .example(R"("ndjson")")
                       .help("The form of the file; without it, Accept decides, and NDJSON is it"));

template <>
inline constexpr auto slipway::rules_of<app::import_report> = slipway::rules(field(&app::import_report::imported)
                                                                                 .minimum(0)
                                                                                 .maximum(json::max_exact_integer)
                                                                                 .unit("notes")
                                                                                 .example("12")
                                                                                 .help("How many notes were made"));
