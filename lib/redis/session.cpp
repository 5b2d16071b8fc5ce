#include <slipway/redis/session.hpp>

#include <slipway/redis/part.hpp>

namespace slipway::redis {

using steady = std::chrono::steady_clock;

session::session(part& on, std::shared_ptr<node> where, std::shared_ptr<connection> link)
    : commands{&on.shared().names}, on_{&on}, where_{std::move(where)}, link_{std::move(link)} {}

session::session(session&& other) noexcept
    : commands{other.names_},
      on_{other.on_},
      where_{std::move(other.where_)},
      link_{std::move(other.link_)},
      watching_{other.watching_} {}

session::~session() {
  if (link_ == nullptr) return;
  if (watching_) link_->close("its session ended while it watched keys");
  where_->release(std::move(link_));
}

task<reply> session::call(std::vector<command> parts, milliseconds more) {
  auto* const operation = co_await this_context{};
  auto const watched = on_->shared().settings.watch != nullptr;
  auto const began = watched ? steady::now() : steady::time_point{};
  on_->counts().commands.add();
  for (auto const& each : parts) on_->check_slots(each);
  request r;
  r.parts = parts;
  r.of = operation;
  r.give_up = on_->home().coarse_now() + on_->shared().settings.request_timeout + more;
  if (operation != nullptr) r.give_up = std::min(r.give_up, operation->deadline);
  co_await call_on{*link_, r};
  std::exception_ptr failed = r.error;
  if (!failed && r.answer.is_error()) {
    try {
      auto const& text = r.early_error.empty() ? r.answer.text : r.early_error;
      if (auto const to = read_redirection(text, where_->to())) {
        on_->places().follow(*to);
        throw refused_error{to->ask ? "ASK" : "MOVED", "Redis at " + where_->to().text() +
                                                           ": the slot of this session's keys has moved to " +
                                                           to->to.text() + "; nothing was done, begin a new session"};
      }
      throw_error(where_->to().text(), text);
    } catch (...) {
      failed = std::current_exception();
    }
  }
  if (failed) on_->counts().errors.add();
  if (watched) on_->tell(parts.back(), where_.get(), began, failed, operation);
  if (failed) std::rethrow_exception(failed);
  co_return std::move(r.answer);
}

task<reply> session::send(command c) {
  std::vector<command> one;
  one.push_back(std::move(c));
  return call(std::move(one), milliseconds{0});
}

task<reply> session::run_long(command c, milliseconds most) {
  std::vector<command> one;
  one.push_back(std::move(c));
  return call(std::move(one), most);
}

task<std::vector<reply>> session::send_split(std::string_view name, texts keys, bool reads,
                                             std::vector<std::vector<std::size_t>>* places) {
  auto c = make(name);
  places->emplace_back();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    c.key(keys[i]);
    places->back().push_back(i);
  }
  if (reads) c.reads();
  std::vector<reply> out;
  out.push_back(co_await send(std::move(c)));
  co_return out;
}

task<> session::watch(texts keys) {
  auto c = make("WATCH");
  for (auto const& each : keys) c.key(each);
  if (keys.empty()) co_return;
  watching_ = true;
  (void)co_await send(std::move(c));
}

task<> session::unwatch() {
  (void)co_await send(make("UNWATCH"));
  watching_ = false;
}

task<std::optional<std::vector<reply>>> session::exec(std::vector<command> all) {
  std::vector<command> parts;
  parts.reserve(all.size() + 2);
  parts.push_back(command{"MULTI"});
  for (auto& each : all) parts.push_back(std::move(each));
  parts.push_back(command{"EXEC"});
  auto answer = co_await call(std::move(parts), milliseconds{0});
  watching_ = false;  // EXEC forgets what was watched, whatever came of it
  if (answer.is_nil()) co_return std::nullopt;
  co_return std::move(answer).as_list();
}

task<std::int64_t> session::wait_for_replicas(int count, milliseconds most) {
  auto answer = co_await run_long(make("WAIT").arg(count).arg(most.count()), most);
  co_return answer.as_integer();
}

}  // namespace slipway::redis
