// Requests and answers in order, without a socket.
#include <slipway/redis/pipeline.hpp>

#include <gtest/gtest.h>

#include <deque>

using namespace slipway;
using namespace slipway::redis;

namespace {

struct redis_pipeline : testing::Test {
  pipeline p{reply_parser::limits{}};
  std::deque<command> commands;
  std::deque<request> requests;
  std::string out;

  request& ask(char const* word) {
    auto& c = commands.emplace_back(word);
    auto& r = requests.emplace_back();
    r.parts = {&c, 1};
    r.waiting = std::noop_coroutine();
    p.push(r);
    return r;
  }
  static bool over(request const& r) { return r.where == request::place::nowhere; }
};

TEST_F(redis_pipeline, answers_go_to_whose_turn_it_is) {
  auto &a = ask("A"), &b = ask("B"), &c = ask("C");
  p.fill(out, 1 << 20);
  EXPECT_EQ(out, "*1\r\n$1\r\nA\r\n*1\r\n$1\r\nB\r\n*1\r\n$1\r\nC\r\n");
  EXPECT_TRUE(p.feed(":1\r\n:2\r\n:"));
  EXPECT_EQ(a.answer.number, 1);
  EXPECT_EQ(b.answer.number, 2);
  EXPECT_FALSE(over(c));
  EXPECT_TRUE(p.feed("3\r\n"));
  EXPECT_EQ(c.answer.number, 3);
  EXPECT_EQ(p.load(), 0u);
}

TEST_F(redis_pipeline, the_answer_to_what_was_given_up_is_dropped_in_order) {
  auto &a = ask("A"), &b = ask("B"), &c = ask("C");
  p.fill(out, 1 << 20);
  p.give_up(b);
  EXPECT_TRUE(p.feed(":1\r\n:2\r\n:3\r\n"));
  EXPECT_EQ(a.answer.number, 1);
  EXPECT_TRUE(b.answer.is_nil());
  EXPECT_EQ(c.answer.number, 3);
}

TEST_F(redis_pipeline, what_was_not_sent_is_given_up_without_a_trace) {
  auto &a = ask("A"), &b = ask("B"), &c = ask("C");
  p.fill(out, 1);  // the first alone
  EXPECT_TRUE(a.sent);
  EXPECT_FALSE(b.sent);
  p.give_up(b);
  p.fill(out, 1 << 20);
  EXPECT_EQ(out, "*1\r\n$1\r\nA\r\n*1\r\n$1\r\nC\r\n");
  EXPECT_TRUE(p.feed(":1\r\n:3\r\n"));
  EXPECT_EQ(c.answer.number, 3);
}

TEST_F(redis_pipeline, several_commands_of_one_request_stay_together) {
  std::vector<command> block{command{"MULTI"}, command{"INCR"}, command{"EXEC"}};
  request r;
  r.parts = block;
  r.waiting = std::noop_coroutine();
  auto& before = ask("A");
  p.push(r);
  auto& after = ask("B");
  p.fill(out, 1 << 20);
  EXPECT_TRUE(p.feed(":0\r\n+OK\r\n+QUEUED\r\n"));
  EXPECT_FALSE(over(r));
  EXPECT_TRUE(p.feed("*1\r\n:7\r\n:8\r\n"));
  EXPECT_EQ(before.answer.number, 0);
  ASSERT_EQ(r.answer.items.size(), 1u);
  EXPECT_EQ(r.answer.items[0].number, 7);
  EXPECT_EQ(after.answer.number, 8);
  EXPECT_EQ(r.early_error, "");
}

TEST_F(redis_pipeline, the_reason_of_a_refused_block_is_kept) {
  std::vector<command> block{command{"MULTI"}, command{"INCR"}, command{"EXEC"}};
  request r;
  r.parts = block;
  r.waiting = std::noop_coroutine();
  p.push(r);
  p.fill(out, 1 << 20);
  EXPECT_TRUE(p.feed("+OK\r\n-MOVED 1 h:1\r\n-EXECABORT Transaction discarded\r\n"));
  EXPECT_EQ(r.early_error, "MOVED 1 h:1");
  EXPECT_TRUE(r.answer.is_error());
}

TEST_F(redis_pipeline, a_block_that_was_given_up_takes_all_its_answers_with_it) {
  std::vector<command> block{command{"MULTI"}, command{"INCR"}, command{"EXEC"}};
  request r;
  r.parts = block;
  r.waiting = std::noop_coroutine();
  p.push(r);
  auto& after = ask("B");
  p.fill(out, 1 << 20);
  EXPECT_TRUE(p.feed("+OK\r\n"));
  p.give_up(r);
  EXPECT_TRUE(p.feed("+QUEUED\r\n*1\r\n:7\r\n:8\r\n"));
  EXPECT_EQ(after.answer.number, 8);
}

TEST_F(redis_pipeline, an_answer_that_nobody_asked_for_ends_it) {
  EXPECT_FALSE(p.feed("-ERR max number of clients reached\r\n"));
  EXPECT_EQ(p.problem(), "an answer that nobody asked for: ERR max number of clients reached");
}

TEST_F(redis_pipeline, the_end_hands_back_what_waits_in_order) {
  auto &a = ask("A"), &b = ask("B");
  p.fill(out, 1);
  auto all = p.take_all();
  EXPECT_EQ(all.pop(), &a);
  EXPECT_EQ(all.pop(), &b);
  EXPECT_EQ(all.pop(), nullptr);
  EXPECT_EQ(p.load(), 0u);
}

TEST_F(redis_pipeline, the_late_are_found_wherever_they_are) {
  auto &a = ask("A"), &b = ask("B");
  p.fill(out, 1);
  auto const now = request::clock::now();
  EXPECT_EQ(p.late(now), nullptr);
  b.give_up = now;
  EXPECT_EQ(p.late(now), &b);
  a.give_up = now;
  EXPECT_EQ(p.late(now), &a);
}

}  // namespace
