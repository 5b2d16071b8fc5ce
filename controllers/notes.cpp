#include "controllers/notes.hpp"

#include "controllers/note_files.hpp"
#include "controllers/pages.hpp"

#include <slipway/content/fields.hpp>
#include <slipway/content/negotiation.hpp>
#include <slipway/runtime/yield.hpp>

#include <array>

namespace app::controllers {

namespace {

versioned<note_view> answer(note const& n) { return {view_of(n), etag_of(n.version)}; }

result<note_format> format_for(note_export_query const& in, std::string_view accept) {
  if (in.format) return *in.format;
  std::array const offered{media_type_of(note_format::ndjson), media_type_of(note_format::csv)};
  auto const chosen = content::choose_media_type(accept, offered);
  if (!chosen) return std::unexpected(fault::not_acceptable());
  return static_cast<note_format>(*chosen);
}

}  // namespace

task<result<page<note_view>>> notes::list(scope who, query<note_query> in) {
  co_return views_of(co_await ok(service_.list(who, std::move(in.value))));
}

task<result<created<versioned<note_view>>>> notes::create(scope who, body<new_note> in) {
  auto n = co_await ok(service_.create(who, std::move(in.value)));
  co_return created{answer(n), location("/v1/notes/{}", n.id)};
}

task<result<versioned<note_view>>> notes::show(scope who, path<id_of<note>> id) {
  co_return answer(co_await ok(service_.show(who, id)));
}

task<result<versioned<note_view>>> notes::change(scope who, path<id_of<note>> id, if_match seen, body<note_change> in) {
  if (seen.any()) co_return answer(co_await ok(service_.change(who, id, std::move(in.value))));
  auto n = co_await ok(service_.show(who, id));
  if (!seen.matches(etag_of(n.version))) co_return fault::precondition_failed();
  co_return answer(co_await ok(service_.change(who, std::move(n), std::move(in.value))));
}

task<result<no_content>> notes::remove(scope who, path<id_of<note>> id, std::optional<if_match> seen) {
  std::optional<std::int64_t> expected;
  if (seen && !seen->any()) {
    expected = (co_await ok(service_.show(who, id))).version;
    if (!seen->matches(etag_of(*expected))) co_return fault::precondition_failed();
  }
  co_await ok(service_.remove(who, id, expected));
  co_return no_content{};
}

task<result<versioned<note_view>>> notes::restore(scope who, path<id_of<note>> id, std::optional<if_match> seen) {
  std::optional<std::int64_t> expected;
  if (seen && !seen->any()) {
    expected = co_await ok(service_.deleted_version(who, id));
    if (!seen->matches(etag_of(*expected))) co_return fault::precondition_failed();
  }
  co_return answer(co_await ok(service_.restore(who, id, expected)));
}

task<result<download>> notes::export_all(scope who, http::exchange& x, header<"Accept"> accept,
                                         query<note_export_query> in) {
  if (!in->format) content::add_vary(x, "Accept");
  auto const format = co_await ok(format_for(in.value, accept.value));
  // The first page comes before the answer begins, so that a database that is away is still a 503.
  auto first = co_await ok(service_.list(who, {.sort = note_order::oldest, .limit = 100}));
  co_return download{.media_type = std::string{media_type_of(format)},
                     .file_name = format == note_format::csv ? "notes.csv" : "notes.ndjson",
                     .source = export_notes(service_, who, std::move(first), format)};
}

task<result<import_report>> notes::import_file(scope who, upload<"file"> in) {
  auto& file = *co_await ok(in.file());
  auto const format = note_format_of(file.content_type(), file.file_name());
  if (!format)
    co_return fault::unsupported_media_type().detail(
        "Send the file as application/x-ndjson or text/csv, or name it so that it ends in .ndjson or .csv.");
  auto const reader = note_reader::make(*format, import_count_);
  for (bool more = true; more;) {
    auto const piece = co_await file.next();
    more = !piece.empty();
    reader->feed(piece);
    while (reader->read()) co_await yield();
    co_await yield();  // the next piece may be here already
  }
  co_await ok(in.end());
  auto notes = co_await ok(reader->take());
  co_return import_report{static_cast<std::int64_t>(co_await ok(service_.import_all(who, std::move(notes))))};
}

}  // namespace app::controllers
