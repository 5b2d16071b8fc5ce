#include <slipway/http_client/multi.hpp>

#include <slipway/core/assert.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <new>
#include <unordered_map>

namespace slipway::http_client {
namespace {

namespace asio = boost::asio;

// A socket of libcurl's that the loop watches. The descriptor stays libcurl's.
struct watch {
  asio::posix::stream_descriptor descriptor;
  int wanted = 0;
  bool reading = false, writing = false;
  bool gone = false;
};

}  // namespace

struct multi::impl {
  multi& owner;
  shard& home;
  CURLM* handle;
  asio::steady_timer timer;
  std::uint64_t timer_round = 0;
  // What the loop has queued already cannot be called back: it asks this before it touches anything of ours.
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);
  std::unordered_map<curl_socket_t, std::shared_ptr<watch>> watches{};
  std::vector<CURL*> spare{};          // easy handles for the next transfers
  std::vector<transfer*> active{};     // started and not released
  std::deque<transfer*> finished{};    // whose coroutine has not been told yet
  std::vector<transfer*> abandoned{};  // let go while libcurl was at work
  std::vector<one_shot*> pauses{};
  bool at_work = false;  // inside libcurl: transfers may not be taken off
  bool telling = false;

  static int on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
    static_cast<impl*>(self)->watch_socket(fd, what);
    return 0;
  }
  static int on_timer(CURLM*, long milliseconds, void* self) {
    static_cast<impl*>(self)->set_timer(milliseconds);
    return 0;
  }
  void watch_socket(curl_socket_t fd, int what);
  void arm(std::shared_ptr<watch> const& w, curl_socket_t fd);
  void set_timer(long milliseconds);
  void act(curl_socket_t fd, int events);
  void tell_finished();
  void destroy(transfer* t) noexcept;
};

void multi::impl::watch_socket(curl_socket_t fd, int what) {
  if (what == CURL_POLL_REMOVE) {
    auto const found = watches.find(fd);
    if (found == watches.end()) return;
    found->second->gone = true;
    found->second->descriptor.release();  // it is not ours to close
    watches.erase(found);
    return;
  }
  auto& w = watches[fd];
  if (!w) w = std::make_shared<watch>(asio::posix::stream_descriptor{home.io(), fd});
  w->wanted = what;
  arm(w, fd);
}

void multi::impl::arm(std::shared_ptr<watch> const& w, curl_socket_t fd) {
  if ((w->wanted & CURL_POLL_IN) != 0 && !w->reading) {
    w->reading = true;
    w->descriptor.async_wait(asio::posix::stream_descriptor::wait_read, [this, w, fd](boost::system::error_code error) {
      w->reading = false;
      if (w->gone) return;
      act(fd, error ? CURL_CSELECT_ERR : CURL_CSELECT_IN);
      if (!w->gone) arm(w, fd);
    });
  }
  if ((w->wanted & CURL_POLL_OUT) != 0 && !w->writing) {
    w->writing = true;
    w->descriptor.async_wait(asio::posix::stream_descriptor::wait_write,
                             [this, w, fd](boost::system::error_code error) {
                               w->writing = false;
                               // It may have become uninteresting meanwhile: libcurl treats an event that it did not ask for as an error.
                               if (w->gone || (w->wanted & CURL_POLL_OUT) == 0) return;
                               act(fd, error ? CURL_CSELECT_ERR : CURL_CSELECT_OUT);
                               if (!w->gone) arm(w, fd);
                             });
  }
}

void multi::impl::set_timer(long milliseconds) {
  auto const round = ++timer_round;
  if (milliseconds < 0) {
    timer.cancel();
    return;
  }
  timer.expires_after(std::chrono::milliseconds{milliseconds});
  timer.async_wait([this, round, still = alive](boost::system::error_code error) {
    if (!error && *still && round == timer_round) act(CURL_SOCKET_TIMEOUT, 0);
  });
}

void multi::impl::act(curl_socket_t fd, int events) {
  int running = 0;
  at_work = true;
  bug(curl_multi_socket_action(handle, fd, events, &running) == CURLM_OK, "libcurl refused an event");
  at_work = false;
  for (auto* t : std::exchange(abandoned, {})) destroy(t);
  tell_finished();
}

// A coroutine that is told may start, end and cancel others, so each is taken off the queue first.
void multi::impl::tell_finished() {
  int left = 0;
  while (auto const* const message = curl_multi_info_read(handle, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    void* priv = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &priv);
    auto* const t = static_cast<transfer*>(priv);
    t->code = message->data.result;
    finished.push_back(t);
  }
  if (std::exchange(telling, true)) return;
  while (!finished.empty()) {
    auto* const t = finished.front();
    finished.pop_front();
    t->done.fire();
  }
  telling = false;
}

void multi::impl::destroy(transfer* t) noexcept {
  std::erase(active, t);
  std::erase(finished, t);
  curl_multi_remove_handle(handle, t->easy);  // says so, harmlessly, when it was never added
  curl_slist_free_all(t->headers);
  if (spare.size() < 32 && !owner.closing_) {
    curl_easy_reset(t->easy);
    spare.push_back(t->easy);
  } else {
    curl_easy_cleanup(t->easy);
  }
  delete t;
}

multi::multi(shard& home, settings const& s)
    : impl_{std::make_unique<impl>(*this, home, curl_multi_init(), asio::steady_timer{home.io()})} {
  if (impl_->handle == nullptr) throw std::bad_alloc{};
  auto* const h = impl_->handle;
  curl_multi_setopt(h, CURLMOPT_SOCKETFUNCTION, &impl::on_socket);
  curl_multi_setopt(h, CURLMOPT_SOCKETDATA, impl_.get());
  curl_multi_setopt(h, CURLMOPT_TIMERFUNCTION, &impl::on_timer);
  curl_multi_setopt(h, CURLMOPT_TIMERDATA, impl_.get());
  curl_multi_setopt(h, CURLMOPT_MAX_HOST_CONNECTIONS, static_cast<long>(s.connections_per_host));
  curl_multi_setopt(h, CURLMOPT_MAX_TOTAL_CONNECTIONS, static_cast<long>(s.connections));
  curl_multi_setopt(h, CURLMOPT_MAXCONNECTS, static_cast<long>(s.connections));
}

multi::~multi() {
  close();
  bug(impl_->active.empty() && impl_->pauses.empty(), "an HTTP client goes while requests are under way");
  for (auto* easy : impl_->spare) curl_easy_cleanup(easy);
  curl_multi_cleanup(impl_->handle);
  impl_->timer.cancel();
  *impl_->alive = false;
  for (auto& [fd, w] : impl_->watches) {
    w->gone = true;
    w->descriptor.release();
  }
}

multi::lease multi::make() {
  auto t = std::make_unique<transfer>();
  if (impl_->spare.empty()) {
    t->easy = curl_easy_init();
    if (t->easy == nullptr) throw std::bad_alloc{};
  } else {
    t->easy = impl_->spare.back();
    impl_->spare.pop_back();
  }
  curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t.get());
  impl_->active.push_back(t.get());
  return lease{t.release(), let_go{this}};
}

void multi::start(transfer& t) {
  if (curl_multi_add_handle(impl_->handle, t.easy) == CURLM_OK) return;
  t.code = CURLE_OUT_OF_MEMORY;
  t.done.fire();
}

void multi::release(transfer* t) noexcept {
  if (!impl_->at_work) return impl_->destroy(t);
  t->abandoned = true;  // its callbacks end it
  impl_->abandoned.push_back(t);
}

task<> multi::pause(std::chrono::milliseconds how_long) {
  one_shot over;
  // Null once the wait is over: the loop may have queued the timer's end already when the operation is cancelled.
  auto const waiting = std::make_shared<one_shot*>(&over);
  asio::steady_timer timer{impl_->home.io(), how_long};
  timer.async_wait([waiting](boost::system::error_code error) {
    if (!error && *waiting != nullptr) (*waiting)->fire();
  });
  impl_->pauses.push_back(&over);
  struct leave {
    std::vector<one_shot*>& from;
    one_shot*& what;
    ~leave() {
      std::erase(from, what);
      what = nullptr;
    }
  } const on_leaving{impl_->pauses, *waiting};
  co_await over;
}

void multi::close() noexcept {
  closing_ = true;
  while (!impl_->pauses.empty()) {
    auto* const one = impl_->pauses.back();
    impl_->pauses.pop_back();
    one->fire();
  }
  auto const all = impl_->active;
  for (auto* t : all) {
    if (std::ranges::find(impl_->active, t) == impl_->active.end()) continue;
    t->code = CURLE_ABORTED_BY_CALLBACK;
    if (!t->done.fired()) t->done.fire();
  }
}

}  // namespace slipway::http_client
