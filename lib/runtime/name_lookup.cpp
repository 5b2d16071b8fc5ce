#include <slipway/runtime/name_lookup.hpp>

#include <slipway/core/one_shot.hpp>
#include <slipway/runtime/shard.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <utility>

namespace slipway {

namespace asio = boost::asio;
using asio::ip::tcp;

// What the resolver works for: it outlives whoever asked.
struct name_lookup::question {
  explicit question(asio::io_context& on) : names{on}, over{on, std::chrono::steady_clock::time_point::max()} {}

  tcp::resolver names;
  asio::steady_timer over;  // for this alone, and never by its time
  one_shot done;
  std::expected<std::vector<std::string>, std::string> answer;
  bool is_waited_for = false, was_ended = false;
};

name_lookup::name_lookup(shard& home) : asked_{std::make_shared<question>(home.io())} {}
name_lookup::~name_lookup() = default;

task<std::expected<std::vector<std::string>, std::string>> name_lookup::of(std::string host) {
  co_await uncancellable();
  auto const mine = asked_;
  boost::system::error_code not_an_address;
  asio::ip::make_address(host, not_an_address);
  if (!not_an_address) co_return std::vector{std::move(host)};
  mine->is_waited_for = true;
  mine->names.async_resolve(host, "", [mine](boost::system::error_code unknown, tcp::resolver::results_type found) {
    if (!std::exchange(mine->is_waited_for, false)) return;
    if (unknown)
      mine->answer = std::unexpected{unknown.message()};
    else
      for (auto const& each : found) mine->answer->push_back(each.endpoint().address().to_string());
    mine->over.cancel();
  });
  mine->over.async_wait([mine](boost::system::error_code) { mine->done.fire(); });
  co_await mine->done;
  co_return std::move(mine->answer);
}

void name_lookup::end() noexcept {
  if (!std::exchange(asked_->is_waited_for, false)) return;
  asked_->was_ended = true;
  asked_->answer = std::unexpected{std::string{"the question was given up"}};
  asked_->names.cancel();  // what has not begun yet never does
  asked_->over.cancel();
}

bool name_lookup::was_ended() const noexcept { return asked_->was_ended; }

}  // namespace slipway
