// The server's disk is really full: what a service says meanwhile, and that it goes on when there is room again.
#include "server_case.hpp"
#include "small_disk.hpp"

namespace slipway::db::tests {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class full_disk : public server_case {
 protected:
  // What is said once nothing more fits into the table.
  void fill() {
    // Within a page: where larger ones lie beside the table, MariaDB 10.11 ends itself.
    std::string const much(4'000, 'x');
    auto const insert = [&] {
      run([](database& db, std::string text) -> task<> {
        co_await db.query("insert into filling (content) values ($1)", {std::move(text)});
      }(*db_, much));
    };
    try {
      for (int i = 0; i < 2'000; ++i) insert();
      ADD_FAILURE() << "all of it found room";
    } catch (storage_full_error const& e) {
      EXPECT_THAT(e.what(), AllOf(HasSubstr("Make room"), HasSubstr("nothing was lost")));
      EXPECT_EQ(e.retry_after(), std::chrono::seconds{30});
    }
  }
  std::int64_t count() { return run(db_->query_once("select count(*) from filling"))[0].get<std::int64_t>(0); }

  mounts_of_our_own mounts_;
};

TEST_F(full_disk, of_postgres_is_unavailable_and_passes) {
  if (!mounts_.why_not().empty()) GTEST_SKIP() << "SKIPPED LOUDLY: " << mounts_.why_not();
  std::string why_not;
  auto const server = postgres_server::own({}, why_not);
  begin(server.get(), why_not, db::dialect::postgres);
  if (IsSkipped()) return;
  small_disk const disk{mounts_, server->directory() + "/disk", "4m", "postgres"};
  run(db_->query_once("create tablespace small location '" + disk.path() + "'"));
  run(
      db_->script("create table filling (content text not null) tablespace small;"
                  "alter table filling alter column content set storage plain"));
  fill();
  auto const kept = count();
  EXPECT_GT(kept, 0) << "reads go on";
  fill();
  run(db_->insert(counter{.name = "elsewhere"}));  // other tables have room
  run(db_->query_once("drop table filling"));      // to truncate a table takes room for an empty one
  run(db_->query_once("create table filling (content text not null) tablespace small"));
  run(db_->query_once("insert into filling (content) values ('room again')"));
  EXPECT_EQ(count(), 1);
}

TEST_F(full_disk, of_mysql_is_unavailable_and_passes) {
  if (!mounts_.why_not().empty()) GTEST_SKIP() << "SKIPPED LOUDLY: " << mounts_.why_not();
  std::string why_not;
  auto const server = mysql_server::make({}, why_not);
  begin(server.get(), why_not, db::dialect::mysql);
  if (IsSkipped()) return;
  small_disk const disk{mounts_, server->directory() + "/disk", "4m", "mysql"};
  auto const create = "create table filling (content text not null) engine=InnoDB data directory='" + disk.path() + "'";
  run(db_->query_once(create));
  fill();
  auto const kept = count();
  EXPECT_GT(kept, 0) << "reads go on";
  fill();
  run(db_->insert(counter{.name = "elsewhere"}));  // other tables have room
  run(db_->query_once("drop table filling"));
  run(db_->query_once(create));
  run(db_->query_once("insert into filling (content) values ('room again')"));
  EXPECT_EQ(count(), 1);
}

}  // namespace
}  // namespace slipway::db::tests
