// Rows in and out, conditions, changes: the same on all engines.
#include "fixture.hpp"

#include <slipway/db/errors.hpp>

namespace slipway::db::tests {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

user ann() {
  return {.email = "ann@example.org", .role = role::admin, .tags = {"a", "b\"c"}, .home = {"Main Street", 7}};
}

task<std::vector<std::string>> titles(selection<note> s) {
  std::vector<std::string> out;
  for (auto const& n : co_await s.all()) out.push_back(n.title);
  co_return out;
}

template <class F>
std::string violated(F work) {
  try {
    work();
  } catch (constraint_error const& e) {
    return e.name();
  }
  return "nothing";
}

class repository : public each_engine {
 protected:
  user insert_ann() { return run(db_->insert(ann())); }
  void insert_notes(user const& owner, std::vector<std::string> const& list) {
    std::vector<note> notes;
    int stars = 0;
    for (auto const& title : list) notes.push_back({.owner_id = owner.id, .title = title, .stars = stars++});
    run(db_->insert_many(std::move(notes)));
  }
};

TEST_P(repository, a_row_comes_back_as_it_was_stored) {
  auto const stored = insert_ann();
  EXPECT_FALSE(stored.id.is_nil());
  EXPECT_EQ(stored.version, 1);
  EXPECT_NE(stored.created_at, time_point{});
  auto const found = run(db_->find<user>(stored.id));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->email, "ann@example.org");
  EXPECT_EQ(found->role, role::admin);
  EXPECT_EQ(found->nickname, std::nullopt);
  EXPECT_THAT(found->tags, ElementsAre("a", "b\"c"));
  EXPECT_EQ(found->home.street, "Main Street");
  EXPECT_EQ(found->home.number, 7);
  EXPECT_EQ(found->created_at, stored.created_at);
  EXPECT_EQ(found->deleted_at, std::nullopt);
}

TEST_P(repository, what_is_not_there_is_a_fault) {
  auto const found = run(db_->find<user>(id_of<user>::make()));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind(), fault_kind::not_found);
  EXPECT_EQ(run(db_->from<user>().first()), std::nullopt);
}

TEST_P(repository, conditions_select) {
  auto const owner = insert_ann();
  insert_notes(owner, {"Apple", "banana", "100% sure", "under_score", "back\\slash"});
  auto const titles_where = [&](condition<note> c) { return run(titles(db_->from<note>().where(std::move(c)))); };
  EXPECT_THAT(titles_where(col<&note::title> == "Apple"), ElementsAre("Apple"));
  EXPECT_THAT(titles_where(col<&note::title>.contains("APP")), ElementsAre("Apple"));
  EXPECT_THAT(titles_where(col<&note::title>.contains("%")), ElementsAre("100% sure"));
  EXPECT_THAT(titles_where(col<&note::title>.contains("r_s")), ElementsAre("under_score"));
  EXPECT_THAT(titles_where(col<&note::title>.contains("\\")), ElementsAre("back\\slash"));
  EXPECT_THAT(titles_where(col<&note::title>.starts_with("Ap")), ElementsAre("Apple"));
  EXPECT_THAT(titles_where(col<&note::title>.starts_with("ap")), IsEmpty());
  EXPECT_THAT(titles_where(col<&note::title>.starts_with("1%")), IsEmpty());
  EXPECT_THAT(titles_where(col<&note::stars> >= 1 && !(col<&note::stars> > 2)),
              UnorderedElementsAre("banana", "100% sure"));
  EXPECT_THAT(titles_where(col<&note::stars> == 0 || col<&note::title> == "banana"),
              UnorderedElementsAre("Apple", "banana"));
  EXPECT_THAT(titles_where(col<&note::title>.in({"Apple", "banana", "nothing"})),
              UnorderedElementsAre("Apple", "banana"));
  EXPECT_THAT(titles_where(col<&note::title>.in(std::vector<std::string>{})), IsEmpty());
  EXPECT_THAT(titles_where(col<&note::owner_id> == owner.id && col<&note::pinned> == true), IsEmpty());
  EXPECT_EQ(titles_where(col<&note::rank>.is_null()).size(), 5u);
  EXPECT_EQ(titles_where(col<&note::rank> != 3).size(), 5u);  // an empty optional differs from 3
  EXPECT_EQ(titles_where(everything<note>()).size(), 5u);
  EXPECT_EQ(run(db_->from<note>().where(col<&note::stars> < 3).count()), 3);
  EXPECT_TRUE(run(db_->from<note>().where(col<&note::stars> == 3).exists()));
  EXPECT_FALSE(run(db_->from<note>().where(col<&note::stars> == 33).exists()));
}

TEST_P(repository, lists_can_be_searched_for_an_element) {
  insert_ann();
  EXPECT_EQ(run(db_->from<user>().where(col<&user::tags>.has("b\"c")).count()), 1);
  EXPECT_EQ(run(db_->from<user>().where(col<&user::tags>.has("c")).count()), 0);
}

TEST_P(repository, order_limit_and_offset) {
  auto const owner = insert_ann();
  insert_notes(owner, {"c", "a", "b"});
  EXPECT_THAT(run(titles(db_->from<note>().order_by(asc<&note::title>))), ElementsAre("a", "b", "c"));
  EXPECT_THAT(run(titles(db_->from<note>().order_by(desc<&note::title>).limit(2))), ElementsAre("c", "b"));
  EXPECT_THAT(run(titles(db_->from<note>().order_by(asc<&note::title>).limit(1).offset(1))), ElementsAre("b"));
  EXPECT_THAT(run(titles(db_->from<note>().order_by(asc<&note::title>).offset(2))), ElementsAre("c"));
}

TEST_P(repository, nulls_come_last_in_both_directions) {
  auto const owner = insert_ann();
  run(db_->insert(note{.owner_id = owner.id, .title = "none"}));
  run(db_->insert(note{.owner_id = owner.id, .title = "one", .rank = 1}));
  run(db_->insert(note{.owner_id = owner.id, .title = "two", .rank = 2}));
  EXPECT_THAT(run(titles(db_->from<note>().order_by(asc<&note::rank>))), ElementsAre("one", "two", "none"));
  EXPECT_THAT(run(titles(db_->from<note>().order_by(desc<&note::rank>))), ElementsAre("two", "one", "none"));
}

TEST_P(repository, update_by_condition_counts_rows_and_versions) {
  auto const stored = insert_ann();
  auto const changed =
      run(db_->update<user>().set(col<&user::nickname>, "Annie").where(col<&user::id> == stored.id).run());
  EXPECT_EQ(changed, 1);
  auto const found = run(db_->find<user>(stored.id));
  EXPECT_EQ(found->nickname, "Annie");
  EXPECT_EQ(found->version, 2);
  EXPECT_GE(found->updated_at, stored.updated_at);
  EXPECT_EQ(run(db_->update<user>().set(col<&user::nickname>, std::nullopt).where(col<&user::email> == "nobody").run()),
            0);
  auto const rows = run(db_->update<user>().set(col<&user::nickname>, std::nullopt).everywhere().returning());
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].nickname, std::nullopt);
  EXPECT_EQ(rows[0].version, 3);
}

TEST_P(repository, the_second_of_two_writers_is_told) {
  auto first = insert_ann(), second = first;
  first.nickname = "first";
  auto const saved = run(db_->update(first));
  ASSERT_TRUE(saved);
  EXPECT_EQ(saved->version, 2);
  second.nickname = "second";
  auto const refused = run(db_->update(second));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind(), fault_kind::precondition_failed);
  EXPECT_EQ(refused.error().code(), "version_conflict");
  EXPECT_EQ(run(db_->find<user>(first.id))->nickname, "first");
  second.id = id_of<user>::make();
  EXPECT_EQ(run(db_->update(second)).error().kind(), fault_kind::not_found);
}

TEST_P(repository, an_update_may_ask_for_more_than_the_key) {
  auto const owner = insert_ann();
  auto const is_ann = [] { return col<&user::email> == "ann@example.org"; };
  auto const has_notes = [] { return exists<note>(col<&note::owner_id> == col<&user::id>); };
  auto changed = owner;
  changed.nickname = "Annie";
  auto const none = run(db_->update(changed, is_ann() && has_notes()));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind(), fault_kind::not_found);
  EXPECT_EQ(run(db_->find<user>(owner.id))->nickname, std::nullopt);
  insert_notes(owner, {"one"});
  auto const done = run(db_->update(changed, is_ann() && has_notes()));
  ASSERT_TRUE(done);
  EXPECT_EQ(done->nickname, "Annie");
  EXPECT_EQ(done->version, 2);
  auto const slower = run(db_->update(changed, is_ann() && has_notes()));
  ASSERT_FALSE(slower);
  EXPECT_EQ(slower.error().code(), "version_conflict");
}

TEST_P(repository, soft_deletion_hides_and_restores) {
  auto const stored = insert_ann();
  auto const me = col<&user::id> == stored.id;
  EXPECT_EQ(run(db_->remove<user>().where(me).run()), 1);
  EXPECT_EQ(run(db_->remove<user>().where(me).run()), 0);
  EXPECT_FALSE(run(db_->find<user>(stored.id)));
  EXPECT_EQ(run(db_->from<user>().with_deleted().count()), 1);
  EXPECT_EQ(run(db_->from<user>().only_deleted().count()), 1);
  EXPECT_EQ(run(db_->update<user>().set(col<&user::nickname>, "x").where(me).run()), 0);
  EXPECT_EQ(run(db_->restore<user>().where(me).run()), 1);
  EXPECT_EQ(run(db_->restore<user>().where(me).run()), 0);
  EXPECT_TRUE(run(db_->find<user>(stored.id)));
  EXPECT_EQ(run(db_->purge<user>().where(me).run()), 1);
  EXPECT_EQ(run(db_->from<user>().with_deleted().count()), 0);
}

TEST_P(repository, insert_or_ignore_and_upsert) {
  EXPECT_TRUE(run(db_->insert_or_ignore(counter{.name = "a", .value = 1})));
  EXPECT_FALSE(run(db_->insert_or_ignore(counter{.name = "a", .value = 2})));
  auto const first = run(db_->from<counter>().one());
  EXPECT_EQ(first->value, 1);
  auto const second = run(db_->upsert(counter{.name = "a", .value = 3}, col<&counter::name>));
  EXPECT_EQ(second.id, first->id);
  EXPECT_EQ(second.value, 3);
  EXPECT_EQ(run(db_->upsert(counter{.name = "b", .value = 4}, col<&counter::name>)).value, 4);
  EXPECT_EQ(run(db_->from<counter>().count()), 2);
  auto const u = insert_ann();
  auto again = ann();
  again.nickname = "again";
  auto const merged = run(db_->upsert(again, col<&user::email>));
  EXPECT_EQ(merged.id, u.id);
  EXPECT_EQ(merged.version, 2);
  EXPECT_EQ(merged.created_at, u.created_at);
}

TEST_P(repository, upsert_overwrites_the_row_of_its_key_and_no_other) {
  auto const u = insert_ann();
  auto other = ann();
  other.id = u.id;  // the primary key stands against it, which is not the one that was named
  other.email = "other@example.org";
  EXPECT_EQ(violated([&] { run(db_->upsert(other, col<&user::email>)); }), "unique(users.id)");
  auto const still = run(db_->find<user>(u.id));
  EXPECT_EQ(still->email, u.email);
  EXPECT_EQ(still->version, 1);
  run(db_->transaction([&](transaction& tx) -> task<> {
    EXPECT_EQ((co_await tx.upsert(counter{.name = "t", .value = 1}, col<&counter::name>)).value, 1);
    EXPECT_EQ((co_await tx.upsert(counter{.name = "t", .value = 1}, col<&counter::name>)).value, 1);
  }));
  EXPECT_EQ(run(db_->from<counter>().count()), 1);
}

TEST_P(repository, only_duplicates_are_ignored) {
  auto const owner = insert_ann();
  EXPECT_EQ(violated([&] { run(db_->insert_or_ignore(note{.owner_id = owner.id, .title = "t", .stars = -1})); }),
            "check(stars_positive)");
  EXPECT_EQ(violated([&] { run(db_->insert_or_ignore(note{.owner_id = id_of<user>::make(), .title = "t"})); }),
            "foreign_key(notes.owner_id)");
  EXPECT_EQ(run(db_->from<note>().count()), 0);
}

TEST_P(repository, an_update_counts_the_rows_that_it_found) {
  auto const c = run(db_->insert(counter{.name = "a", .value = 5}));
  EXPECT_EQ(run(db_->update<counter>().set(col<&counter::value>, 5).where(col<&counter::id> == c.id).run()), 1);
  EXPECT_EQ(run(db_->execute("update counters set value = value")), 1);
  EXPECT_TRUE(run(db_->update(c)));
}

TEST_P(repository, changed_rows_are_given_back) {
  auto const owner = insert_ann();
  insert_notes(owner, {"a", "b", "c"});
  // The condition does not hold any more afterwards.
  auto const pinned = run(db_->update<note>()
                              .set(col<&note::pinned>, true)
                              .where(col<&note::pinned> == false && col<&note::stars> > 0)
                              .returning());
  ASSERT_EQ(pinned.size(), 2u);
  for (auto const& n : pinned) EXPECT_TRUE(n.pinned);
  EXPECT_THAT(run(db_->update<note>().set(col<&note::pinned>, true).where(col<&note::title> == "z").returning()),
              IsEmpty());
  auto const gone = run(db_->purge<note>().where(col<&note::pinned> == true).returning());
  ASSERT_EQ(gone.size(), 2u);
  EXPECT_TRUE(gone[0].pinned);
  EXPECT_EQ(run(db_->from<note>().count()), 1);
  auto const removed = run(db_->remove<user>().everywhere().returning());
  ASSERT_EQ(removed.size(), 1u);
  EXPECT_NE(removed[0].deleted_at, std::nullopt);
  EXPECT_EQ(removed[0].version, 2);
  EXPECT_EQ(run(db_->restore<user>().everywhere().returning()).at(0).deleted_at, std::nullopt);
}

TEST_P(repository, integer_keys_are_given_by_the_database) {
  auto const one = run(db_->insert(counter{.name = "one"}));
  EXPECT_GT(one.id, 0);
  EXPECT_EQ(run(db_->find<counter>(one.id))->name, "one");
  std::vector<counter> list;
  for (int i = 0; i < 5000; ++i) list.push_back({.name = "many" + std::to_string(i), .value = i});
  auto const many = run(db_->insert_many(std::move(list)));
  EXPECT_EQ(run(db_->find<counter>(many[4321].id))->name, "many4321");
  EXPECT_EQ(run(db_->from<counter>().count()), 5001);
}

TEST_P(repository, insert_many_is_all_or_nothing) {
  std::vector<counter> list{{.name = "x"}, {.name = "y"}, {.name = "x"}};
  EXPECT_THROW(run(db_->insert_many(list)), constraint_error);
  EXPECT_EQ(run(db_->from<counter>().count()), 0);
}

TEST_P(repository, constraints_have_one_name_on_every_engine) {
  auto const owner = insert_ann();
  EXPECT_EQ(violated([&] { run(db_->insert(ann())); }), "unique(users.email)");
  EXPECT_EQ(violated([&] {
              auto same = ann();
              same.id = owner.id;
              same.email = "b";
              run(db_->insert(same));
            }),
            "unique(users.id)");
  run(db_->insert(note{.owner_id = owner.id, .title = "t"}));
  EXPECT_EQ(violated([&] { run(db_->insert(note{.owner_id = owner.id, .title = "t"})); }),
            "unique(notes.owner_id,notes.title)");
  EXPECT_EQ(violated([&] { run(db_->insert(note{.owner_id = owner.id, .title = "u", .stars = -1})); }),
            "check(stars_positive)");
  EXPECT_EQ(violated([&] { run(db_->insert(note{.owner_id = id_of<user>::make(), .title = "v"})); }),
            "foreign_key(notes.owner_id)");
  EXPECT_EQ(violated([&] {
              auto lost = run(db_->from<note>().one()).value();
              lost.owner_id = id_of<user>::make();
              (void)run(db_->update(lost));
            }),
            "foreign_key(notes.owner_id)");
  EXPECT_TRUE(violated([&] { run(db_->purge<user>().everywhere().run()); }).starts_with("foreign_key"));
  EXPECT_EQ(violated([&] { run(db_->execute("update notes set title = null")); }), "not_null(notes.title)");
}

TEST_P(repository, a_violation_can_become_a_fault) {
  insert_ann();
  auto const refused = run(or_fault(db_->insert(ann()), "unique(users.email)", fault::conflict("email_taken")));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), "email_taken");
  EXPECT_THROW(run(or_fault(db_->insert(ann()), "unique(users.other)", fault::conflict("other"))), constraint_error);
}

TEST_P(repository, statements_by_hand) {
  auto const owner = insert_ann();
  insert_notes(owner, {"a", "b"});
  auto const found = run(
      db_->query("select title, stars from notes where owner_id = $2 and stars >= $1 order by title", {0, owner.id}));
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[1].get<std::string>(0), "b");
  EXPECT_EQ(found[1].get<int>(1), 1);
  EXPECT_EQ(found.name(1), "stars");
  EXPECT_EQ(run(db_->execute("update notes set stars = stars + 1")), 2);
  auto const back =
      run(db_->query_once("insert into counters (name, value) values ($1, $2) returning id, name, value", {"n", 5}));
  EXPECT_EQ(back.as<counter>().at(0).value, 5);
  EXPECT_THROW(run(db_->query("select nonsense from nowhere")), error);
  EXPECT_THROW(run(db_->query("selec")), error);
  EXPECT_THROW(run(db_->query("select title from notes where stars = $1", {})), error);
  EXPECT_EQ(run(db_->query("select 1")).size(), 1u);  // and the connection is well
}

TEST_P(repository, sign_of_life_and_figures) {
  run(db_->ping());
  insert_ann();
  EXPECT_GT(db_->use().queries, 0u);
  EXPECT_THAT(db_->description(), testing::AnyOf(testing::StartsWith("SQLite 3"), testing::StartsWith("PostgreSQL "),
                                                 testing::StartsWith("MariaDB "), testing::StartsWith("MySQL ")));
}

TEST_P(repository, many_rows_change_in_one_statement) {
  auto const owner = insert_ann();
  insert_notes(owner, {"a", "b", "c", "d"});
  auto notes = run(db_->from<note>().order_by(asc<&note::title>).all());
  for (auto& n : notes) {
    n.title += "\"{,}\\ü";
    n.pinned = true;
    n.rank = n.stars == 1 ? std::nullopt : std::optional{n.stars * 2};
    n.score = n.stars / 3.0;
    n.at = time_point{std::chrono::microseconds{-1}};
  }
  auto const gone = notes;
  run(db_->purge<note>().where(col<&note::title> == "d").run());
  EXPECT_EQ(*run(db_->update_many(notes)), 3);
  auto const after = run(db_->from<note>().order_by(asc<&note::title>).all());
  ASSERT_EQ(after.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(after[i].title, notes[i].title);
    EXPECT_TRUE(after[i].pinned);
    EXPECT_EQ(after[i].rank, notes[i].rank);
    EXPECT_EQ(after[i].score, notes[i].score);
    EXPECT_EQ(after[i].at, notes[i].at);
  }
  for (auto& n : notes) n.stars = 9, n.title = "not this";
  EXPECT_EQ(*run(db_->update_many(notes, col<&note::stars>)), 3);
  EXPECT_EQ(run(db_->from<note>().where(col<&note::stars> == 9 && col<&note::pinned> == true).count()), 3);
  EXPECT_EQ(run(db_->from<note>().where(col<&note::title> == "not this").count()), 0);
  EXPECT_EQ(*run(db_->update_many(std::vector<note>{})), 0);
  for (auto& n : notes) n.stars = -1;
  EXPECT_THROW(run(db_->update_many(notes, col<&note::stars>)), constraint_error);
  EXPECT_EQ(run(db_->from<note>().where(col<&note::stars> == 9).count()), 3);
}

TEST_P(repository, many_rows_with_a_version_change_all_or_none) {
  auto a = insert_ann();
  auto b = run(db_->insert(user{.email = "bob@example.org"}));
  std::vector<user> both{a, b};
  both[0].nickname = "A";
  both[1].home = {"Side Street", 8};
  EXPECT_EQ(*run(db_->update_many(both)), 2);
  auto const stored = *run(db_->find<user>(a.id));
  EXPECT_EQ(stored.version, 2);
  EXPECT_EQ(stored.nickname, "A");
  EXPECT_GT(stored.updated_at, a.updated_at);
  EXPECT_EQ(run(db_->find<user>(b.id))->home.number, 8);

  both = run(db_->from<user>().order_by(asc<&user::email>).all());
  ASSERT_TRUE(run(db_->update(both[1])));  // somebody was faster
  both[0].nickname = "nobody";
  auto const refused = run(db_->update_many(both, col<&user::nickname>));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), "version_conflict");
  EXPECT_EQ(run(db_->find<user>(a.id))->nickname, "A");
}

TEST_P(repository, more_rows_than_one_statement_takes) {
  std::vector<counter> rows;
  for (int i = 1; i <= 12'000; ++i) rows.push_back({.id = i, .name = std::to_string(i)});
  rows = run(db_->insert_many(std::move(rows)));
  for (auto& r : rows) r.value = r.id * 3;
  EXPECT_EQ(*run(db_->update_many(std::move(rows), col<&counter::value>)), 12'000);
  EXPECT_EQ(run(db_->query("select count(*) from counters where value = id * 3"))[0].get<int>(0), 12'000);
}

INSTANTIATE_TEST_SUITE_P(engines, repository, all_engines(), engine_name);

}  // namespace
}  // namespace slipway::db::tests
