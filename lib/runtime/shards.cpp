#include <slipway/core/errors.hpp>
#include <slipway/core/signal_mask.hpp>
#include <slipway/runtime/shards.hpp>

#include <boost/system/system_error.hpp>

#include <pthread.h>
#include <sched.h>

#include <system_error>

namespace slipway {
namespace {

unsigned usable_cores() noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<unsigned>(CPU_COUNT(&set));
}

}  // namespace

shards::shards(unsigned count) {
  if (count == 0) count = usable_cores();
  all_signals_blocked const meanwhile;
  auto refuse = [&](char const* what, std::exception const& error) {
    for (auto& each : all_) each->stop();
    throw startup_error{exit_code::os, std::string{"cannot "} + what + ": " + error.what() +
                                           ". Raise the limits on threads (ulimit -u, TasksMax) and descriptors "
                                           "(ulimit -n), or lower runtime.shards."};
  };
  try {
    for (unsigned i = 0; i < count; ++i) all_.push_back(std::make_unique<shard>(i));
    for (auto& each : all_)
      threads_.emplace_back([s = each.get()] {
        ::pthread_setname_np(::pthread_self(), ("shard-" + std::to_string(s->index())).c_str());
        s->run();
      });
  } catch (boost::system::system_error const& error) {
    refuse("make the shards' event loops", error);
  } catch (std::system_error const& error) {
    refuse("start the shards' threads", error);
  }
}

shards::~shards() {
  for (auto& each : all_) each->stop();
  threads_.clear();
}

void shards::on_each(std::function<void(shard&)> const& visit) {
  for (auto& each : all_) {
    std::binary_semaphore done{0};
    std::exception_ptr error;
    each->post([&] {
      try {
        visit(*each);
      } catch (...) {
        error = std::current_exception();
      }
      done.release();
    });
    done.acquire();
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace slipway
