#include "controllers/notes.hpp"

#include "controllers/pages.hpp"

namespace app::controllers {

namespace {

versioned<note_view> answer(note const& n) { return {view_of(n), etag_of(n.version)}; }

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
  auto const now = co_await ok(service_.show(who, id));
  if (!seen.matches(etag_of(now.version))) co_return fault::precondition_failed();
  co_return answer(co_await ok(service_.change(who, id, now.version, std::move(in.value))));
}

task<result<no_content>> notes::remove(scope who, path<id_of<note>> id) {
  co_await ok(service_.remove(who, id));
  co_return no_content{};
}

task<result<versioned<note_view>>> notes::restore(scope who, path<id_of<note>> id) {
  co_return answer(co_await ok(service_.restore(who, id)));
}

}  // namespace app::controllers
