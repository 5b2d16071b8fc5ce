// Seeds: rows for an environment.
#include "migrator_case.hpp"

#include <slipway/migrations/seeds.hpp>

namespace slipway::migrations {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class migration_seeds : public migrator_case {};
INSTANTIATE_TEST_SUITE_P(engines, migration_seeds, db::tests::all_engines(), db::tests::engine_name);

class counting_seeder final : public seeder {
 public:
  explicit counting_seeder(unsigned edition) : edition_{edition} {}
  std::string_view name() const noexcept override { return "accounts"; }
  unsigned edition() const noexcept override { return edition_; }
  task<> run(db::database& database) override {
    ++runs;
    co_await database.execute("INSERT INTO users VALUES ($1, 'seeded')",
                              {100 + runs + static_cast<int>(edition_) * 10});
  }
  int runs = 0;

 private:
  unsigned edition_;
};

TEST_P(migration_seeds, seeds_run_once_for_their_environment) {
  up(three);
  counting_seeder one{1}, newer{2};
  auto const run = [&](std::string environment, std::vector<file> files, std::vector<seeder*> list,
                       bool again = false) {
    return shards_.run(run_seeds(*db_, environment, {"data/" + environment, std::move(files)}, list, again));
  };
  std::vector<file> files{
      {"0002_b.sql", "INSERT INTO users VALUES (51, 'b');"},
      {"0001_a.sql", "INSERT INTO users VALUES (50, 'a;');\nUPDATE users SET name = 'A' WHERE id = 50;"}};
  EXPECT_THAT(run("development", files, {&one}),
              ElementsAre("development/0001_a.sql", "development/0002_b.sql", "development/accounts"));
  EXPECT_THAT(run("development", files, {&one}), IsEmpty());
  EXPECT_EQ(one.runs, 1);
  EXPECT_THAT(run("test", {}, {&one}), IsEmpty());
  EXPECT_THAT(run("development", files, {&newer}), ElementsAre("development/accounts"));
  files[0].text = "UPDATE users SET name = 'B' WHERE id = 51;";
  EXPECT_THAT(run("development", files, {&newer}), ElementsAre("development/0002_b.sql"));
  EXPECT_THAT(run("development", {}, {&newer}, true), ElementsAre("development/accounts"));
  EXPECT_EQ(number("SELECT count(*) FROM users WHERE name IN ('A', 'B')"), 2);
}

TEST_P(migration_seeds, a_seed_that_fails_leaves_nothing_and_names_its_line) {
  up(three);
  std::vector<file> const files{
      {"0001_a.sql", "INSERT INTO users VALUES (50, 'a');\n\nINSERT INTO missing VALUES (1);"}};
  EXPECT_THAT(refusal([&] { shards_.run(run_seeds(*db_, "development", {"data/development", files}, {})); }),
              HasSubstr("data/development/0001_a.sql:3: "));
  EXPECT_EQ(number("SELECT count(*) FROM users WHERE id = 50"), 0);
}

TEST_P(migration_seeds, a_file_may_be_for_one_engine) {
  up(three);
  auto const own = "0001_a" + std::string{suffix_of(GetParam())} + ".sql";
  auto const other = GetParam() == db::dialect::mysql ? "0002_b.sqlite.sql" : "0002_b.mysql.sql";
  std::vector<file> files{{"0001_a.sql", "not SQL at all"},
                          {own, "INSERT INTO users VALUES (50, 'a');"},
                          {other, "not SQL either"},
                          {"0003_c.sql", "UPDATE users SET name = 'C' WHERE id = 50;"}};
  EXPECT_THAT(shards_.run(run_seeds(*db_, "test", {"seeds/test", files}, {})),
              ElementsAre("test/" + own, "test/0003_c.sql"));
  EXPECT_EQ(number("SELECT count(*) FROM users WHERE name = 'C'"), 1);
}

TEST_P(migration_seeds, a_seed_that_commits_by_itself_is_refused) {
  up(three);
  std::vector<file> const files{{"0001_a.sql", "INSERT INTO users VALUES (50, 'a');\nCOMMIT;"}};
  EXPECT_THAT(refusal([&] { shards_.run(run_seeds(*db_, "test", {"seeds/test", files}, {})); }),
              HasSubstr("seeds/test/0001_a.sql:2: begins and commits by itself"));
  EXPECT_EQ(number("SELECT count(*) FROM users WHERE id = 50"), 0);
}

}  // namespace
}  // namespace slipway::migrations
