#include <slipway/db/statement_cache.hpp>

namespace slipway::db::detail {

statement_ref statement_cache::keep(std::string_view shape, std::unique_ptr<statement> made) {
  if (all_.size() >= max_statements) return statement_ref::unkept(std::move(made));
  made->id = static_cast<std::uint32_t>(all_.size() + 1);
  auto const& stays = all_.emplace_back(kept{std::string{shape}, std::move(made)});
  if (all_.size() * 2 > places_.size())
    grow();
  else
    put(stays.shape, *stays.what);
  return {stays.what.get(), nullptr};
}

void statement_cache::grow() {
  places_.assign(places_.empty() ? 64 : places_.size() * 2, {});
  mask_ = places_.size() - 1;
  for (auto const& each : all_) put(each.shape, *each.what);
}

void statement_cache::put(std::string_view shape, statement const& what) noexcept {
  auto const h = hash(shape);
  auto at = h & mask_;
  while (places_[at].what != nullptr) at = (at + 1) & mask_;
  places_[at] = {h, shape, &what};
}

void shape_key::spill(std::string_view part) {
  if (size_ <= capacity) spill_.assign(small_, size_);
  size_ = capacity + 1;
  spill_ += part;
}

}  // namespace slipway::db::detail
