#include <slipway/auth/key_files.hpp>
#include <slipway/auth/key_ring.hpp>

#include <slipway/core/errors.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>

namespace slipway::auth {
namespace {

using entries = std::vector<key_ring::entry>;
constexpr std::chrono::seconds between_reloads{10};

// When the key at `index` retires: its successor's beginning and then some.
time_point end_of(entries const& all, std::size_t index, std::chrono::milliseconds retire_after) {
  return index + 1 < all.size() ? all[index + 1].since + retire_after : time_point::max();
}

std::shared_ptr<key_ring::snapshot const> make_snapshot(entries const& all, std::chrono::milliseconds retire_after,
                                                        time_point now) {
  auto out = std::make_shared<key_ring::snapshot>();
  std::vector<key> verifying;
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto const until = end_of(all, i, retire_after);
    if (until <= now) continue;
    out->entries.push_back(all[i]);
    verifying.push_back(all[i].key);
    for (auto const change : {all[i].since, until})
      if (change > now) out->next_change = std::min(out->next_change, change);
  }
  auto set = key_set::of(std::move(verifying));
  if (!set)
    throw startup_error{exit_code::config,
                        fmt::format("the signing keys do not go together: {}", set.error().more().internal)};
  out->keys = *std::move(set);
  // The youngest that has begun; before the first has (a clock that went back), the first.
  auto const not_begun = std::ranges::find_if(out->entries, [now](key_ring::entry const& e) { return e.since > now; });
  auto const& signer = not_begun == out->entries.begin() ? *not_begun : *std::prev(not_begun);
  if (!signer.key.can_sign())
    throw startup_error{exit_code::config, fmt::format("the key {} should sign and holds only a public half",
                                                       signer.file.empty() ? signer.key.kid() : signer.file)};
  out->signing = &signer.key;
  return out;
}

}  // namespace

struct key_ring::state {
  state(key_settings told, std::optional<key_files> from, clock_source const& time, random_source& chance)
      : settings{std::move(told)}, files{std::move(from)}, clock{time}, random{chance} {}

  key_settings settings;
  std::optional<key_files> files;  // none: the keys came from elsewhere
  clock_source const& clock;
  random_source& random;
  mutable std::mutex mutex{};
  std::atomic<std::uint64_t> generation{1};
  entries all{};
  std::shared_ptr<snapshot const> now{};
  std::chrono::steady_clock::time_point tried{};
  bool has_tried = false;

  // The caller holds the mutex, or is the constructor. Nothing changes when it throws.
  void set(entries latest) {
    if (latest.empty())
      throw startup_error{
          exit_code::config,
          fmt::format("there is no signing key in {}: run `slipway keys rotate`, which makes the first one, or set "
                      "auth.keys.create",
                      settings.directory)};
    auto made = make_snapshot(latest, settings.retire_after, clock.now());
    all = std::move(latest);
    now = std::move(made);
    generation.fetch_add(1, std::memory_order_release);
  }

  entries read_or_create() {
    auto found = files->read();
    if (!found.empty() || !settings.create) return found;
    make_first_key(settings, clock, random);
    return files->read();
  }

  bool same_as(entries const& other) const {
    return std::ranges::equal(
        all, other, [](entry const& a, entry const& b) { return a.since == b.since && a.key.kid() == b.key.kid(); });
  }
};

key_ring::key_ring(key_settings const& settings, clock_source const& clock, random_source& random)
    : state_{std::make_unique<state>(settings, key_files{settings.directory}, clock, random)} {
  state_->set(state_->read_or_create());
}

key_ring::key_ring(std::vector<entry> keys, std::chrono::milliseconds retire_after, clock_source const& clock)
    : state_{std::make_unique<state>(key_settings{.directory = "memory", .retire_after = retire_after}, std::nullopt,
                                     clock, system_random())} {
  std::ranges::sort(keys, {}, &entry::since);
  state_->set(std::move(keys));
}

key_ring::~key_ring() = default;

std::shared_ptr<key_ring::snapshot const> key_ring::current() const {
  auto& s = *state_;
  std::lock_guard lock{s.mutex};
  if (auto const now = s.clock.now(); now >= s.now->next_change) {
    s.now = make_snapshot(s.all, s.settings.retire_after, now);
    s.generation.fetch_add(1, std::memory_order_release);
  }
  return s.now;
}

std::uint64_t key_ring::generation() const noexcept { return state_->generation.load(std::memory_order_acquire); }

std::string key_ring::jwks() const { return current()->keys.jwks(); }

void key_ring::reload() {
  auto& s = *state_;
  if (!s.files) return;
  auto latest = s.files->read();
  std::lock_guard lock{s.mutex};
  if (!s.same_as(latest)) s.set(std::move(latest));
}

bool key_ring::reload_for_unknown_key() noexcept {
  auto& s = *state_;
  if (!s.files) return false;
  auto const before = generation();
  {
    std::lock_guard lock{s.mutex};
    auto const now = s.clock.steady();
    if (s.has_tried && now - s.tried < between_reloads) return false;
    s.has_tried = true;
    s.tried = now;
  }
  try {
    reload();
  } catch (std::exception const&) {
    return false;  // the old keys stay; `reload` at the next start or signal says what is wrong
  }
  return generation() != before;
}

std::string key_ring::rotate(std::chrono::seconds after) {
  auto& s = *state_;
  if (!s.files) throw std::logic_error{"these keys are not files: rotate them where they come from"};
  s.files->make_directory();
  key_files::lock const alone{*s.files};
  auto found = s.files->read();
  auto since = std::chrono::floor<std::chrono::seconds>(s.clock.now()) + after;
  if (!found.empty() && since <= found.back().since)
    since = std::chrono::floor<std::chrono::seconds>(found.back().since) + std::chrono::seconds{1};
  auto const made = key::generate(s.settings.algorithm, s.random);
  s.files->write(made, since);
  found = s.files->read();
  for (std::size_t i = 0; i < found.size(); ++i)
    if (end_of(found, i, s.settings.retire_after) <= s.clock.now()) s.files->remove(found[i].file);
  reload();
  return made.kid();
}

std::optional<std::string> make_first_key(key_settings const& settings, clock_source const& clock,
                                          random_source& random) {
  key_files const files{settings.directory};
  files.make_directory();
  key_files::lock const alone{files};
  if (!files.read().empty()) return std::nullopt;  // perhaps another process was faster
  auto const made = key::generate(settings.algorithm, random);
  files.write(made, clock.now());
  return made.kid();
}

}  // namespace slipway::auth
