// A planted N+1 is found, with the line that asks; what asks once is left alone.
#include "fixture.hpp"

#include <slipway/core/one_shot.hpp>
#include <slipway/db/repetition.hpp>

#include <set>

namespace slipway::db::tests {
namespace {

class repetitions : public each_engine {
 protected:
  void SetUp() override {
    settings_.watch = &watch_;
    each_engine::SetUp();
    if (IsSkipped()) return;
    for (int i = 0; i < 10; ++i) {
      auto const owner = run(db_->insert(user{.email = "u" + std::to_string(i)}));
      run(db_->insert(note{.owner_id = owner.id, .title = "n"}));
    }
  }
  // As a request does: in an operation of its own.
  unsigned in_one_operation(task<> work) {
    context operation;
    run([](task<> inner, context& op) -> task<> {
      one_shot done;
      start_detached(
          [](task<> in, one_shot& d) -> task<> {
            co_await std::move(in);
            d.fire();
          }(std::move(inner), done),
          &op);
      co_await done;
    }(std::move(work), operation));
    return operation.statements;
  }

  int reports_ = 0;
  repetition_watch watch_{5, [this](repetition const&) { ++reports_; }};
};

task<> planted(db::database& d) {
  for (auto const& n : co_await d.from<note>().all()) co_await d.find<user>(n.owner_id);  // the planted line
}
constexpr unsigned planted_line = __LINE__ - 2;

task<> loads_at_once(db::database& d) {
  auto const notes = co_await d.from<note>().all();
  std::vector<id_of<user>> owners;
  for (auto const& n : notes) owners.push_back(n.owner_id);
  co_await d.from<user>().where(col<&user::id>.in(owners)).all();
}

TEST_P(repetitions, a_planted_one_is_found_with_its_line) {
  EXPECT_EQ(in_one_operation(planted(*db_)), 11u);
  auto const found = watch_.found();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].at.line(), planted_line);
  EXPECT_THAT(found[0].place(), testing::StartsWith("tests/repetition_test.cpp:"));
  EXPECT_THAT(found[0].sql, testing::HasSubstr("users"));
  EXPECT_EQ(found[0].count, 6u);
  in_one_operation(planted(*db_));
  EXPECT_EQ(reports_, 1);  // once for each place
}

TEST_P(repetitions, the_same_work_in_two_statements_is_not) {
  EXPECT_EQ(in_one_operation(loads_at_once(*db_)), 2u);
  EXPECT_TRUE(watch_.found().empty());
}

TEST_P(repetitions, operations_are_counted_apart) {
  for (int i = 0; i < 10; ++i) in_one_operation(loads_at_once(*db_));
  EXPECT_TRUE(watch_.found().empty());
}

task<> imports(db::database& d) {
  for (int chunk = 0; chunk < 10; ++chunk) {
    auto const name = "c" + std::to_string(chunk);
    auto people = co_await d.insert_many(std::vector{user{.email = name + "a"}, user{.email = name + "b"}});
    for (auto& each : people) each.nickname = name;
    co_await d.update_many(std::move(people), col<&user::nickname>);
  }
}
task<> writes_one_by_one(db::database& d) {
  for (int i = 0; i < 10; ++i) {
    auto people = co_await d.insert_many(std::vector{user{.email = "o" + std::to_string(i)}});
    people = {co_await d.upsert(people.front(), col<&user::email>)};
    co_await d.update_many(std::move(people), col<&user::nickname>);
  }
}
constexpr unsigned line_of_upsert = __LINE__ - 4, line_of_update_many = line_of_upsert + 1;

TEST_P(repetitions, an_import_in_batches_is_not_and_one_row_after_the_other_is) {
  EXPECT_EQ(in_one_operation(imports(*db_)), 20u);
  EXPECT_TRUE(watch_.found().empty());
  in_one_operation(writes_one_by_one(*db_));
  std::set<unsigned> lines;
  for (auto const& each : watch_.found()) {
    EXPECT_THAT(each.place(), testing::StartsWith("tests/repetition_test.cpp:"));
    lines.insert(each.at.line());
  }
  EXPECT_THAT(lines, testing::ElementsAre(line_of_upsert - 1, line_of_upsert, line_of_update_many));
}

task<> walks(db::database& d, bool asks_for_each_row) {
  std::string cursor;
  do {
    auto const page = co_await d.from<note>().page(cursor, 1);
    if (asks_for_each_row) co_await d.find<user>(page->items.front().owner_id);  // planted as well
    cursor = page->next;
  } while (!cursor.empty());
}
constexpr unsigned line_in_walk = __LINE__ - 4;

TEST_P(repetitions, a_walk_through_pages_is_not_and_what_it_asks_for_each_row_is) {
  EXPECT_EQ(in_one_operation(walks(*db_, false)), 10u);
  EXPECT_TRUE(watch_.found().empty());
  EXPECT_EQ(in_one_operation(walks(*db_, true)), 20u);
  auto const found = watch_.found();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].at.line(), line_in_walk);
}

task<> asks_for_first_pages(db::database& d) {
  for (auto const& u : co_await d.from<user>().all())
    co_await d.from<note>().where(col<&note::owner_id> == u.id).page("", 1);
}

TEST_P(repetitions, many_first_pages_are) {
  in_one_operation(asks_for_first_pages(*db_));
  EXPECT_EQ(watch_.found().size(), 1u);
}

task<> streams(db::database& d) {
  auto stream = co_await d.stream("select id from notes", {}, 1);
  while (!(co_await stream.next()).empty()) continue;
}

TEST_P(repetitions, the_batches_of_a_stream_are_not) {
  in_one_operation(streams(*db_));
  EXPECT_TRUE(watch_.found().empty());
}

INSTANTIATE_TEST_SUITE_P(engines, repetitions, all_engines(), engine_name);

}  // namespace
}  // namespace slipway::db::tests
