// Tasks, faults, contexts and one_shot, without an event loop: everything resumes where it is fired.
#include <slipway/core/assert.hpp>
#include <slipway/core/one_shot.hpp>
#include <slipway/core/task.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <string>

using namespace slipway;

namespace {

task<int> seven() { co_return 7; }
task<int> throwing() {
  throw std::runtime_error{"broken"};
  co_return 0;
}
task<result<std::string>> found(bool yes) {
  if (!yes) co_return fault::not_found("no_such_thing");
  co_return "it";
}
struct counted {
  explicit counted(int& count) : count_{count} { ++count_; }
  counted(counted const&) = delete;
  ~counted() { --count_; }
  int& count_;
};
task<result<std::size_t>> length(bool yes, int& alive, bool& went_on) {
  counted const local{alive};
  auto const text = co_await ok(found(yes));
  went_on = true;
  co_return text.size();
}
task<result<void>> outer(bool yes, int& alive, bool& went_on) {
  counted const local{alive};
  auto const n = co_await ok(length(yes, alive, went_on));
  EXPECT_EQ(n, 2u);
  auto const v = co_await ok(result<int>{5});
  EXPECT_EQ(v, 5);
  co_return result<void>{};
}

// Runs a task that needs no loop and keeps what it gave.
template <class T>
task<> keep(task<T> work, std::optional<T>& out) {
  out.emplace(co_await std::move(work));
}
template <class T>
T run(task<T> work, context* operation = nullptr) {
  std::optional<T> out;
  start_detached(keep(std::move(work), out), operation);
  return std::move(*out);
}

struct moves {
  int count = 0;
  moves() = default;
  moves(moves&& other) noexcept : count{other.count + 1} {}
};
task<moves> made() { co_return moves{}; }
task<moves> broken() {
  throw std::runtime_error{"broken"};
  co_return moves{};
}
task<std::pair<int, bool>> moves_in_place() {
  auto work = made();
  auto& first = co_await work.in_place();
  co_return std::pair{first.count, &first == &*work.handle().promise().value};
}
task<int> moves_out() {
  auto const out = co_await made();
  co_return out.count;
}
task<> await_in_place(task<moves> work) { (void)co_await work.in_place(); }

task<std::string> reason_of(task<> work) {
  try {
    co_await std::move(work);
  } catch (cancelled_error const& error) {
    co_return std::to_string(static_cast<int>(error.why()));
  } catch (std::exception const& error) {
    co_return error.what();
  }
  co_return "done";
}
task<> wait_for(one_shot& event) { co_await event; }
task<> drop_value(task<int> inner) { co_await std::move(inner); }
task<context*> context_here() { co_return co_await this_context{}; }
task<context*> context_below() { co_return co_await context_here(); }
task<int> sum(int depth) {
  if (depth == 0) co_return 0;
  co_return 1 + co_await sum(depth - 1);
}
task<long> many_in_a_row(int n) {
  long total = 0;
  for (int i = 0; i < n; ++i) total += co_await seven();
  co_return total;
}

}  // namespace

TEST(task, leaves_a_value_where_it_stands_for_whoever_asks) {
  auto const [count, same] = run(moves_in_place());
  EXPECT_EQ(count, 1) << "into the promise, and no further";
  EXPECT_TRUE(same);
  EXPECT_GT(run(moves_out()), count);
  EXPECT_EQ(run(reason_of(await_in_place(broken()))), "broken");
}

TEST(task, is_lazy_and_gives_its_value) {
  EXPECT_EQ(run(seven()), 7);
  auto never = seven();  // destroyed without having run
  EXPECT_EQ(run(sum(1'000)), 1'000);
#ifdef NDEBUG
  constexpr int n = 1'000'000;
#else
  constexpr int n = 2'000;  // without optimisation, symmetric transfer uses the stack
#endif
  EXPECT_EQ(run(many_in_a_row(n)), 7L * n);
}

TEST(task, passes_exceptions_on) { EXPECT_EQ(run(reason_of(drop_value(throwing()))), "broken"); }

TEST(task, ok_gives_the_value_or_leaves_with_the_fault) {
  int alive = 0;
  bool went_on = false;
  EXPECT_TRUE(run(outer(true, alive, went_on)));
  EXPECT_TRUE(went_on);
  EXPECT_EQ(alive, 0);
  went_on = false;
  auto const failed = run(outer(false, alive, went_on));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code(), "no_such_thing");
  EXPECT_EQ(failed.error().kind(), fault_kind::not_found);
  EXPECT_FALSE(went_on);
  EXPECT_EQ(alive, 0) << "what the suspended frames held is destroyed";
}

TEST(task, the_context_reaches_every_depth) {
  context operation;
  EXPECT_EQ(run(context_below(), &operation), &operation);
  EXPECT_EQ(run(context_below()), nullptr);
}

TEST(one_shot, before_and_after) {
  one_shot event;
  event.fire();
  EXPECT_EQ(run(reason_of(wait_for(event))), "done");
  one_shot later;
  std::optional<std::string> out;
  start_detached(keep(reason_of(wait_for(later)), out));
  EXPECT_FALSE(out);
  later.fire();
  EXPECT_EQ(out, "done");
}

TEST(one_shot, honours_the_cancellation_of_its_context) {
  context operation;
  one_shot event;
  std::optional<std::string> out;
  start_detached(keep(reason_of(wait_for(event)), out), &operation);
  operation.cancel(cancel_reason::client_gone);
  EXPECT_EQ(out, std::to_string(static_cast<int>(cancel_reason::client_gone)));
  event.fire();  // comes too late and harms nobody
  operation.cancel(cancel_reason::deadline);
  EXPECT_EQ(operation.cancelled(), cancel_reason::client_gone) << "the first reason stands";
  one_shot another;
  EXPECT_EQ(run(reason_of(wait_for(another)), &operation), std::to_string(static_cast<int>(cancel_reason::client_gone)))
      << "a cancelled operation does not begin to wait";
  operation.reset();
  EXPECT_EQ(operation.cancelled(), cancel_reason::none);
}

TEST(context, tells_everyone_in_order_and_forgets_who_left) {
  struct listener : context::hook {
    std::string* log;
    char name;
    listener* leaves_too = nullptr;
    listener(std::string& l, char n) : log{&l}, name{n} {
      this->fire = [](context::hook& h, cancel_reason) {
        auto& me = static_cast<listener&>(h);
        *me.log += me.name;
        if (me.leaves_too != nullptr) context::drop(*me.leaves_too);
      };
    }
  };
  context operation;
  std::string log;
  listener a{log, 'a'}, b{log, 'b'}, c{log, 'c'}, d{log, 'd'};
  for (auto* l : {&a, &b, &c, &d}) operation.add(*l);
  context::drop(b);
  context::drop(b);
  a.leaves_too = &c;  // the first to be told takes another one off
  operation.cancel(cancel_reason::shutdown);
  EXPECT_EQ(log, "ad");
}

TEST(fault, keeps_what_is_public_and_what_is_not_apart) {
  auto const f = fault::too_many_requests(std::chrono::seconds{3}).detail("Slow down.").internal("bucket 7 is empty");
  EXPECT_EQ(f.kind(), fault_kind::too_many_requests);
  EXPECT_EQ(f.code(), "too_many_requests");
  EXPECT_EQ(f.more().detail, "Slow down.");
  EXPECT_EQ(f.more().internal, "bucket 7 is empty");
  EXPECT_EQ(f.more().retry_after, std::chrono::seconds{3});
  EXPECT_NE(std::string_view{f.more().where.file_name()}.find("task_test"), std::string_view::npos);
  auto const invalid = fault::invalid({{"/a", "required", "is required"}});
  EXPECT_EQ(invalid.more().fields.size(), 1u);
}

TEST(assertions, must_ends_the_process_and_bug_returns_what_it_saw) {
  EXPECT_DEATH(must(false, "the sky is up"), "must failed.*the sky is up");
  must(true, "nothing happens");
  EXPECT_TRUE(bug(true, "nothing happens"));
#ifndef NDEBUG
  EXPECT_DEATH(expect(false, "one is two"), "expect failed.*one is two");
  EXPECT_DEATH(bug(false, "two is three"), "bug failed.*two is three");
#else
  auto const before = bug_count();
  on_bug([](char const*, std::source_location) {});
  EXPECT_FALSE(bug(false, "two is three"));
  on_bug(nullptr);
  EXPECT_EQ(bug_count(), before + 1);
#endif
}
