#include "harness.hpp"
#include "shop.hpp"

#include <slipway/api/idempotency.hpp>

#include <gtest/gtest.h>

namespace {

using namespace slipway;
using http::method;

class memory_store final : public api::idempotency_store {
 public:
  task<api::idempotency_claim> claim(std::string key, std::string fingerprint, time_point now,
                                     time_point abandoned) override {
    auto [at, mine] = rows.try_emplace(key, row{fingerprint, now, std::nullopt});
    if (!mine && !at->second.answer && at->second.claimed < abandoned) {
      at->second = {fingerprint, now, std::nullopt};
      mine = true;
    }
    api::idempotency_claim out;
    if (!mine) {
      out.now = at->second.answer ? api::idempotency_claim::state::finished : api::idempotency_claim::state::running;
      out.fingerprint = at->second.fingerprint;
      if (at->second.answer) out.answer = *at->second.answer;
    }
    co_return out;
  }
  task<> finish(std::string key, api::stored_answer answer) override {
    if (broken) throw unavailable_error{"the disk is full"};
    rows.at(key).answer = std::move(answer);
    co_return;
  }
  task<> release(std::string key) override {
    if (broken) throw unavailable_error{"the disk is full"};
    rows.erase(key);
    co_return;
  }

  struct row {
    std::string fingerprint;
    time_point claimed;
    std::optional<api::stored_answer> answer;
  };
  std::map<std::string, row> rows;
  bool broken = false;
};

class idempotency : public testing::Test {
 protected:
  idempotency() { shop::routes(router, shop, true); }
  api::test::answer create(std::string key, std::string body = R"({"name":"nail"})") {
    return calls.call(method::post, "/v1/items", std::move(body), {{"Idempotency-Key", std::move(key)}});
  }
  shop::counter shop;
  memory_store store;
  manual_clock clock{time_point{std::chrono::days{20'000}}};
  api::idempotency_layer layer{store, clock};
  api::router router{&layer};
  api::test::caller calls{router};
};

TEST_F(idempotency, a_repeated_request_gets_the_first_answer_and_no_second_effect) {
  auto const first = create("k1");
  auto const second = create("k1");
  EXPECT_EQ(first.status, 201);
  EXPECT_EQ(second.status, 201);
  EXPECT_EQ(first.body, second.body);
  EXPECT_EQ(first.header("Location"), second.header("Location"));
  EXPECT_EQ(second.header("Idempotent-Replayed"), "true");
  EXPECT_EQ(shop.created_count, 1);
  EXPECT_EQ(create("k2").status, 201);
  EXPECT_EQ(shop.created_count, 2);
}

TEST_F(idempotency, another_body_under_the_same_key_is_refused) {
  create("k1");
  auto const other = create("k1", R"({"name":"screw"})");
  EXPECT_EQ(other.status, 422);
  EXPECT_EQ(other.code(), "idempotency_key_reused");
  EXPECT_EQ(shop.created_count, 1);
}

TEST_F(idempotency, a_request_that_still_runs_is_a_conflict_until_it_is_given_up) {
  create("k1");
  store.rows.begin()->second.answer.reset();
  auto const running = create("k1");
  EXPECT_EQ(running.status, 409);
  EXPECT_EQ(running.code(), "idempotency_key_in_use");
  EXPECT_EQ(running.header("Retry-After"), "1");
  clock.advance(std::chrono::minutes{5});
  EXPECT_EQ(create("k1").status, 201);
}

TEST_F(idempotency, a_refusal_is_not_kept_and_a_corrected_body_may_use_its_key) {
  auto const first = create("k1", R"({"name":""})"), again = create("k1", R"({"name":""})");
  EXPECT_EQ(first.status, 422);
  EXPECT_EQ(again.status, 422);
  EXPECT_EQ(again.code(), first.code());
  EXPECT_EQ(again.header("Idempotent-Replayed"), "") << "or it would tell the first one's correlation id";
  EXPECT_EQ(create("k1").status, 201);
  EXPECT_EQ(create("k1").header("Idempotent-Replayed"), "true");
  EXPECT_EQ(shop.created_count, 1);
}

TEST_F(idempotency, an_answer_that_cannot_be_stored_stands) {
  store.broken = true;
  EXPECT_EQ(create("k1").status, 201);
  EXPECT_EQ(shop.created_count, 1);
  store.broken = false;
  EXPECT_EQ(create("k1").code(), "idempotency_key_in_use");
  EXPECT_EQ(shop.created_count, 1);
}

TEST_F(idempotency, a_key_that_cannot_be_given_back_does_not_change_why_it_was_to_be) {
  store.broken = true;
  EXPECT_EQ(create("k1", R"({"name":""})").status, 422);
}

TEST_F(idempotency, the_key_of_what_may_have_been_done_stays_in_use) {
  for (bool const cancelled : {true, false}) {
    auto const key = cancelled ? "k1" : "k2";
    shop.after_create = [cancelled] {
      if (cancelled) throw cancelled_error{cancel_reason::deadline};
      throw unknown_outcome_error{"the connection was lost"};
    };
    create(key);
    shop.after_create = {};
    EXPECT_EQ(create(key).code(), "idempotency_key_in_use");
  }
  EXPECT_EQ(shop.created_count, 2);
  shop.after_create = [] { throw unavailable_error{"the queue is full"}; };
  EXPECT_EQ(create("k3").status, 503);
  shop.after_create = {};
  EXPECT_EQ(create("k3").status, 201);
}

TEST_F(idempotency, a_malformed_key_is_refused_and_none_is_fine) {
  EXPECT_EQ(create("with space").status, 400);
  EXPECT_EQ(create(std::string(256, 'x')).status, 400);
  EXPECT_EQ(calls.call(method::post, "/v1/items", R"({"name":"nail"})").status, 201);
  EXPECT_EQ(shop.created_count, 1);
}

}  // namespace
