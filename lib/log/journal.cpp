#include <slipway/log/journal_core.hpp>

#include <thread>
#include <utility>

namespace slipway::log {
namespace {

// A failure is worth this much of a shard's time, once a jam.
constexpr std::chrono::milliseconds room_wait{50};

}  // namespace

journal_core::journal_core(settings const& s, journal::parts with, std::unique_ptr<sink> to)
    : clock_{with.clock},
      ids_of_{with.ids_of},
      secrets_{s.redact},
      common_{s.level},
      own_levels_{s.levels},
      own_{&named("log")},
      as_text_{s.format == format::text || (s.format == format::automatic && to->is_terminal())},
      colours_{as_text_ && to->is_terminal()},
      lanes_{s.buffer_bytes},
      writer_{lanes_, std::move(to), s.flush_every, [this] { report(); }} {}

channel& journal_core::named(std::string_view name) {
  std::scoped_lock lock{registry_};
  if (auto const found = channels_.find(name); found != channels_.end()) return *found->second;
  auto made = std::make_unique<channel>();
  made->name = name;
  made->core = this;
  auto const own = own_levels_.find(name);
  made->threshold = own != own_levels_.end() ? own->second : common_.load();
  return *channels_.emplace(std::string{name}, std::move(made)).first->second;
}

void journal_core::set_level(level l) noexcept {
  std::scoped_lock lock{registry_};
  common_ = l;
  for (auto& [name, c] : channels_)
    if (!own_levels_.contains(name)) c->threshold = l;
}

void journal_core::set_level(std::string_view name, level l) {
  std::scoped_lock lock{registry_};
  own_levels_.insert_or_assign(std::string{name}, l);
  if (auto const found = channels_.find(name); found != channels_.end()) found->second->threshold = l;
}

void journal_core::clear_level(std::string_view name) {
  std::scoped_lock lock{registry_};
  if (auto const own = own_levels_.find(name); own != own_levels_.end()) own_levels_.erase(own);
  if (auto const found = channels_.find(name); found != channels_.end()) found->second->threshold = common_.load();
}

std::map<std::string, level, std::less<>> journal_core::levels() const {
  std::scoped_lock lock{registry_};
  auto out = own_levels_;
  for (auto const& [name, c] : channels_) out.insert_or_assign(name, c->threshold.load());
  return out;
}

lane* journal_core::lane_of_this_thread() noexcept {
  try {
    return &lanes_.mine();
  } catch (std::bad_alloc const&) {
    lost_.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
}

char* journal_core::wait_for_room(lane& l, std::unique_lock<std::mutex>& lock) noexcept {
  if (l.jammed) return nullptr;
  auto const until = std::chrono::steady_clock::now() + room_wait;
  do {
    lock.unlock();
    writer_.notice(true);
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
    lock.lock();
    if (auto* at = l.reserve(); at != nullptr) return at;
  } while (std::chrono::steady_clock::now() < until);
  l.jammed = true;
  return nullptr;
}

void journal_core::write(channel const& by, level l, std::string_view message, std::span<field const> fields,
                         context const* operation) noexcept {
  record r{.time = {},
           .level = l,
           .logger = by.name,
           .message = message,
           .correlation_id = {},
           .trace = {},
           .fields = fields};
  if (operation != nullptr) {
    r.correlation_id = operation->correlation_id;
    if (operation->span != nullptr && ids_of_ != nullptr) r.trace = ids_of_(*operation->span);
  }
  submit(l >= level::error ? when_full::wait : when_full::drop, [&](line& out, std::string_view time) noexcept {
    r.time = time;
    return render(out, r);
  });
  if (l == level::fatal) writer_.flush(std::chrono::milliseconds{1000});
}

// On the writer's thread. What finds no room is said the next time.
void journal_core::report() {
  auto const say = [&](level l, std::string_view message, field const& about) {
    if (l < own_->threshold.load(std::memory_order_relaxed)) return true;
    return submit(when_full::decline, [&](line& out, std::string_view time) noexcept {
      return render(out, {.time = time,
                          .level = l,
                          .logger = own_->name,
                          .message = message,
                          .correlation_id = {},
                          .trace = {},
                          .fields = {&about, 1}});
    });
  };
  if (auto& wrong = writer_.reopen_error();
      !wrong.empty() && say(level::error, "log file cannot be opened again", {"error", wrong}))
    wrong.clear();
  auto const dropped = counters().dropped;
  if (dropped != reported_ && say(level::warn, "log lines were dropped", {"dropped", dropped - reported_}))
    reported_ = dropped;
}

journal_counters journal_core::counters() const noexcept {
  journal_counters sum{.dropped = lost_.load(std::memory_order_relaxed), .failed = writer_.failed()};
  for (std::size_t i = 0; i < lanes::most; ++i) {
    auto const* l = lanes_.at(i);
    if (l == nullptr) continue;
    sum.written += l->lines.load(std::memory_order_relaxed);
    sum.dropped += l->dropped.load(std::memory_order_relaxed);
    sum.truncated += l->truncated.load(std::memory_order_relaxed);
  }
  return sum;
}

void logger::write(level l, std::string_view message, fields about) const noexcept {
  channel_->core->write(*channel_, l, message, {about.begin(), about.size()}, operation_);
}

journal::journal(settings const& s) : journal{s, parts{}} {}
journal::journal(settings const& s, parts with) {
  auto to = with.output ? std::move(with.output) : open_sink(s.output);
  core_ = std::make_unique<journal_core>(s, std::move(with), std::move(to));
}
journal::~journal() = default;
logger journal::named(std::string_view name) { return logger{core_->named(name)}; }
void journal::set_level(level l) noexcept { core_->set_level(l); }
void journal::set_level(std::string_view name, level l) { core_->set_level(name, l); }
void journal::clear_level(std::string_view name) { core_->clear_level(name); }
level journal::common_level() const noexcept { return core_->common_level(); }
std::map<std::string, level, std::less<>> journal::levels() const { return core_->levels(); }
void journal::reopen() noexcept { core_->reopen(); }
bool journal::flush(std::chrono::milliseconds limit) noexcept { return core_->flush(limit); }
journal_counters journal::counters() const noexcept { return core_->counters(); }

}  // namespace slipway::log
