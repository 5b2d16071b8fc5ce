#include <slipway/redis/connection.hpp>

#include <slipway/redis/errors.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>

namespace slipway::redis {
namespace {

// How much is handed to the system at once. What lies behind it can still be given up without having been sent.
constexpr std::size_t enough_output = 64 << 10;

reply_parser::limits limits_of(settings const& s) noexcept {
  return {.bytes = static_cast<std::size_t>(s.max_reply), .elements = s.max_elements};
}

// What a refusal at the start means for trying again.
[[noreturn]] void refuse(std::string_view text) {
  auto const code = code_of(text);
  auto const is_final = code == "NOAUTH" || code == "WRONGPASS" || code == "NOPERM" || code == "DENIED" ||
                        text.starts_with("ERR AUTH") || text.starts_with("ERR invalid password") ||
                        text.starts_with("ERR DB index");
  std::string what{text.substr(0, 200)};
  if (what.ends_with('.')) what.pop_back();  // it becomes a part of our sentence
  if (code == "NOAUTH") what += " (write the password into redis.url or redis.password)";
  throw connect_error{what, is_final};
}

introduction read_hello(reply r) {
  introduction out;
  if (r.what != reply::kind::list) return out;
  for (std::size_t i = 0; i + 1 < r.items.size(); i += 2) {
    auto const& name = r.items[i].text;
    auto& value = r.items[i + 1].text;
    auto* const to = name == "version" ? &out.version
                     : name == "mode"  ? &out.mode
                     : name == "role"  ? &out.role
                                       : nullptr;
    if (to != nullptr) *to = std::move(value);
  }
  return out;
}

void check_mode(core const& shared, connection::use what, std::string const& server) {
  if (server.empty()) return;
  auto const wanted = what == connection::use::sentinel     ? "sentinel"
                      : shared.target.mode == mode::cluster ? "cluster"
                                                            : "standalone";
  if (server == wanted) return;
  if (server == "cluster")
    throw connect_error{"it is a node of a cluster: write redis+cluster://host:port in redis.url", true};
  if (server == "sentinel")
    throw connect_error{"it is a Sentinel: write redis+sentinel://host:port/master-name in redis.url", true};
  throw connect_error{std::string{"it is no "} +
                          (wanted == std::string_view{"sentinel"} ? "Sentinel" : "node of a cluster") +
                          " but a server that stands alone: write redis://host:port in redis.url",
                      true};
}

}  // namespace

connection::connection(core const& shared, shard& home, std::shared_ptr<stream> bytes, use what)
    : shared_{shared}, home_{home}, stream_{std::move(bytes)}, pipeline_{limits_of(shared.settings)}, use_{what} {
  quiet_since_ = front_since_ = home.coarse_now();
}

connection::~connection() {
  if (open_) stream_->close();
}

task<std::shared_ptr<connection>> connection::open(core const& shared, shard& home, endpoint to, use what) {
  co_await uncancellable();
  auto bytes = co_await stream::open(home, std::move(to), shared.secure.get(), shared.settings.connect_timeout);
  auto made = std::make_shared<connection>(shared, home, std::move(bytes), what);
  made->stream_->listen(*made);
  std::exception_ptr failed;
  try {
    auto const ticker = home.on_tick([&made, &home] { made->tick(home.coarse_now()); });
    co_await made->introduce();
  } catch (connect_error const&) {
    failed = std::current_exception();
  } catch (std::runtime_error const& why) {
    failed = std::make_exception_ptr(connect_error{why.what(), made->stream_->is_refused()});
  }
  if (failed) {
    made->close("the connection was not accepted");
    std::rethrow_exception(failed);
  }
  co_return made;
}

task<> connection::introduce() {
  auto const& s = shared_.settings;
  auto const sentinel = use_ == use::sentinel;
  auto const& user = sentinel ? s.sentinel_user : !s.user.empty() ? s.user : shared_.target.user;
  auto const& password = sentinel ? s.sentinel_password : !s.password.empty() ? s.password : shared_.target.password;
  std::vector<command> all;
  if (!password.empty()) {
    auto& auth = all.emplace_back("AUTH");
    if (!user.empty()) auth.arg(user);
    auth.arg(password);
  }
  all.emplace_back("HELLO");
  if (!sentinel && shared_.target.database != 0) all.emplace_back("SELECT").arg(shared_.target.database);
  // Without it a replica sends every command on to its master.
  if (use_ == use::reading && shared_.target.mode == mode::cluster) all.emplace_back("READONLY");
  all.emplace_back("PING");
  if (!s.client_name.empty()) all.emplace_back("CLIENT").arg("SETNAME").arg(s.client_name);
  // One request each, because each answer is looked at; they go out together.
  std::vector<request> asked(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    asked[i].parts = {&all[i], 1};
    asked[i].give_up = request::clock::now() + s.connect_timeout;
    asked[i].waiting = std::noop_coroutine();
  }
  for (std::size_t i = 0; i + 1 < asked.size(); ++i) submit(asked[i]);
  co_await call_on{*this, asked.back()};
  for (std::size_t i = 0; i < asked.size(); ++i) {
    auto& each = asked[i];
    if (each.error) std::rethrow_exception(each.error);
    auto const name = all[i].name();
    if (name == "HELLO" && !each.answer.is_error()) about_ = read_hello(std::move(each.answer));
    if (name == "PING" && !each.answer.is_error() && each.answer.text != "PONG")
      throw connect_error{"it answers PING in another way than Redis", true};
    // A server that is older than HELLO, or whose ACL forbids names of clients, serves all the same.
    if (!each.answer.is_error() || name == "CLIENT") continue;
    // One that is loading, or waits for its master, will serve soon; until then each command is told why not.
    if (name == "PING" && passes(code_of(each.answer.text)) && code_of(each.answer.text) != "NOAUTH") continue;
    if (name == "HELLO" && (each.answer.text.starts_with("ERR unknown") || code_of(each.answer.text) == "NOPERM"))
      continue;
    refuse(each.answer.text);
  }
  check_mode(shared_, use_, about_.mode);
}

void connection::submit(request& r) {
  r.owner = this;
  if (r.of != nullptr) {
    r.fire = [](context::hook& h, cancel_reason why) {
      auto& me = static_cast<request&>(h);
      static_cast<connection*>(me.owner)->give_up(me, std::make_exception_ptr(cancelled_error{why}));
    };
    r.of->add(r);
  }
  if (!pipeline_.awaits_answers()) front_since_ = home_.coarse_now();
  pipeline_.push(r);
  schedule();
}

// One turn of the loop later, so that what other requests ask for in this turn goes with it.
void connection::schedule() {
  if (scheduled_ || reading_) return;
  scheduled_ = true;
  boost::asio::post(home_.io(), [self = shared_from_this()] {
    self->scheduled_ = false;
    self->flush();
  });
}

void connection::flush() {
  auto const keep = shared_from_this();
  while (open_ && pipeline_.has_backlog() && !stream_->is_sending()) {
    pipeline_.fill(stream_->output(), enough_output);
    stream_->send();
  }
}

void connection::on_bytes(std::string_view bytes) {
  auto const keep = shared_from_this();
  reading_ = true;
  auto const good = pipeline_.feed(bytes);
  reading_ = false;
  if (!open_) return;
  if (!good) return end(pipeline_.problem(), true);
  if (pipeline_.has_backlog()) flush();
}

void connection::give_up(request& r, std::exception_ptr why) {
  auto const keep = shared_from_this();
  auto const was_sent = r.where == request::place::flying;
  pipeline_.give_up(r);
  // Whatever the server does for it must not be done for the next one, and a pop that blocks must not pop later. It is
  // said before the coroutine goes on, which may give the connection back at once.
  auto const spoiled = use_ != use::shared && use_ != use::reading && was_sent;
  if (spoiled) dirty_ = true;
  fail(r, std::move(why));
  if (spoiled) end("a command of its own connection was given up", false);
}

std::exception_ptr connection::late_error(request const& r, request::clock::time_point now) const {
  if (r.of != nullptr && r.of->deadline <= now)
    return std::make_exception_ptr(cancelled_error{cancel_reason::deadline});
  return std::make_exception_ptr(lost_error{
      "Redis at " + to().text() + " did not answer in " + std::to_string(shared_.settings.request_timeout.count()) +
          " ms" + (r.sent ? "; the command may have been done" : "; the command was not sent"),
      r.sent});
}

void connection::tick(request::clock::time_point now) {
  auto const keep = shared_from_this();
  // A coroutine that goes on may do anything, so the search begins again after each.
  while (open_) {
    auto* const late = pipeline_.late(now);
    if (late == nullptr) break;
    give_up(*late, late_error(*late, now));
  }
  if (!open_ || use_ == use::own) return;
  if (pipeline_.answered() != seen_) {
    seen_ = pipeline_.answered();
    front_since_ = quiet_since_ = now;
  }
  if (!pipeline_.awaits_answers()) {
    if (now - quiet_since_ < shared_.settings.health_interval) return;
    quiet_since_ = front_since_ = now;
    pipeline_.fill_own(stream_->output(), command{"PING"});
    return stream_->send();
  }
  if (now - front_since_ >= shared_.settings.request_timeout) end("it is silent", true);
}

std::shared_ptr<stream> connection::hand_over() noexcept {
  open_ = false;
  return stream_;
}

void connection::close(std::string const& why) noexcept { end(why, false); }

void connection::end(std::string const& why, bool tell) noexcept {
  if (!open_) return;
  auto const keep = shared_from_this();
  open_ = false;
  stream_->close();
  auto const place = "Redis at " + to().text() + ": ";
  if (pipeline_.too_large())
    if (auto* const asked = pipeline_.front(); asked != nullptr) {
      pipeline_.give_up(*asked);
      fail(*asked, std::make_exception_ptr(
                       error{"TOO_LARGE", place + "the answer is larger than redis.max_reply or redis.max_elements "
                                                  "allow; ask for less at once (SCAN, LRANGE), or raise them"}));
    }
  auto all = pipeline_.take_all();
  for (auto* r = all.first(); r != nullptr; r = r->next) context::drop(*r);
  if (tell && tell_) tell_(why);
  while (auto* r = all.pop())
    redis::fail(
        *r, std::make_exception_ptr(lost_error{
                place + why + (r->sent ? "; the command may have been done" : "; the command was not sent"), r->sent}));
}

bool call_on::await_suspend(std::coroutine_handle<> self) {
  what.waiting = self;
  if (what.of != nullptr && what.of->cancelled() != cancel_reason::none) {
    what.error = std::make_exception_ptr(cancelled_error{what.of->cancelled()});
    return false;
  }
  if (!on.is_open()) {
    what.error = std::make_exception_ptr(lost_error{"Redis at " + on.to().text() + ": the connection was lost", false});
    return false;
  }
  on.submit(what);
  return true;
}

}  // namespace slipway::redis
