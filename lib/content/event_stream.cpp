#include <slipway/content/event_stream.hpp>

#include <slipway/content/fields.hpp>
#include <slipway/core/assert.hpp>
#include <slipway/core/one_shot.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <stdexcept>

namespace slipway::content {
namespace {

constexpr std::size_t longest_id = 256;
constexpr std::size_t gathered = 32 * 1024;  // events that wait are sent together up to about this size

// Formatted once and shared by every queue that it waits in.
struct entry {
  std::string id, wire, topic;
};
using shared_entry = std::shared_ptr<entry const>;

void require_line(std::string_view text, char const* what) {
  if (text.find_first_of(std::string_view{"\r\n\0", 3}) != text.npos)
    throw std::invalid_argument{std::string{what} + " of an event holds a line end or NUL"};
}

void add_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  out += value;
  out += '\n';
}

class subscriber;

using members = std::vector<subscriber*>;  // a null is a hole that somebody left while a list was walked

struct local_hub {
  members all;
  std::map<std::string, members, std::less<>> topics;
  std::vector<std::string> torn;  // topics with holes
  std::size_t count = 0;
  int walks = 0;
  bool closed = false;
  std::deque<shared_entry> history;
  std::size_t history_bytes = 0;
  shard::ticker heartbeat;
};

}  // namespace

struct event_hub::impl : std::enable_shared_from_this<impl> {
  impl(shards& s, event_settings es) : on{s}, settings{std::move(es)}, hubs{s.size()} {
    auto const note = [](std::string const& type) -> shared_entry {
      if (type.empty()) return nullptr;
      return std::make_shared<entry const>(entry{{}, to_wire({.event = type}), {}});
    };
    missed = note(settings.missed_event);
    ended = note(settings.ended_event);
    if (settings.retry)
      hello =
          std::make_shared<entry const>(entry{{}, "retry: " + std::to_string(settings.retry->count()) + "\n\n", {}});
  }

  // On the first shard, which gives everything its order, and from there on each.
  void on_all(std::function<void()> work);
  template <class F>
  void each(local_hub& hub, members& of, F visit);
  void end_here(std::string const& topic, std::function<bool(std::string_view)> const& whose);
  void deliver(shared_entry const& e);
  void beat();
  void close_here();
  void leave(subscriber& s) noexcept;

  shards& on;
  event_settings settings;
  per_shard<local_hub> hubs;
  shared_entry missed, ended, hello;
  shared_entry const comment = std::make_shared<entry const>(entry{{}, ":\n\n", {}});
  std::atomic<std::uint64_t> subscribers{0}, published{0}, dropped{0};
};

namespace {

class subscriber final : public http::body_source {
 public:
  subscriber(std::shared_ptr<event_hub::impl> hub, subscription s) noexcept
      : hub_{std::move(hub)},
        topic_{std::move(s.topic)},
        holder_{std::move(s.holder)},
        until_{s.until},
        last_sent_{shard::current().coarse_now()} {}
  subscriber(subscriber const&) = delete;
  subscriber& operator=(subscriber const&) = delete;
  ~subscriber() override { hub_->leave(*this); }

  task<std::string_view> next() override {
    if (waiting_.empty() && !over_) {
      one_shot wake;
      awaiting_ in_wait{*this, wake};
      co_await wake;
    }
    piece_.clear();
    while (!waiting_.empty() && piece_.size() < gathered) {
      bytes_ -= waiting_.front()->wire.size();
      piece_ += waiting_.front()->wire;
      waiting_.pop_front();
    }
    last_sent_ = shard::current().coarse_now();
    co_return piece_;
  }

  // False: it has fallen too far behind, and its stream ends when it is read next.
  bool push(shared_entry const& e) {
    if (over_) return true;
    if (waiting_.size() >= hub_->settings.queue_events || bytes_ + e->wire.size() > hub_->settings.queue_bytes) {
      waiting_.clear();
      bytes_ = 0;
      finish(hub_->missed);
      return false;
    }
    bytes_ += e->wire.size();
    waiting_.push_back(e);
    return true;
  }
  // What it missed is more than can be made up for.
  void restart() {
    waiting_.clear();
    bytes_ = 0;
    over_ = false;
    for (auto const& first : {hub_->hello, hub_->missed})
      if (first) push(first);
  }
  // Ends the stream behind what waits and this last word, if any.
  void finish(shared_entry const& word) {
    if (std::exchange(over_, true) || !word) return;
    bytes_ += word->wire.size();
    waiting_.push_back(word);
  }
  std::string const& topic() const noexcept { return topic_; }
  std::string const& holder() const noexcept { return holder_; }
  bool is_over(std::chrono::steady_clock::time_point now) const noexcept { return now >= until_; }
  bool idle_since(std::chrono::steady_clock::time_point t) const noexcept {
    return wake_ != nullptr && waiting_.empty() && last_sent_ <= t;
  }
  // The last step of whoever calls: the reader goes on at once, and may destroy this.
  void wake() {
    if (auto* w = std::exchange(wake_, nullptr)) w->fire();
  }

 private:
  // However the wait ends, nobody may fire what is gone.
  struct awaiting_ {
    subscriber& self;
    awaiting_(subscriber& s, one_shot& w) noexcept : self{s} { self.wake_ = &w; }
    ~awaiting_() { self.wake_ = nullptr; }
  };

  std::shared_ptr<event_hub::impl> hub_;
  std::string topic_, holder_;
  std::chrono::steady_clock::time_point until_;
  std::deque<shared_entry> waiting_;
  std::size_t bytes_ = 0;
  std::string piece_;
  one_shot* wake_ = nullptr;
  bool over_ = false;
  std::chrono::steady_clock::time_point last_sent_;
};

// After the end of the hub, and for those who come too late.
class no_events final : public http::body_source {
 public:
  task<std::string_view> next() override { co_return std::string_view{}; }
};

}  // namespace

void event_hub::impl::on_all(std::function<void()> work) {
  on[0].post([me = shared_from_this(), work = std::move(work)] {
    for (unsigned i = 1; i < me->on.size(); ++i) me->on[i].post([me, work] { work(); });
    work();
  });
}

// Visits the subscribers of one list. A visit may wake its reader, which may leave, join others or publish.
template <class F>
void event_hub::impl::each(local_hub& hub, members& of, F visit) {
  ++hub.walks;
  // Who joins meanwhile has what is being delivered from the history, or came too late for it.
  for (std::size_t i = 0, before = of.size(); i < before; ++i)
    if (of[i] != nullptr) visit(*of[i]);
  if (--hub.walks > 0) return;
  std::erase(hub.all, nullptr);
  for (auto const& name : std::exchange(hub.torn, {}))
    if (auto const at = hub.topics.find(name); at != hub.topics.end()) {
      std::erase(at->second, nullptr);
      if (at->second.empty()) hub.topics.erase(at);
    }
}

void event_hub::impl::deliver(shared_entry const& e) {
  auto& hub = hubs.local();
  if (hub.closed) return;
  hub.history.push_back(e);
  hub.history_bytes += e->wire.size();
  while (hub.history.size() > settings.history || hub.history_bytes > settings.history_bytes) {
    hub.history_bytes -= hub.history.front()->wire.size();
    hub.history.pop_front();
  }
  auto const to = hub.topics.find(e->topic);
  if (to == hub.topics.end()) return;
  each(hub, to->second, [&](subscriber& s) {
    if (!s.push(e)) dropped.fetch_add(1, std::memory_order_relaxed);
    s.wake();
  });
}

void event_hub::impl::beat() {
  auto const keep = shared_from_this();  // the last subscriber may take the hub with it
  auto& hub = hubs.local();
  auto const now = shard::current().coarse_now();
  each(hub, hub.all, [&](subscriber& s) {
    if (s.is_over(now))
      s.finish(ended);
    else if (s.idle_since(now - settings.heartbeat))
      s.push(comment);
    else
      return;
    s.wake();
  });
}

void event_hub::impl::end_here(std::string const& topic, std::function<bool(std::string_view)> const& whose) {
  auto& hub = hubs.local();
  auto const of = hub.topics.find(topic);
  if (of == hub.topics.end()) return;
  each(hub, of->second, [&](subscriber& s) {
    if (!whose(s.holder())) return;
    s.finish(ended);
    s.wake();
  });
}

void event_hub::impl::close_here() {
  auto& hub = hubs.local();
  hub.closed = true;
  each(hub, hub.all, [](subscriber& s) {
    s.finish(nullptr);
    s.wake();
  });
}

void event_hub::impl::leave(subscriber& s) noexcept {
  auto& hub = hubs.local();
  auto const at = std::ranges::find(hub.all, &s);
  if (at == hub.all.end()) return;
  auto const topic = hub.topics.find(s.topic());
  auto const in_topic = std::ranges::find(topic->second, &s);
  if (hub.walks > 0) {
    *at = *in_topic = nullptr;
    hub.torn.push_back(s.topic());
  } else {
    hub.all.erase(at);
    topic->second.erase(in_topic);
    if (topic->second.empty()) hub.topics.erase(topic);
  }
  subscribers.fetch_sub(1, std::memory_order_relaxed);
  if (--hub.count == 0) hub.heartbeat = {};
}

std::string to_wire(server_event const& e) {
  require_line(e.event, "the type");
  require_line(e.id, "the id");
  if (e.data.contains('\0')) throw std::invalid_argument{"the data of an event holds a NUL"};
  std::string out;
  out.reserve(e.data.size() + e.id.size() + e.event.size() + 64);
  if (e.retry) add_field(out, "retry", std::to_string(std::max<std::int64_t>(e.retry->count(), 0)));
  if (!e.id.empty()) add_field(out, "id", e.id);
  if (!e.event.empty()) add_field(out, "event", e.event);
  for (auto rest = e.data;;) {  // CR, LF and CRLF all end a line
    auto const end = rest.find_first_of("\r\n");
    add_field(out, "data", rest.substr(0, end));
    if (end == rest.npos) break;
    rest.remove_prefix(end + (rest.substr(end).starts_with("\r\n") ? 2 : 1));
  }
  out += '\n';
  return out;
}

event_hub::event_hub(shards& on, event_settings settings) : impl_{std::make_shared<impl>(on, std::move(settings))} {}
event_hub::~event_hub() { bug(impl_->subscribers.load() == 0, "an event hub went while somebody listened"); }

void event_hub::publish(server_event const& e, std::string_view topic) {
  auto const shared = std::make_shared<entry const>(entry{std::string{e.id}, to_wire(e), std::string{topic}});
  impl_->published.fetch_add(1, std::memory_order_relaxed);
  impl_->on_all([hub = impl_.get(), shared] { hub->deliver(shared); });
}

std::unique_ptr<http::body_source> event_hub::subscribe(subscription s) {
  auto& hub = impl_->hubs.local();
  if (hub.closed) return std::make_unique<no_events>();
  auto const known = hub.topics.find(s.topic);
  if (hub.count >= impl_->settings.subscribers ||
      (known != hub.topics.end() && known->second.size() >= impl_->settings.subscribers_of_topic))
    throw unavailable_error{"too many subscribers to a stream of events", std::chrono::seconds{5}};
  if (hub.count == 0) hub.heartbeat = shard::current().on_tick([raw = impl_.get()] { raw->beat(); });
  auto const last_event_id = s.last_event_id;
  auto stream = std::make_unique<subscriber>(impl_, std::move(s));
  if (impl_->hello) stream->push(impl_->hello);
  if (!last_event_id.empty()) {
    auto const last = std::ranges::find_if(
        hub.history, [&](shared_entry const& e) { return e->id == last_event_id && e->topic == stream->topic(); });
    bool const all = last != hub.history.end() && std::all_of(last + 1, hub.history.end(), [&](shared_entry const& e) {
                       return e->topic != stream->topic() || stream->push(e);
                     });
    if (!all) stream->restart();
  }
  hub.all.push_back(stream.get());
  hub.topics[stream->topic()].push_back(stream.get());
  ++hub.count;
  impl_->subscribers.fetch_add(1, std::memory_order_relaxed);
  return stream;
}

void event_hub::end(std::string_view topic, std::function<bool(std::string_view holder)> whose) {
  impl_->on_all(
      [hub = impl_.get(), topic = std::string{topic}, whose = std::move(whose)] { hub->end_here(topic, whose); });
}

void event_hub::close() {
  impl_->on_all([hub = impl_.get()] { hub->close_here(); });
}

event_hub::counters event_hub::count() const noexcept {
  return {impl_->subscribers.load(std::memory_order_relaxed), impl_->published.load(std::memory_order_relaxed),
          impl_->dropped.load(std::memory_order_relaxed)};
}

std::string_view last_event_id(http::request const& r) noexcept {
  auto const id = r.header("Last-Event-ID");
  return id.size() <= longest_id && is_field_text(id) ? id : std::string_view{};
}

void answer_events(http::exchange& x, std::unique_ptr<http::body_source> stream) {
  x.response.status = 200;
  x.response.content_type = "text/event-stream";
  x.response.add("Cache-Control", "no-store");
  x.response.add("X-Accel-Buffering", "no");  // nginx would hold events back
  x.response.stream = std::move(stream);
  x.response.open_ended = true;
}

}  // namespace slipway::content
