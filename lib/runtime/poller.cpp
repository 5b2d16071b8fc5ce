#include <slipway/core/descriptor.hpp>
#include <slipway/runtime/poller.hpp>

#include <boost/asio/detail/epoll_reactor.hpp>
#include <boost/asio/detail/reactor_op.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>

namespace slipway {

namespace asio = boost::asio;

namespace {

static_assert(poller::readable == EPOLLIN && poller::writable == EPOLLOUT && poller::failed == EPOLLERR &&
              poller::reset == EPOLLHUP && poller::ended == EPOLLRDHUP);

constexpr std::uint32_t always = EPOLLIN | EPOLLRDHUP | EPOLLET;
// More than become ready in a turn of a busy shard; what is left is asked for in the next turn, after others had theirs.
constexpr std::size_t most_at_once = 256;
constexpr int worth_asking_again = 4, most_in_a_row = 8;

int must_succeed(int result, char const* what) {
  if (result >= 0) return result;
  throw boost::system::system_error{{errno, boost::system::system_category()}, what};
}

}  // namespace

// The sockets are in an epoll set of their own, and Asio's loop waits for that set as one of its descriptors. It is
// registered as Asio registers its own (the pipe of a signal_set): an operation that is performed at each readiness and
// never completes. A public wait would be made anew each time, for a system call and some two hundred instructions.
struct poller::impl {
  struct list_head final : watcher {
    list_head() noexcept { previous_ = next_ = this; }
    void ready(std::uint32_t) noexcept override {}
  };

  explicit impl(asio::io_context& loop)
      : reactor{asio::use_service<asio::detail::epoll_reactor>(loop)},
        set{must_succeed(::epoll_create1(EPOLL_CLOEXEC), "epoll set")},
        bell{must_succeed(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "event descriptor")} {
    epoll_event event{EPOLLIN | EPOLLET, {.ptr = nullptr}};
    must_succeed(::epoll_ctl(set.get(), EPOLL_CTL_ADD, bell.get(), &event), "epoll set");
    reactor.init_task();
    auto const error =
        reactor.register_internal_descriptor(asio::detail::epoll_reactor::read_op, set.get(), registration, &operation);
    if (error == 0) return;
    withdraw();
    errno = error;
    must_succeed(-1, "epoll set");
  }
  impl(impl const&) = delete;
  impl& operator=(impl const&) = delete;
  ~impl() { withdraw(); }

  void withdraw() {
    reactor.deregister_internal_descriptor(set.get(), registration);
    reactor.cleanup_descriptor_data(registration);
  }

  struct telling final : asio::detail::reactor_op {
    explicit telling(impl& owner) : reactor_op{{}, &perform, &complete}, of{owner} {}
    static status perform(reactor_op* self) {
      static_cast<telling*>(self)->of.tell_all();
      return not_done;
    }
    // Never done; when the loop is taken down, there is nothing to free.
    static void complete(void*, asio::detail::scheduler_operation*, boost::system::error_code const&, std::size_t) {}
    impl& of;
  };

  void tell_all() {
    int found = 0, rounds = 0;
    // Under load there is more by the time the first ones have been served, and asking for it here is cheaper.
    do found = tell();
    while (found >= worth_asking_again && ++rounds < most_in_a_row);
    // The loop hears of the set when something is added to it: what was left in it needs a ring.
    if (found == static_cast<int>(events.size())) ring();
  }

  // The sanitizer asks the kernel for a pipe to look at an object of a type that it has not seen: with no descriptor
  // left it takes the lack of one for a broken object.
  [[clang::no_sanitize("vptr")]] int tell() {
    // Not through the C library, which makes it a point where threads may be cancelled; they never are.
    auto const found = static_cast<int>(
        ::syscall(SYS_epoll_pwait, set.get(), events.data(), static_cast<int>(events.size()), 0, nullptr, 0));
    bool rung = false;
    left = std::span{events}.first(found > 0 ? static_cast<std::size_t>(found) : 0);
    while (!left.empty()) {
      auto const event = left.front();
      left = left.subspan(1);
      if (event.events == 0) continue;  // forgotten meanwhile
      if (event.data.ptr == nullptr)
        rung = true;
      else
        static_cast<watcher*>(event.data.ptr)->ready(event.events);
    }
    // The bell is never read: every ring is an edge.
    if (rung) answer_bell();
    return found;
  }

  void answer_bell() {
    // Those who are woken may ask to be woken again: in the next turn, so that others have theirs.
    list_head mine;
    while (woken.next_ != &woken) {
      auto& first = *woken.next_;
      unlink(first);
      append(mine, first);
    }
    while (mine.next_ != &mine) {
      auto& first = *mine.next_;
      unlink(first);
      first.ready(0);
    }
  }

  void ring() noexcept {
    std::uint64_t const one = 1;
    // It fails only when the counter is full, after 2^64 rings.
    static_cast<void>(::write(bell.get(), &one, sizeof one));
  }

  static void unlink(watcher& w) noexcept {
    w.previous_->next_ = w.next_;
    w.next_->previous_ = w.previous_;
    w.previous_ = w.next_ = nullptr;
  }
  static void append(watcher& list, watcher& w) noexcept {
    w.previous_ = list.previous_;
    w.next_ = &list;
    list.previous_->next_ = &w;
    list.previous_ = &w;
  }

  asio::detail::epoll_reactor& reactor;
  asio::detail::epoll_reactor::per_descriptor_data registration{};
  telling operation{*this};
  descriptor set, bell;
  list_head woken;
  std::array<epoll_event, most_at_once> events;
  std::span<epoll_event> left;  // of this turn
};

poller::poller(asio::io_context& loop) : impl_{std::make_unique<impl>(loop)} {}
poller::~poller() = default;

bool poller::watch(int socket, watcher& owner) noexcept {
  epoll_event event{always, {.ptr = &owner}};
  return ::epoll_ctl(impl_->set.get(), EPOLL_CTL_ADD, socket, &event) == 0;
}

bool poller::watch_writable(int socket, watcher& owner) noexcept {
  epoll_event event{always | EPOLLOUT, {.ptr = &owner}};
  return ::epoll_ctl(impl_->set.get(), EPOLL_CTL_MOD, socket, &event) == 0;
}

void poller::forget(watcher& owner) noexcept {
  if (owner.previous_ != nullptr) impl::unlink(owner);
  // What this turn has still to tell may name it as well.
  for (auto& event : impl_->left)
    if (event.data.ptr == &owner) event.events = 0;
}

void poller::forget(int socket, watcher& owner) noexcept {
  // It fails when the socket is closed already, and then it is out of the set.
  static_cast<void>(::epoll_ctl(impl_->set.get(), EPOLL_CTL_DEL, socket, nullptr));
  forget(owner);
}

void poller::wake(watcher& owner) noexcept {
  if (owner.previous_ != nullptr) return;
  impl::append(impl_->woken, owner);
  impl_->ring();
}

}  // namespace slipway
