#include <slipway/redis/part.hpp>

#include <slipway/redis/errors.hpp>

#include <algorithm>

namespace slipway::redis {
namespace {

using steady = std::chrono::steady_clock;

// A slot that moves on and on, or servers that send each other's clients around.
constexpr unsigned most_redirections = 8;
// That are asked for one answer before the primary is.
constexpr unsigned most_replicas = 2;
// Between attempts while a server cannot do what it will be able to do soon.
constexpr std::chrono::milliseconds pause{25};

std::unique_ptr<topology> make_topology(surroundings around) {
  switch (around.shared.target.mode) {
    case mode::single: return make_single(around);
    case mode::sentinel: return make_sentinel(around);
    case mode::cluster: return make_cluster(around);
  }
  return nullptr;
}

}  // namespace

part::part(core const& shared, shard& home)
    : shared_{shared}, home_{home}, topology_{make_topology({shared, home, counts_, tasks_})} {}

task<> part::open() {
  co_await topology_->open();
  begin();
}

void part::begin() {
  ticker_ = home_.on_tick([this] { tick(); });
}

void part::tick() {
  topology_->tick(home_.coarse_now());
  for (std::size_t i = 0; i < others_.size(); ++i)
    if (auto const each = others_[i].lock()) each->tick(home_.coarse_now());
  std::erase_if(others_, [](auto const& each) { return each.expired(); });
  counts_.depth.set(topology_->depth());
  auto const [usable, lag] = topology_->replicas();
  counts_.replicas.set(usable);
  counts_.replica_lag_us.set(
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(lag).count()));
}

task<> part::close() {
  topology_->close("the client is being closed");
  for (auto const& weak : std::exchange(others_, {}))
    if (auto const each = weak.lock()) each->close("the client is being closed");
  co_await tasks_.all_over();
  ticker_ = {};
}

request::clock::time_point part::give_up_at(context const* operation) const noexcept {
  auto const mine = home_.coarse_now() + shared_.settings.request_timeout;
  return operation == nullptr ? mine : std::min(mine, operation->deadline);
}

void part::check_slots(command const& c) const {
  if (c.several_slots())
    throw error{"CROSSSLOT",
                "Redis: the keys of " + std::string{c.name()} +
                    " lie in different slots of the cluster, so no server has them all: give them the same {tag}, or "
                    "use one command for each"};
}

void part::tell(command const& c, node const* where, steady::time_point began, std::exception_ptr const& failed,
                context* operation) const noexcept {
  std::string_view code;
  std::string own;
  if (failed) {
    try {
      std::rethrow_exception(failed);
    } catch (error const& e) {
      code = own = e.code();
    } catch (refused_error const& e) {
      code = own = e.code();
    } catch (cancelled_error const&) {
      code = "cancelled";
    } catch (...) {
      code = "unavailable";
    }
  }
  auto const place = where != nullptr ? where->to().text() : std::string{};
  shared_.settings.watch->on_command({c.name(), place, began, steady::now() - began, code, operation});
}

task<std::vector<reply>> part::run_block(per_shard<std::unique_ptr<part>>& in, std::vector<command> all) {
  std::vector<command> parts;
  parts.reserve(all.size() + 2);
  command multi{"MULTI"}, exec{"EXEC"};
  parts.push_back(std::move(multi));
  int slot = command::no_slot;
  for (auto& each : all) {
    in.local()->check_slots(each);
    if (each.slot() != command::no_slot && slot != command::no_slot && each.slot() != slot)
      throw error{"CROSSSLOT", "Redis: the keys of one transaction must lie in one slot: give them the same {tag}"};
    if (slot == command::no_slot) slot = each.slot();
    parts.push_back(std::move(each));
  }
  parts.push_back(std::move(exec));
  auto answer = co_await send(in, command{"EXEC"}, std::move(parts));
  co_return std::move(answer).as_list();
}

task<reply> part::run_at(std::shared_ptr<node> where, command c) {
  auto* const operation = co_await this_context{};
  request r;
  r.parts = {&c, 1};
  r.of = operation;
  r.give_up = give_up_at(operation);
  counts_.commands.add();
  co_await call_node{*where, r};
  if (r.error) std::rethrow_exception(r.error);
  if (r.answer.is_error()) throw_error(where->to().text(), r.answer.text);
  co_return std::move(r.answer);
}

task<std::shared_ptr<node>> part::node_for(int slot) {
  attempt a;
  for (;;) {
    if (auto found = topology_->find(slot)) co_return found;
    if (!has_patience(a))
      throw lost_error{"Redis: nobody is known to serve this command (" + topology_->describe() + "); it was not sent",
                       false};
    co_await sleep_for(pause);
  }
}

task<std::shared_ptr<node>> part::replica_for(int slot, attempt& a) {
  for (;;) {
    if (auto found = topology_->find_replica(slot)) {
      a.at_replica = true;
      co_return found;
    }
    if (a.from == read_from::prefer_replica) {
      counts_.replica_fallbacks.add();
      co_return nullptr;
    }
    if (!has_patience(a))
      throw lost_error{"Redis: no replica may be read from (" + topology_->no_replica(slot) +
                           "), and the primary is not asked because of redis.read_from; the command was not sent",
                       false};
    co_await sleep_for(pause);
  }
}

bool part::has_patience(attempt& a) const {
  auto const now = steady::now();
  if (a.first_trouble == steady::time_point::max()) a.first_trouble = now;
  return now - a.first_trouble < shared_.settings.outage_patience;
}

task<reply> part::send(per_shard<std::unique_ptr<part>>& in, command single, std::vector<command> block) {
  auto& me = *in.local();
  me.check_slots(single);
  me.counts_.commands.add();
  auto const parts = block.empty() ? std::span<command const>{&single, 1} : std::span<command const>{block};
  auto const may_repeat = block.empty() && single.may_repeat();
  auto* const operation = co_await this_context{};
  auto const watched = me.shared_.settings.watch != nullptr;
  auto const began = watched ? steady::now() : steady::time_point{};
  int slot = command::no_slot;
  for (auto const& each : parts)
    if (each.slot() != command::no_slot) slot = each.slot();
  attempt a;
  if (block.empty() && single.may_use_replica()) a.from = single.where();
  std::vector<command> with_asking;
  std::shared_ptr<node> asked;
  for (;;) {
    request r;
    r.of = operation;
    r.give_up = me.give_up_at(operation);
    r.parts = parts;
    std::exception_ptr failed;
    a.at_replica = false;
    try {
      if (a.where != nullptr) {
        asked = std::exchange(a.where, nullptr);
      } else {
        if (a.from != read_from::primary)
          asked = co_await me.replica_for(slot, a);
        else
          asked = nullptr;
        if (asked == nullptr) asked = me.topology_->find(slot);
        if (asked == nullptr) [[unlikely]]
          asked = co_await me.node_for(slot);
      }
      // One that has fallen silent must leave time to ask another.
      if (a.at_replica) r.give_up = std::min(r.give_up, steady::now() + me.shared_.settings.request_timeout / 2);
      if (std::exchange(a.asking, false)) {
        with_asking.assign(1, command{"ASKING"});
        with_asking.insert(with_asking.end(), parts.begin(), parts.end());
        r.parts = with_asking;
      }
      co_await call_node{*asked, r};
      if (!r.error && !r.answer.is_error()) [[likely]] {
        if (a.at_replica) me.counts_.replica_reads.add();
        if (watched) me.tell(single, asked.get(), began, {}, operation);
        co_return std::move(r.answer);
      }
      if (co_await me.judge(r, a, asked, may_repeat) == verdict::again) continue;
      if (r.error) std::rethrow_exception(r.error);
      throw_error(asked->to().text(), r.early_error.empty() ? r.answer.text : r.early_error);
    } catch (...) {
      failed = std::current_exception();
    }
    me.counts_.errors.add();
    if (watched) me.tell(single, asked.get(), began, failed, operation);
    std::rethrow_exception(failed);
  }
}

task<part::verdict> part::judge_replica(request& r, attempt& a, node& asked) {
  if (r.error) {
    try {
      std::rethrow_exception(r.error);
    } catch (lost_error const&) {
    } catch (...) {
      co_return verdict::final;
    }
  } else if (!passes(code_of(r.answer.text))) {
    co_return verdict::final;  // a mistake of the command, or it has moved
  }
  topology_->suspect(asked, r.error ? "it was lost" : r.answer.text);
  if (a.from == read_from::prefer_replica) {
    // Another replica, or the primary where there is none.
    if (++a.replicas_tried >= most_replicas) {
      a.from = read_from::primary;
      counts_.replica_fallbacks.add();
    }
    co_return verdict::again;
  }
  if (!has_patience(a)) co_return verdict::final;
  co_await sleep_for(pause);
  co_return verdict::again;
}

// Whether to try once more, and where. What was not sent, or was refused without having been done, may be sent again;
// what may have been done only if it reads.
task<part::verdict> part::judge(request& r, attempt& a, std::shared_ptr<node> asked, bool may_repeat) {
  if (a.at_replica && co_await judge_replica(r, a, *asked) == verdict::again) co_return verdict::again;
  if (r.error) {
    bool may_wait = false;
    try {
      std::rethrow_exception(r.error);
    } catch (lost_error const& lost) {
      if (!asked->is_up()) topology_->suspect(*asked, lost.what());
      auto const may_send = may_repeat || !lost.may_have_been_done();
      may_wait = a.from == read_from::prefer_replica && may_send && has_patience(a);
      if (!may_wait && (!may_send || a.repeated || steady::now() >= r.give_up)) co_return verdict::final;
    } catch (...) {
      co_return verdict::final;
    }
    // The primary is away, and its replicas are likely to be told who is the next.
    if (may_wait) co_await sleep_for(pause);
    a.repeated = true;
    counts_.repeated.add();
    co_return verdict::again;
  }
  // A transaction that was refused says why at the command, and that it was refused at its end.
  auto const& text = r.early_error.empty() ? r.answer.text : r.early_error;
  if (auto const to = read_redirection(text, asked->to()); to && shared_.target.mode == mode::cluster) {
    if (++a.redirections > most_redirections) co_return verdict::final;
    counts_.redirected.add();
    a.where = topology_->follow(*to);
    a.asking = to->ask;
    // A server that has just lost the slot may name one that does not know yet that it has it.
    if (a.redirections > 2) co_await sleep_for(pause);
    co_return verdict::again;
  }
  auto const code = code_of(text);
  if (code == "READONLY" || code == "MASTERDOWN" || code == "CLUSTERDOWN" || code == "NOAUTH")
    topology_->suspect(*asked, std::string{text});
  if (code != "TRYAGAIN" && code != "CLUSTERDOWN" && code != "LOADING" && code != "READONLY" && code != "MASTERDOWN")
    co_return verdict::final;
  if (!has_patience(a)) co_return verdict::final;
  co_await sleep_for(pause);
  co_return verdict::again;
}

}  // namespace slipway::redis
