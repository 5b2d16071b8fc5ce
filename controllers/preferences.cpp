#include "controllers/preferences.hpp"

namespace app::controllers {

namespace {

versioned<preferences_view> answer(app::preferences p) { return {{std::move(p.values)}, etag_of(p.version)}; }

}  // namespace

task<result<versioned<preferences_view>>> preferences::show(scope who) {
  co_return answer(co_await service_.show(who));
}

task<result<versioned<preferences_view>>> preferences::save(scope who, if_match seen, body<preferences_view> in) {
  auto const now = co_await service_.show(who);
  if (!seen.matches(etag_of(now.version))) co_return fault::precondition_failed();
  co_return answer(co_await ok(service_.save(who, now.version, std::move(in->values))));
}

}  // namespace app::controllers
