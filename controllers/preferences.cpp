#include "controllers/preferences.hpp"

namespace app::controllers {

namespace {

// One path shows everybody their own, so the tag says whose it is: a browser asks for the next account with the tag that it
// kept of the one before, and a mere number would be confirmed as the same document.
std::string tag_of(app::preferences const& p) { return fmt::format("\"{}-{}\"", p.id.text(), p.version); }

versioned<preferences_view> answer(app::preferences p) {
  auto tag = tag_of(p);
  return {{std::move(p.values)}, std::move(tag)};
}

}  // namespace

task<result<versioned<preferences_view>>> preferences::show(scope who) {
  co_return answer(co_await service_.show(who));
}

task<result<versioned<preferences_view>>> preferences::save(scope who, if_match seen, body<preferences_view> in) {
  std::optional<std::int64_t> expected;
  if (!seen.any()) {
    auto const now = co_await service_.show(who);
    if (!seen.matches(tag_of(now))) co_return fault::precondition_failed();
    expected = now.version;
  }
  co_return answer(co_await ok(service_.save(who, expected, std::move(in->values))));
}

}  // namespace app::controllers
