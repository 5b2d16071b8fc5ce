// Which sockets are ready, for those that are waited for again and again. An Asio wait costs a system call and some
// hundred instructions each time; a watched socket costs a system call once, and one more for all that became ready
// in a turn of the loop.
//
// Edge-triggered: what a socket has become is told once. Its owner reads or writes until the kernel has no more
// (EAGAIN, or a read that was shorter than its room and saw no end), and only then waits to be told again.
#pragma once

#include <cstdint>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace slipway {

class poller {
 public:
  // What is told, as bits. `ended` and `failed` come unasked.
  static constexpr std::uint32_t readable = 0x001, writable = 0x004, failed = 0x008, reset = 0x010, ended = 0x2000;

  // The owner of a socket. Not to be moved while it is watched.
  class watcher {
   public:
    watcher() noexcept = default;
    watcher(watcher const&) = delete;
    watcher& operator=(watcher const&) = delete;
    // `events` are some of the bits above; none after `wake`. May stop watching, and destroy, itself and others.
    virtual void ready(std::uint32_t events) noexcept = 0;

   protected:
    ~watcher() = default;

   private:
    friend poller;
    watcher* previous_ = nullptr;  // in the list of those to be woken; null: not in it
    watcher* next_ = nullptr;
  };

  // Throws boost::system::system_error.
  explicit poller(boost::asio::io_context& loop);
  poller(poller const&) = delete;
  poller& operator=(poller const&) = delete;
  ~poller();

  // All of these on the loop's thread alone.
  // False: the kernel has no room for another (fs.epoll.max_user_watches, memory).
  bool watch(int socket, watcher& owner) noexcept;
  // From now on `writable` is told as well; at once when it is. False: the socket is not watched.
  bool watch_writable(int socket, watcher& owner) noexcept;
  // Nothing is told any more. The owner closes its socket next, which takes it out of the kernel's set.
  void forget(watcher& owner) noexcept;
  // The same for a socket that somebody else closes, soon or late.
  void forget(int socket, watcher& owner) noexcept;
  // Calls ready(0) soon, and not from here. Once, however often it is asked for until then.
  void wake(watcher& owner) noexcept;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace slipway
