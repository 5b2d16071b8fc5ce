#include <slipway/documents/sweep.hpp>

namespace slipway::documents::detail {
namespace {

constexpr std::int64_t most = 1000;

}  // namespace

task<std::int64_t> remove_expired(session& from, collection_info const& in) {
  if (in.expires_by == nullptr) co_return 0;
  auto const before = from.clock().now() - in.expires_after;
  filter_node old{.op = filter_op::less, .at = in.expires_by};
  old.values.push_back(node::of(std::int64_t{before.time_since_epoch().count()}));
  find_request what{.in = &in, .where = old, .limit = most};
  what.only.push_back(in.expires_by);
  auto const found = co_await from.find(std::move(what));
  if (found.empty()) co_return 0;
  filter_node those{.op = filter_op::in, .at = &id_place};
  for (auto const& each : found) those.values.push_back(*each.find("id"));
  // Still old, because somebody may have used it meanwhile.
  filter_node both{.op = filter_op::all_of};
  both.inside.push_back(std::move(those));
  both.inside.push_back(std::move(old));
  co_return co_await from.remove(in, std::move(both));
}

}  // namespace slipway::documents::detail
