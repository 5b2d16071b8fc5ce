// Tasks side by side, without an event loop: everything resumes where it is fired.
#include <slipway/core/all.hpp>
#include <slipway/core/one_shot.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

using namespace slipway;

namespace {

template <class T>
task<> keep(task<T> work, std::optional<T>& out) {
  out.emplace(co_await std::move(work));
}

task<int> number(one_shot& when, int value, std::string& log) {
  log += 'b';
  co_await when;
  log += 'e';
  co_return value;
}
task<int> at_once(int value) { co_return value; }
task<> nothing(one_shot& when) { co_await when; }
task<int> failing(one_shot& when, char const* why) {
  co_await when;
  throw std::runtime_error{why};
}
task<result<std::unique_ptr<int>>> found(one_shot& when, char const* missing) {
  co_await when;
  if (missing != nullptr) co_return fault::not_found(missing);
  co_return std::make_unique<int>(7);
}
task<result<void>> allowed(bool yes) {
  if (!yes) co_return fault::forbidden("not_yours");
  co_return result<void>{};
}
task<std::string> why_not(task<std::tuple<int, int>> work) {
  try {
    co_await std::move(work);
  } catch (std::exception const& error) {
    co_return error.what();
  }
  co_return "none";
}
task<result<int>> left_by_ok(one_shot& a, one_shot& b, char const* missing) {
  auto [one, two] = co_await ok(all(found(a, missing), at_once(2)));
  co_await b;
  co_return *one + two;
}

}  // namespace

TEST(all, begins_every_task_before_it_waits_for_any) {
  one_shot first, second;
  std::string log;
  std::optional<std::tuple<int, int>> out;
  start_detached(keep(all(number(first, 1, log), number(second, 2, log)), out));
  EXPECT_EQ(log, "bb");
  second.fire();
  EXPECT_FALSE(out);
  first.fire();
  EXPECT_EQ(out, (std::tuple{1, 2})) << "in the order of the tasks, not of their ends";
}

TEST(all, goes_on_at_once_when_nothing_waits) {
  std::optional<std::tuple<int, int, int>> out;
  start_detached(keep(all(at_once(1), at_once(2), at_once(3)), out));
  EXPECT_EQ(out, (std::tuple{1, 2, 3}));
}

TEST(all, takes_tasks_without_a_value) {
  one_shot when;
  std::optional<std::tuple<std::monostate, int>> out;
  start_detached(keep(all(nothing(when), at_once(2)), out));
  EXPECT_FALSE(out);
  when.fire();
  ASSERT_TRUE(out);
  EXPECT_EQ(std::get<1>(*out), 2);
}

TEST(all, throws_the_first_error_in_order_after_all_have_ended) {
  one_shot first, second;
  std::optional<std::string> out;
  start_detached(keep(why_not(all(failing(first, "the first"), failing(second, "the second"))), out));
  second.fire();
  EXPECT_FALSE(out) << "the other one still uses what is the caller's";
  first.fire();
  EXPECT_EQ(out, "the first");
}

TEST(all, gives_the_values_of_results_or_their_first_fault) {
  one_shot a, b;
  b.fire();
  std::optional<result<int>> sum;
  a.fire();
  start_detached(keep(left_by_ok(a, b, nullptr), sum));
  ASSERT_TRUE(sum && *sum);
  EXPECT_EQ(**sum, 9);

  one_shot c, d;
  std::string log;
  std::optional<result<std::tuple<std::unique_ptr<int>, std::monostate, int>>> out;
  start_detached(keep(all(found(c, "no_such_thing"), allowed(false), number(d, 1, log)), out));
  c.fire();
  EXPECT_FALSE(out);
  d.fire();
  ASSERT_TRUE(out);
  ASSERT_FALSE(*out);
  EXPECT_EQ(out->error().code(), "no_such_thing");
}

TEST(all, takes_a_vector_of_any_length) {
  std::optional<std::vector<int>> none;
  start_detached(keep(all(std::vector<task<int>>{}), none));
  EXPECT_EQ(none, std::vector<int>{});

  constexpr std::size_t many = 1'000;
  std::vector<one_shot> events(many);
  std::string log;
  std::vector<task<int>> tasks;
  for (std::size_t i = 0; i < many; ++i) tasks.push_back(number(events[i], static_cast<int>(i), log));
  std::optional<std::vector<int>> out;
  start_detached(keep(all(std::move(tasks)), out));
  for (auto i = many; i-- > 0;) {
    EXPECT_FALSE(out);
    events[i].fire();
  }
  ASSERT_TRUE(out);
  ASSERT_EQ(out->size(), many);
  EXPECT_EQ((*out)[999], 999);

  one_shot when;
  std::vector<task<result<std::unique_ptr<int>>>> results;
  results.push_back(found(when, nullptr));
  results.push_back(found(when, nullptr));
  when.fire();
  std::optional<result<std::vector<std::unique_ptr<int>>>> values;
  start_detached(keep(all(std::move(results)), values));
  ASSERT_TRUE(values && *values);
  EXPECT_EQ(*(*values)->at(1), 7);
}

TEST(all, passes_the_cancellation_of_its_context_to_each) {
  one_shot first, second;
  std::string log;
  context operation;
  std::optional<std::string> out;
  start_detached(keep(why_not(all(number(first, 1, log), number(second, 2, log))), out), &operation);
  operation.cancel(cancel_reason::client_gone);
  ASSERT_TRUE(out);
  EXPECT_EQ(*out, cancelled_error{cancel_reason::client_gone}.what());
}
