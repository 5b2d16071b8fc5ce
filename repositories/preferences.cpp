#include "repositories/preferences.hpp"

#include <slipway/db/database.hpp>

namespace app::repositories {

task<app::preferences> preferences::find(scope who) {
  documents::collection<app::preferences> all{in_};
  auto found = co_await all.find(id_of<user>{who.user()});
  if (found) co_return std::move(*found);
  co_return app::preferences{.id = id_of<user>{who.user()}};
}

task<result<app::preferences>> preferences::save(scope who, app::preferences row) {
  documents::collection<app::preferences> all{in_};
  row.id = id_of<user>{who.user()};
  if (row.version > 0) co_return co_await all.replace(std::move(row));
  // Of two who save for the first time, one finds the other's.
  co_return co_await db::or_fault(all.insert(std::move(row)), "unique(preferences.id)",
                                  fault::precondition_failed("version_conflict"));
}

task<result<app::preferences>> preferences::overwrite(scope who, json::value values) {
  documents::collection<app::preferences> all{in_};
  // They come and go under several writers only while the account is closed.
  co_return co_await db::or_fault(all.upsert({.id = id_of<user>{who.user()}, .values = std::move(values)}),
                                  "unique(preferences.id)", fault::not_found());
}

task<> preferences::remove(scope who) {
  (void)co_await documents::collection<app::preferences>{in_}.remove(id_of<user>{who.user()});
}

}  // namespace app::repositories
