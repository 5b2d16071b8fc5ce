#include <slipway/auth/jws.hpp>
#include <slipway/auth/key_state.hpp>
#include <slipway/auth/token_rules.hpp>
#include <slipway/auth/tokens.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace slipway::auth {
namespace {

constexpr std::size_t longest_kept = 2048;  // bytes of a token; longer ones are checked each time

// "at+jwt" or "application/at+jwt", in any case (RFC 9068, section 4).
bool is_access_token(std::string_view typ) {
  constexpr std::string_view prefix = "application/";
  auto const equal = [](std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, [](char x, char y) { return (x >= 'A' && x <= 'Z' ? x + 32 : x) == y; });
  };
  if (typ.size() == prefix.size() + access_token_type.size() && equal(typ.substr(0, prefix.size()), prefix))
    typ.remove_prefix(prefix.size());
  return equal(typ, access_token_type);
}

// Tokens that were found good. Four places for each hash; the one used longest ago goes.
class good_tokens {
 public:
  explicit good_tokens(std::uint32_t count)
      : slots_(count == 0 ? 0 : std::bit_ceil(std::max<std::uint32_t>(count, ways))) {}

  claims_ptr const* find(std::string_view token) noexcept {
    if (slots_.empty()) return nullptr;
    auto const h = hash(token);
    for (auto& s : set_of(h))
      if (s.hash == h && s.what && s.token == token) {
        s.used = ++ticks_;
        return &s.what;
      }
    return nullptr;
  }
  void keep(std::string_view token, claims_ptr what) {
    if (slots_.empty() || token.size() > longest_kept) return;
    auto const h = hash(token);
    auto set = set_of(h);
    auto& s = *std::ranges::min_element(set, {}, &slot::used);
    if (!s.what) ++kept_;
    s = {.hash = h, .used = ++ticks_, .token = std::string{token}, .what = std::move(what)};
  }
  void forget(std::string_view token) noexcept {
    auto const h = hash(token);
    for (auto& s : set_of(h))
      if (s.hash == h && s.what && s.token == token) {
        s = {};
        --kept_;
      }
  }
  void clear() noexcept {
    std::ranges::fill(slots_, slot{});
    kept_ = 0;
  }
  std::size_t kept() const noexcept { return kept_; }

 private:
  static constexpr std::uint32_t ways = 4;
  struct slot {
    std::uint64_t hash = 0, used = 0;
    std::string token;
    claims_ptr what;
  };

  // The end of a token is its signature, which is as good as random. Only good tokens are kept, so nobody can aim
  // at a place, and the whole token is compared after it.
  static std::uint64_t hash(std::string_view token) noexcept {
    std::array<char, 16> tail{};
    auto const size = std::min(token.size(), tail.size());
    std::memcpy(tail.data(), token.data() + token.size() - size, size);
    auto const halves = std::bit_cast<std::array<std::uint64_t, 2>>(tail);
    auto const mixed = (halves[0] ^ std::rotl(halves[1], 29)) * 0x9e3779b97f4a7c15u;
    return mixed ^ mixed >> 32;
  }
  std::span<slot> set_of(std::uint64_t h) noexcept {
    auto const sets = slots_.size() / ways;
    return std::span{slots_}.subspan((h & (sets - 1)) * ways, ways);
  }

  std::vector<slot> slots_;
  std::uint64_t ticks_ = 0;
  std::size_t kept_ = 0;
};

}  // namespace

struct token_verifier::state {
  token_settings settings;
  key_ring& ring;
  clock_source const& clock;
  good_tokens good;
  usage use{};
  std::uint64_t generation = 0;
  std::shared_ptr<key_ring::snapshot const> keys{};

  // Takes the keys in force, and forgets what was found good with others.
  void update_keys(time_point now) {
    if (keys && ring.generation() == generation && now < keys->next_change) return;
    generation = ring.generation();
    auto latest = ring.current();
    if (latest != keys) {
      keys = std::move(latest);
      generation = ring.generation();
      good.clear();
    }
  }

  result<void> check_times(claims const& c, time_point now) const {
    if (now >= c.expires_at + settings.leeway)
      return std::unexpected{fault::unauthenticated("token_expired").internal("the token has expired")};
    if (now + settings.leeway < c.issued_at) return std::unexpected{invalid_token("issued in the future")};
    if (c.not_before && now + settings.leeway < *c.not_before) return std::unexpected{invalid_token("not good yet")};
    return {};
  }

  result<claims> check(std::string_view token, time_point now) {
    auto signed_part = verify_jws(token, keys->keys);
    if (!signed_part) return std::unexpected{std::move(signed_part.error())};
    if (!is_access_token(signed_part->typ))
      return std::unexpected{invalid_token("not an access token: typ is not at+jwt")};
    auto parsed = parse_claims(signed_part->payload);
    if (!parsed) return parsed;
    if (parsed->issuer != settings.issuer) return std::unexpected{invalid_token("another issuer")};
    if (std::ranges::find(parsed->audience, settings.audience) == parsed->audience.end())
      return std::unexpected{invalid_token("for another audience")};
    if (parsed->subject.is_nil()) return std::unexpected{invalid_token("no subject")};
    if (auto timely = check_times(*parsed, now); !timely) return std::unexpected{std::move(timely.error())};
    return parsed;
  }

  // A key that another process made a moment ago is not known yet. True when it is now.
  bool find_new_key(std::string_view token, time_point now) {
    auto const parsed = parse_jws(token);
    if (!parsed || keys->keys.find(parsed->kid) != nullptr || !ring.reload_for_unknown_key()) return false;
    update_keys(now);
    return true;
  }
};

token_verifier::token_verifier(token_settings const& settings, key_ring& ring, clock_source const& clock)
    : state_{std::make_unique<state>(
          state{.settings = settings, .ring = ring, .clock = clock, .good = good_tokens{settings.cache}})} {}
token_verifier::token_verifier(token_verifier&&) noexcept = default;
token_verifier& token_verifier::operator=(token_verifier&&) noexcept = default;
token_verifier::~token_verifier() = default;

result<claims_ptr> token_verifier::verify(std::string_view token) {
  auto& s = *state_;
  auto const now = s.clock.now();
  s.update_keys(now);
  if (auto const* known = s.good.find(token)) {
    if (auto timely = s.check_times(**known, now); !timely) {
      if (timely.error().code() == "token_expired") s.good.forget(token);
      ++s.use.refused;
      return std::unexpected{std::move(timely.error())};
    }
    ++s.use.hits;
    return *known;
  }
  auto checked = s.check(token, now);
  if (!checked && s.find_new_key(token, now)) checked = s.check(token, now);
  if (!checked) {
    ++s.use.refused;
    return std::unexpected{std::move(checked.error())};
  }
  ++s.use.misses;
  auto what = std::make_shared<claims const>(*std::move(checked));
  s.good.keep(token, what);
  return what;
}

token_verifier::usage token_verifier::use() const noexcept {
  auto out = state_->use;
  out.kept = state_->good.kept();
  return out;
}

}  // namespace slipway::auth
