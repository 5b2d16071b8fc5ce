#include "controllers/note_events.hpp"

#include <slipway/json/writer.hpp>

namespace app::controllers {

note_events::note_events(shards& on, content::event_settings settings, clock_source const& clock)
    : hub_{on, std::move(settings)}, clock_{clock} {}

task<result<event_feed>> note_events::listen(scope who, header<"Last-Event-ID"> last) {
  auto until = std::chrono::steady_clock::time_point::max();
  if (who.until() != time_point::max()) until = clock_.steady() + (who.until() - clock_.now());
  co_return event_feed{hub_.subscribe({.last_event_id = last.value,
                                       .topic = id_of<user>{who.user()}.text(),
                                       .holder = who.session().text(),
                                       .until = until})};
}

void note_events::publish(scope who, note_happening what, note_event const& e) {
  std::string type{"note."};
  for (auto const& name : meta::describe<note_happening>.enumerators)
    if (name.value == static_cast<std::int64_t>(what)) type += name.name;
  hub_.publish({.data = json::write(e), .event = type, .id = id_of<note_event>::make(clock_).text()},
               id_of<user>{who.user()}.text());
}

void note_events::happened(scope who, note_happening what, note const& n) {
  note_event e{.id = n.id};
  if (what != note_happening::deleted) e.etag = etag_of(n.version);
  publish(who, what, e);
}

void note_events::imported(scope who, std::size_t count) {
  publish(who, note_happening::imported, {.count = static_cast<std::int64_t>(count)});
}

void note_events::session_ended(id_of<user> owner, uuid session) {
  hub_.end(owner.text(), [ended = session.text()](std::string_view holder) { return holder == ended; });
}

void note_events::sessions_ended(id_of<user> owner, std::optional<uuid> except) {
  hub_.end(owner.text(), [kept = except ? except->text() : std::string{}](std::string_view holder) {
    return kept.empty() || holder != kept;
  });
}

}  // namespace app::controllers
