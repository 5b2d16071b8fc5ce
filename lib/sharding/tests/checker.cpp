#include "checker.hpp"

#include <slipway/core/errors.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <random>

namespace slipway::sharding::tests {

void checker::complain(std::string what) {
  std::lock_guard const lock{mutex_};
  if (complaints_.size() < 10) complaints_.push_back(std::move(what));
}

task<> checker::change(cluster& with, known& k, bool removes) {
  auto const next = k.balance + 1;
  auto const first = removes && !k.numbers.empty() ? *k.numbers.begin() : -1;
  auto done = co_await with.write(k.id, [&](db::transaction& tx, std::uint32_t slot) -> task<result<void>> {
    auto row = co_await ok(tx.find<customer>(k.id));
    if (row.balance != k.balance)
      complain(fmt::format("a transaction saw {} where {} was acknowledged", row.balance, k.balance));
    row.balance = next;
    co_await ok(tx.update(row));
    co_await tx.insert(entry{.customer_id = k.id, .slot = slot, .number = next});
    if (first >= 0)
      co_await tx.purge<entry>().where(db::col<&entry::customer_id> == k.id && db::col<&entry::number> == first).run();
    co_return result<void>{};
  });
  if (!done) {
    complain("a row that is there was not found in a transaction");
    co_return;
  }
  k.balance = next;
  k.numbers.insert(next);
  if (first >= 0) k.numbers.erase(first);
  ++changes_;
}

task<> checker::look(cluster& with, known const& k) {
  auto const count = co_await with.read(
      k.id, [&](db::session& in) { return in.from<entry>().where(db::col<&entry::customer_id> == k.id).count(); });
  if (count != static_cast<std::int64_t>(k.numbers.size()))
    complain(fmt::format("a read saw {} entries of {}", count, k.numbers.size()));
  auto const row = co_await with.read(k.id, [&](db::session& in) { return in.find<customer>(k.id); });
  if (!row)
    complain("a row that is there was not found");
  else if (row->balance != k.balance)
    complain(fmt::format("a read saw {} where {} was acknowledged", row->balance, k.balance));
  ++looks_;
}

task<> checker::work(cluster& with, std::vector<known>& mine, unsigned seed, std::latch& end) {
  std::minstd_rand dice{seed};
  while (!stop_) {
    auto& k = mine[dice() % mine.size()];
    try {
      if (dice() % 3 == 0)
        co_await look(with, k);
      else
        co_await change(with, k, dice() % 3 == 0);
    } catch (std::exception const& e) {
      complain(e.what());
      break;
    }
  }
  end.count_down();
}

task<> checker::compare_one(cluster& all, known const& k) {
  co_await look(all, k);
  auto const slot = co_await all.slot_of(k.id);
  auto const rows = co_await all.read(
      k.id, [&](db::session& in) { return in.from<entry>().where(db::col<&entry::customer_id> == k.id).all(); });
  std::multiset<std::int64_t> numbers;
  for (auto const& r : rows) {
    numbers.insert(r.number);
    if (r.slot != slot) complain(fmt::format("an entry of {} is in slot {} and not {}", k.id.text(), r.slot, slot));
  }
  if (!std::ranges::equal(numbers, k.numbers))
    complain(fmt::format("{} has the entries {} and not {}", k.id.text(), fmt::join(numbers, ","),
                         fmt::join(k.numbers, ",")));
}

task<std::vector<std::string>> checker::compare(cluster& all, std::vector<known> const& with) {
  std::size_t entries = 0;
  for (auto const& k : with) {
    co_await compare_one(all, k);
    entries += k.numbers.size();
  }
  auto const count = [&all](char const* table) -> task<std::size_t> {
    std::size_t sum = 0;
    for (std::uint32_t n = 0; n < all.size(); ++n)
      sum += (co_await all.node(n).query(fmt::format("select count(*) from {}", table)))[0].get<std::size_t>(0);
    co_return sum;
  };
  auto const customers_there = co_await count("customers"), entries_there = co_await count("entries");
  if (customers_there != with.size())
    complain(fmt::format("all nodes together have {} customers, and not {}", customers_there, with.size()));
  if (entries_there != entries)
    complain(fmt::format("all nodes together have {} entries, and not {}", entries_there, entries));
  std::lock_guard const lock{mutex_};
  co_return complaints_;
}

}  // namespace slipway::sharding::tests
