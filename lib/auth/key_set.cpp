#include <slipway/auth/key_state.hpp>
#include <slipway/auth/members.hpp>

#include <algorithm>

namespace slipway::auth {

result<key_set> key_set::of(std::vector<key> keys) {
  auto const is_secret = [](key const& k) { return k.alg() == algorithm::hs256; };
  if (std::ranges::any_of(keys, is_secret) && !std::ranges::all_of(keys, is_secret))
    return std::unexpected{unusable_key("a set that mixes HS256 secrets with public keys")};
  std::vector<std::string_view> kids;
  kids.reserve(keys.size());
  for (auto const& k : keys) kids.push_back(k.kid());
  std::ranges::sort(kids);
  if (auto const twice = std::ranges::adjacent_find(kids); twice != kids.end())
    return std::unexpected{unusable_key("two keys with the id " + std::string{*twice})};
  key_set out;
  out.keys_ = std::move(keys);
  return out;
}

result<key_set> key_set::from_jwks(std::string_view json) {
  constexpr std::size_t max_keys = 64;
  auto const document = read_members(json);
  auto const* list = document ? document->find("keys") : nullptr;
  if (list == nullptr || list->what != json_kind::list || list->children.size() > max_keys)
    return std::unexpected{unusable_key("not a JWK set of at most 64 keys")};
  std::vector<key> keys;
  for (auto const& each : list->children) {
    auto made = key::from_jwk(each.json);
    if (!made) return std::unexpected{std::move(made.error())};
    keys.push_back(*std::move(made));
  }
  return of(std::move(keys));
}

key const* key_set::find(std::string_view kid) const noexcept {
  auto const found = std::ranges::find_if(keys_, [kid](key const& k) { return k.kid() == kid; });
  return found != keys_.end() ? &*found : nullptr;
}

std::string key_set::jwks() const {
  std::string out = R"({"keys":[)";
  bool first = true;
  for (auto const& k : keys_) {
    if (k.public_jwk().empty()) continue;
    if (!first) out += ',';
    first = false;
    out += k.public_jwk();
  }
  return out + "]}";
}

}  // namespace slipway::auth
