// Whether errors of a move are found at all: each is planted here, into what the mover reads and writes. The mover's own
// comparison has to refuse the handover, and where that is blinded the checker of the resharding tests has to see it.
#include "checker.hpp"

#include <slipway/core/errors.hpp>
#include <slipway/sharding/rows.hpp>

#include <optional>
#include <utility>

namespace slipway::sharding::tests {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

enum class error_kind { none, a_row_is_skipped, a_row_is_doubled, an_old_row_comes_back, a_removal_is_lost, too_early };

// Of the table entries; all others are carried as they are.
class broken_carrier final : public row_carrier {
 public:
  broken_carrier(std::unique_ptr<row_carrier> inner, error_kind error, bool is_blind)
      : row_carrier{inner->of()}, inner_{std::move(inner)}, error_{error}, is_blind_{is_blind} {}

  std::string const& columns() const noexcept override { return inner_->columns(); }

  task<batch> read(db::session& in, std::uint32_t slot, std::string after, std::size_t most) override {
    // Not of the first, which are removed later.
    if (error_ == error_kind::a_row_is_skipped && !after.empty() && !std::exchange(is_done_, true)) {
      auto const skipped = co_await inner_->read(in, slot, after, 1);
      after = skipped.last;
    }
    co_return co_await inner_->read(in, slot, after, most);
  }
  task<batch> read_keys(db::transaction& in, std::uint32_t slot, batch const& keys) override {
    return inner_->read_keys(in, slot, keys);
  }
  task<change_list> changes(db::session& in, std::uint32_t slot, std::size_t most) override {
    return inner_->changes(in, slot, most);
  }
  task<> write(db::transaction& to, batch const& rows) override {
    co_await inner_->write(to, rows);
    if (error_ == error_kind::a_row_is_doubled && !std::exchange(is_done_, true))
      co_await to.execute(
          "insert into entries (id, customer_id, slot, number) select gen_random_uuid(), customer_id, slot, number "
          "from "
          "entries limit 1");
    if (error_ != error_kind::an_old_row_comes_back) co_return;
    if (first_)
      co_await inner_->write(to, *first_);
    else
      first_ = rows;
  }
  task<> remove_missing(db::transaction& to, std::uint32_t slot, batch const& keys, batch const& found) override {
    if (error_ != error_kind::a_removal_is_lost) co_await inner_->remove_missing(to, slot, keys, found);
  }
  task<std::int64_t> remove_some(db::transaction& from, std::uint32_t slot, std::size_t most) override {
    return inner_->remove_some(from, slot, most);
  }
  task<content> sum(db::session& in, std::uint32_t slot) override {
    if (is_blind_) co_return content{};
    co_return co_await inner_->sum(in, slot);
  }

  task<std::optional<relabelled>> relabel(db::transaction& in, rows_to_relabel what, std::string after,
                                          std::size_t most) override {
    return inner_->relabel(in, std::move(what), std::move(after), most);
  }

 private:
  std::unique_ptr<row_carrier> inner_;
  error_kind error_;
  bool is_blind_, is_done_ = false;
  std::optional<batch> first_;
};

class planted_errors : public sharded_case, public testing::WithParamInterface<error_kind> {
 protected:
  bool set_up() {
    if (!make(db::dialect::postgres, 2, 4)) return false;
    for (int i = 0; i < 3; ++i) {
      rows_.push_back({run(all_->insert(customer_in(0))).id, 0, {}});
      for (int n = 0; n < 12; ++n) run(checker_.change(*all_, rows_.back(), false));
    }
    return true;
  }

  // A move while rows change at moments that matter: while they are copied, carried over, and just before the fence.
  task<move_report> broken_move(bool is_blind) {
    auto const error = GetParam();
    unsigned copies = 0, passes = 0, fences = 0;
    mover m{*all_,
            tables_,
            {.on_step =
                 [&](std::string_view step) {
                   if (step == "copy" && ++copies == 3) change_all(false);
                   if (step == "catch up" && ++passes == 1) change_all(true);
                   if (step == "fence" && ++fences == 1) change_all(true);
                   if (step == "carry the rest over" && error == error_kind::too_early) forget_notes();
                 },
             .through = [&](std::unique_ptr<row_carrier> inner) -> std::unique_ptr<row_carrier> {
               auto const kind = inner->of().name == "entries" ? error : error_kind::none;
               return std::make_unique<broken_carrier>(std::move(inner), kind, is_blind);
             }}};
    co_return co_await m.move(0, 1);
  }

  void change_all(bool removes) {
    meanwhile([this, removes] { return change_each(removes); });
  }
  task<> change_each(bool removes) {
    for (auto& k : rows_) co_await checker_.change(*all_, k, removes);
  }
  void forget_notes() {
    meanwhile([this]() -> task<std::int64_t> { return all_->node(0).execute("delete from sharding_changes"); });
  }
  std::vector<std::string> compare() {
    auto m = a_mover();
    while (run(m.clean()) > 0) run(sleep_for(std::chrono::milliseconds{100}));
    run(all_->refresh());
    return run(checker_.compare(*all_, rows_));
  }

  checker checker_;
  std::vector<known> rows_;
};
INSTANTIATE_TEST_SUITE_P(of, planted_errors,
                         testing::Values(error_kind::none, error_kind::a_row_is_skipped, error_kind::a_row_is_doubled,
                                         error_kind::an_old_row_comes_back, error_kind::a_removal_is_lost,
                                         error_kind::too_early),
                         [](testing::TestParamInfo<error_kind> const& info) -> std::string {
                           switch (info.param) {
                             case error_kind::a_row_is_skipped: return "a_skipped_row";
                             case error_kind::a_row_is_doubled: return "a_doubled_row";
                             case error_kind::an_old_row_comes_back: return "an_old_row";
                             case error_kind::a_removal_is_lost: return "a_lost_removal";
                             case error_kind::too_early: return "an_early_switch";
                             default: return "nothing";
                           }
                         });

constexpr char const* skipped = "SKIPPED LOUDLY: no PostgreSQL";

TEST_P(planted_errors, StopTheHandover) {
  if (!set_up()) GTEST_SKIP() << skipped;
  if (GetParam() == error_kind::none) {
    EXPECT_EQ(run(broken_move(false)).slot, 0u);
    EXPECT_EQ(run(all_->refresh())->slots[0].node, 1u);
  } else {
    try {
      run(broken_move(false));
      ADD_FAILURE() << "handed over";
    } catch (startup_error const& e) {
      EXPECT_THAT(e.what(), HasSubstr(" differs after copying"));
    }
    EXPECT_EQ(run(all_->refresh())->slots[0].node, 0u);
    run(a_mover().give_up(0));
  }
  EXPECT_THAT(compare(), IsEmpty()) << "nothing was lost by it";
  EXPECT_THAT(run(a_mover().verify()), IsEmpty());
}

TEST_P(planted_errors, AreSeenByTheCheckerWhereTheComparisonIsBlind) {
  if (!set_up()) GTEST_SKIP() << skipped;
  run(broken_move(true));
  EXPECT_EQ(run(all_->refresh())->slots[0].node, 1u);
  auto const found = compare();
  if (GetParam() == error_kind::none)
    EXPECT_THAT(found, IsEmpty());
  else
    EXPECT_THAT(found, Not(IsEmpty()));
}

}  // namespace
}  // namespace slipway::sharding::tests
