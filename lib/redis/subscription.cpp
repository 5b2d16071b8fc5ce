#include <slipway/redis/subscription.hpp>

#include <slipway/redis/errors.hpp>
#include <slipway/redis/part.hpp>

#include <algorithm>
#include <deque>
#include <set>

namespace slipway::redis {

using steady = std::chrono::steady_clock;

class subscriber final : public std::enable_shared_from_this<subscriber>, public ward, stream::user {
 public:
  subscriber(part& on, std::vector<std::string> channels, std::vector<std::string> patterns,
             subscription_options options)
      : on_{on},
        prefix_{on.shared().names.prefix},
        channels_(channels.begin(), channels.end()),
        patterns_(patterns.begin(), patterns.end()),
        most_{std::max<std::size_t>(options.queue, 1)} {}

  // Runs until `close`.
  task<> live();
  task<> first_time();
  task<pub_sub_event> next();
  void add(std::string channel);
  void remove(std::string const& channel);

  void tick(steady::time_point now) override;
  void close(std::string const& why) noexcept override;

 private:
  void on_bytes(std::string_view bytes) override;
  void on_sent() override {}
  void on_closed(std::string const& why) override { drop(why); }
  task<std::shared_ptr<stream>> open_one();
  void ask(char const* verb, std::set<std::string> const& names);
  void take(reply message);
  void confirmed();
  void push(pub_sub_event event);
  void drop(std::string const& why);
  void wake();

  part& on_;
  std::string const prefix_;
  std::set<std::string> channels_, patterns_;
  std::size_t const most_;
  std::shared_ptr<stream> bytes_;
  std::unique_ptr<reply_parser> parser_;
  std::size_t unconfirmed_ = 0;
  unsigned failures_ = 0;  // since the server last confirmed everything
  steady::time_point heard_{}, asked_{};
  bool pinged_ = false;
  std::deque<pub_sub_event> queue_;
  std::uint64_t lost_ = 0;  // messages that found the queue full
  bool missed_ = false;     // something did, if only a gap
  std::string problem_;
  one_shot* reader_ = nullptr;
  one_shot* ended_ = nullptr;  // of the present connection
  one_shot* first_ = nullptr;
  bool confirmed_once_ = false, closed_ = false;
  context life_;
};

task<std::shared_ptr<stream>> subscriber::open_one() {
  auto where = co_await on_.node_for(command::no_slot);
  auto link = co_await connection::open(on_.shared(), on_.home(), where->to(), connection::use::own);
  on_.counts().connects.add();
  co_return link->hand_over();
}

task<> subscriber::live() {
  auto const keep = shared_from_this();
  while (!closed_) {
    try {
      bytes_ = co_await open_one();
      if (closed_) break;
      auto const& s = on_.shared().settings;
      parser_ = std::make_unique<reply_parser>(
          reply_parser::limits{.bytes = static_cast<std::size_t>(s.max_reply), .elements = s.max_elements});
      heard_ = asked_ = on_.home().coarse_now();
      pinged_ = false;
      unconfirmed_ = channels_.size() + patterns_.size();
      one_shot ended;
      ended_ = &ended;
      bytes_->listen(*this);
      ask("SUBSCRIBE", channels_);
      ask("PSUBSCRIBE", patterns_);
      if (unconfirmed_ == 0) confirmed();
      co_await ended;
      on_.counts().lost.add();
    } catch (connect_error const& why) {
      problem_ = why.what();
      on_.counts().connect_errors.add();
    } catch (unavailable_error const& why) {
      problem_ = why.what();
    } catch (cancelled_error const&) {
      break;
    }
    ended_ = nullptr;
    if (closed_) break;
    try {
      auto const most = std::chrono::milliseconds{25} * (1u << std::min(failures_++, 5u));
      co_await sleep_for(on_.shared().jittered(most));
    } catch (cancelled_error const&) {
      break;
    }
  }
  ended_ = nullptr;
  if (bytes_) bytes_->close();
  closed_ = true;
  wake();
}

void subscriber::ask(char const* verb, std::set<std::string> const& names) {
  if (names.empty() || bytes_ == nullptr || !bytes_->is_open()) return;
  command c{verb};
  for (auto const& each : names) c.arg(prefix_ + each);
  c.write_to(bytes_->output());
  bytes_->send();
}

void subscriber::add(std::string channel) {
  auto const [at, is_new] = channels_.insert(std::move(channel));
  if (is_new) ask("SUBSCRIBE", {*at});
}
void subscriber::remove(std::string const& channel) {
  if (channels_.erase(channel) != 0) ask("UNSUBSCRIBE", {channel});
}

void subscriber::on_bytes(std::string_view bytes) {
  auto const keep = shared_from_this();
  heard_ = on_.home().coarse_now();
  pinged_ = false;
  constexpr std::size_t piece = 8 << 10;
  while (!bytes.empty() && bytes_->is_open()) {
    parser_->feed(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    reply message;
    for (;;) {
      auto const state = parser_->next(message);
      if (state == reply_parser::state::need_more) break;
      if (state == reply_parser::state::broken) return drop(parser_->problem());
      if (message.is_error()) return drop(message.text);  // NOPERM: the ACL forbids the channel
      take(std::move(message));
      if (!bytes_->is_open()) return;
    }
  }
}

void subscriber::take(reply message) {
  auto& parts = message.items;
  if (parts.size() < 2) return;
  auto const& kind = parts[0].text;
  auto const plain = [this](std::string const& name) { return name.substr(std::min(prefix_.size(), name.size())); };
  if (kind == "message" && parts.size() == 3) {
    push({.channel = plain(parts[1].text), .payload = std::move(parts[2].text), .pattern = {}});
  } else if (kind == "pmessage" && parts.size() == 4) {
    push({.channel = plain(parts[2].text), .payload = std::move(parts[3].text), .pattern = plain(parts[1].text)});
  } else if ((kind == "subscribe" || kind == "psubscribe") && unconfirmed_ > 0) {
    if (--unconfirmed_ == 0) confirmed();
  }
}

// From here on everything is heard, so this is where a gap ends: whoever is told earlier may read what is kept, and miss
// what is published between that and this.
void subscriber::confirmed() {
  failures_ = 0;
  if (std::exchange(confirmed_once_, true)) {
    on_.counts().gaps.add();
    push({.what = pub_sub_event::kind::gap});
  }
  if (first_ != nullptr) std::exchange(first_, nullptr)->fire();
}

void subscriber::push(pub_sub_event event) {
  if (queue_.size() >= most_) {
    missed_ = true;
    lost_ += queue_.front().what == pub_sub_event::kind::message ? 1 : 0;
    queue_.pop_front();
    on_.counts().gaps.add();
  }
  queue_.push_back(std::move(event));
  wake();
}

void subscriber::wake() {
  if (reader_ != nullptr) std::exchange(reader_, nullptr)->fire();
  if (closed_ && first_ != nullptr) std::exchange(first_, nullptr)->fire();
}

void subscriber::drop(std::string const& why) {
  problem_ = why;
  bytes_->close();
  if (ended_ != nullptr) std::exchange(ended_, nullptr)->fire();
}

void subscriber::tick(steady::time_point now) {
  auto const keep = shared_from_this();
  if (bytes_ == nullptr || !bytes_->is_open() || ended_ == nullptr) return;
  auto const& s = on_.shared().settings;
  if (pinged_ || unconfirmed_ > 0) {
    if (now - std::max(heard_, asked_) >= s.request_timeout) drop("the server is silent");
    return;
  }
  if (now - heard_ < s.health_interval) return;
  pinged_ = true;
  asked_ = now;
  command{"PING"}.write_to(bytes_->output());
  bytes_->send();
}

void subscriber::close(std::string const& why) noexcept {
  if (closed_) return;
  auto const keep = shared_from_this();
  closed_ = true;
  problem_ = why;
  if (bytes_) bytes_->close();
  life_.cancel(cancel_reason::shutdown);
  if (ended_ != nullptr) std::exchange(ended_, nullptr)->fire();
  wake();
}

task<pub_sub_event> subscriber::next() {
  for (;;) {
    if (std::exchange(missed_, false))
      co_return pub_sub_event{.what = pub_sub_event::kind::gap,
                              .channel = {},
                              .payload = {},
                              .pattern = {},
                              .lost = std::exchange(lost_, 0)};
    if (!queue_.empty()) {
      auto event = std::move(queue_.front());
      queue_.pop_front();
      co_return event;
    }
    if (closed_) throw unavailable_error{"Redis: the subscription is over: " + problem_};
    one_shot news;
    struct leave {
      subscriber& me;
      ~leave() { me.reader_ = nullptr; }
    } const on_leaving{*this};
    reader_ = &news;
    co_await news;
  }
}

task<> subscriber::first_time() {
  auto const limit = on_.shared().settings.connect_timeout + on_.shared().settings.request_timeout;
  one_shot ready;
  struct leave {
    subscriber& me;
    ~leave() { me.first_ = nullptr; }
  } const on_leaving{*this};
  first_ = &ready;
  on_.look_after(weak_from_this());
  on_.tasks().start([](std::shared_ptr<subscriber> me) -> task<> {
    co_await detail::with_context{&me->life_};
    co_await me->live();
  }(shared_from_this()));
  auto const give_up = on_.home().on_tick([this, until = steady::now() + limit] {
    if (steady::now() >= until && first_ != nullptr) std::exchange(first_, nullptr)->fire();
  });
  if (!confirmed_once_) co_await ready;
  if (!confirmed_once_)
    throw lost_error{"Redis: the subscription was not confirmed in " + std::to_string(limit.count()) +
                         " ms: " + (problem_.empty() ? std::string{"no answer"} : problem_),
                     false};
}

subscription& subscription::operator=(subscription&& other) noexcept {
  std::swap(behind_, other.behind_);
  return *this;
}
subscription::~subscription() {
  if (behind_) behind_->close("it was given up");
}
task<pub_sub_event> subscription::next() { return behind_->next(); }
void subscription::add(std::string channel) { behind_->add(std::move(channel)); }
void subscription::remove(std::string const& channel) { behind_->remove(channel); }

task<subscription> open_subscription(part& on, std::vector<std::string> channels, std::vector<std::string> patterns,
                                     subscription_options options) {
  auto behind = std::make_shared<subscriber>(on, std::move(channels), std::move(patterns), options);
  subscription out{behind};
  co_await behind->first_time();
  co_return out;
}

}  // namespace slipway::redis
