#include <slipway/core/frame_pool.hpp>
#include <slipway/core/one_shot.hpp>
#include <slipway/runtime/shard.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <deque>

namespace slipway {

namespace asio = boost::asio;

struct shard::impl {
  // One thread runs each context and all its sockets. (BOOST_ASIO_DISABLE_THREADS would crash here: posts come
  // from other threads, and so do the answers of name look-ups.)
  asio::io_context io{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  asio::steady_timer timer{io};
  poller sockets{io};
  struct subscriber {
    std::uint64_t id;
    std::move_only_function<void()> fire;
  };
  std::deque<subscriber> subscribers;  // one that joins while another is called must not move that one
  std::uint64_t next_id = 1;
};

shard::shard(unsigned index)
    : index_{index}, coarse_now_{std::chrono::steady_clock::now()}, impl_{std::make_unique<impl>()} {}
shard::~shard() = default;

asio::io_context& shard::io() noexcept { return impl_->io; }
poller& shard::sockets() noexcept { return impl_->sockets; }

void shard::post(std::move_only_function<void()> work) {
  asio::post(impl_->io, [work = std::move(work)]() mutable { work(); });
}

void shard::spawn(task<> work, context* operation) {
  post([work = std::move(work), operation]() mutable { start_detached(std::move(work), operation); });
}

void shard::tick_now() {
  auto const due = impl_->timer.expiry();
  coarse_now_ = std::chrono::steady_clock::now();
  lag_us_.store(
      std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::microseconds>(coarse_now_ - due).count()),
      std::memory_order_relaxed);
  // A subscriber may leave or join while it is called, so the list is walked by index and holes are closed after.
  for (std::size_t i = 0; i < impl_->subscribers.size(); ++i)
    if (impl_->subscribers[i].id != 0) impl_->subscribers[i].fire();
  std::erase_if(impl_->subscribers, [](auto const& s) { return s.id == 0; });
  impl_->timer.expires_at(std::max(due + tick, coarse_now_));
  impl_->timer.async_wait([this](boost::system::error_code error) {
    if (!error) tick_now();
  });
}

shard::ticker shard::on_tick(std::move_only_function<void()> fire) {
  auto const id = impl_->next_id++;
  impl_->subscribers.push_back({id, std::move(fire)});
  return ticker{*this, id};
}

shard::ticker::ticker(ticker&& other) noexcept : owner_{std::exchange(other.owner_, nullptr)}, id_{other.id_} {}
shard::ticker& shard::ticker::operator=(ticker&& other) noexcept {
  std::swap(owner_, other.owner_);
  std::swap(id_, other.id_);
  return *this;
}
shard::ticker::~ticker() {
  if (owner_ == nullptr) return;
  for (auto& s : owner_->impl_->subscribers)
    if (s.id == id_) s.id = 0;
}

void shard::run() {
  current_ = this;
  impl_->timer.expires_after(std::chrono::seconds{0});
  tick_now();
  impl_->io.run();
  current_ = nullptr;
  detail::frame_pool::trim();
}

void shard::stop() noexcept { impl_->io.stop(); }

task<> sleep_for(std::chrono::steady_clock::duration d) {
  one_shot done;
  // Null once the wait is over: when the operation is cancelled, the loop may have queued the timer's end already.
  struct waiting {
    std::shared_ptr<one_shot*> shared;
    ~waiting() { *shared = nullptr; }
  } const on_leaving{std::make_shared<one_shot*>(&done)};
  asio::steady_timer timer{shard::current().io(), d};
  timer.async_wait([shared = on_leaving.shared](boost::system::error_code error) {
    if (!error && *shared != nullptr) (*shared)->fire();
  });
  co_await done;
}

}  // namespace slipway
