// Every snippet of docs/data.md stands here, between the marks, and is compiled and run. A test compares the two.
#include "fixture.hpp"
#include "guide_page.hpp"

#include <slipway/core/all.hpp>
#include <slipway/core/decimal.hpp>
#include <slipway/db/database.hpp>
#include <slipway/json/value.hpp>
#include <slipway/meta/scalars.hpp>

#include <fmt/format.h>

namespace guide {

using namespace slipway;
using namespace slipway::db;

struct author;

struct topic {
  std::int64_t id = 0;
  std::string name;
};
BOOST_DESCRIBE_STRUCT(topic, (), (id, name))

struct article_topic;

struct article {
  id_of<article> id;
  id_of<author> author_id;
  std::string title;
  int words = 0;
  decimal<2> price;
  std::chrono::year_month_day published_on{std::chrono::year{2026} / 1 / 1};
  json::value extra;

  db::one<author> writer;
  db::many<topic> topics;
};
BOOST_DESCRIBE_STRUCT(article, (), (id, author_id, title, words, price, published_on, extra))

struct article_topic {
  std::int64_t id = 0;
  id_of<article> article_id;
  std::int64_t topic_id = 0;
};
BOOST_DESCRIBE_STRUCT(article_topic, (), (id, article_id, topic_id))

struct author {
  id_of<author> id;
  std::string email;
  std::string name;
  std::optional<std::string> phone;
  std::int64_t version = 0;
  time_point created_at, updated_at;
  std::optional<time_point> deleted_at;

  db::many<article> articles;  // not described: no column, but the place of a relation
};
BOOST_DESCRIBE_STRUCT(author, (), (id, email, name, phone, version, created_at, updated_at, deleted_at))

struct event {
  std::int64_t id = 0;
  std::string text;
};
BOOST_DESCRIBE_STRUCT(event, (), (id, text))

struct author_summary {
  std::string name;
  std::int64_t articles = 0;
  std::int64_t words = 0;
};
BOOST_DESCRIBE_STRUCT(author_summary, (), (name, articles, words))

struct article_line {
  std::string title;
  int words = 0;
};
BOOST_DESCRIBE_STRUCT(article_line, (), (title, words))

}  // namespace guide

using namespace guide;

template <>
inline constexpr auto slipway::db::table_of<topic> = table<topic>("topics");
template <>
inline constexpr auto slipway::db::table_of<article_topic> = table<article_topic>("article_topics");
template <>
inline constexpr auto slipway::db::table_of<guide::event> = table<guide::event>("events");
template <>
inline constexpr auto slipway::db::table_of<article> =
    table<article>("articles")
        .belongs_to<&article::writer>(&article::author_id)
        .many_to_many<&article::topics>(&article_topic::article_id, &article_topic::topic_id);
template <>
inline constexpr auto slipway::db::table_of<author> = table<author>("authors")
                                                          .soft_delete(&author::deleted_at)
                                                          .timestamps(&author::created_at, &author::updated_at)
                                                          .version(&author::version)
                                                          .unique(&author::email)
                                                          .personal(&author::email, &author::phone)
                                                          .has_many<&author::articles>(&article::author_id);

namespace guide {
namespace {

std::string lower(std::string text) {
  for (auto& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

void normalise(author& a) { a.email = lower(a.email); }
result<void> refuse_nobody(author& a) {
  if (a.name.empty()) return std::unexpected{fault::conflict("nameless")};
  return {};
}
task<> keep_history(db::session& in, author& a) { co_await in.insert(event{.text = "changed " + a.email}); }

// That these are hooks is all that is shown of them here: hooks_test.cpp runs some.
[[maybe_unused]] constexpr auto with_hooks =
    table<author>("authors").before_create<&normalise>().before_create<&refuse_nobody>().after_update<&keep_history>();

task<result<author>> one_row(session& db) {
  auto ann = co_await db.insert(author{.email = "ann@example.com", .name = "Ann"});
  auto found = co_await ok(db.find<author>(ann.id));  // the fault not_found leaves this function
  found.name = "Ann King";
  found = co_await ok(db.update(found));  // precondition_failed("version_conflict") when somebody was faster
  co_await ok(db.remove(found));          // marks it, because the table has soft_delete
  co_await db.purge<author>().everywhere().run();
  auto const merged = co_await db.upsert(author{.email = "ann@example.com", .name = "Ann"}, col<&author::email>);
  auto const many = co_await db.insert_many(
      std::vector<article>{{.author_id = merged.id, .title = "One"}, {.author_id = merged.id, .title = "Two"}});
  EXPECT_EQ(many.size(), 2u);
  co_return merged;
}

task<result<author>> sign_up(session& db, author row) {
  co_return co_await db::or_fault(db.insert(row), db::unique_key<&author::email>, fault::conflict("email_taken"));
}

task<> queries(session& db, author ann, std::string wanted, bool only_long) {
  auto const list = co_await db.from<article>()
                        .where(col<&article::author_id> == ann.id && col<&article::title>.contains("sea"))
                        .order_by(desc<&article::published_on>, asc<&article::id>)
                        .limit(20)
                        .all();
  EXPECT_TRUE(list.empty());

  auto filter = db::everything<article>();
  if (!wanted.empty()) filter = std::move(filter) && col<&article::title>.starts_with(wanted);
  if (only_long) filter = std::move(filter) && col<&article::words> > 1000;
  auto const count = co_await db.from<article>().where(std::move(filter)).count();
  EXPECT_EQ(count, 1);

  auto const by_ann = co_await db.from<article>()
                          .join<author>(col<&article::author_id> == col<&author::id>)
                          .where(col<&author::email> == "ann@example.com")
                          .all();
  auto const busy =
      co_await db.from<author>()
          .where(db::exists<article>(col<&article::author_id> == col<&author::id> && col<&article::words> > 1000))
          .all();
  auto const idle =
      co_await db.from<author>().where(!col<&author::id>.in(db.from<article>().only(col<&article::author_id>))).all();
  EXPECT_EQ(by_ann.size(), 2u);
  EXPECT_TRUE(busy.empty());
  EXPECT_TRUE(idle.empty());

  auto const summaries = co_await db.from<author>()
                             .join<article>(col<&article::author_id> == col<&author::id>)
                             .group_by(col<&author::name>)
                             .having(db::count() > 1)
                             .order_by(sum(col<&article::words>).desc())
                             .select<author_summary>(col<&author::name>, db::count(), sum(col<&article::words>))
                             .all();
  auto const words = co_await db.from<article>().sum(col<&article::words>);
  auto const emails = co_await db.from<author>().pluck(col<&author::email>);
  EXPECT_EQ(summaries.size(), 1u);
  EXPECT_EQ(words, 0);
  EXPECT_EQ(emails.size(), 1u);

  co_await db.update<article>().set(col<&article::words>, 0).where(col<&article::title> == "One").run();
  auto const gone = co_await db.remove<author>().where(col<&author::email>.ends_with("@example.net")).returning();
  EXPECT_TRUE(gone.empty());

  auto const rows = co_await db.query_as<author_summary>(
      "select name, 0 as articles, 0 as words from authors where email = $1", {"ann@example.com"});
  EXPECT_EQ(rows.size(), 1u);

  auto const quoted =
      co_await db.from<article>().where(col<&article::extra>.at<std::string>("source", "name") == "Sea").count();
  EXPECT_EQ(quoted, 0);
}

task<> relations(session& db) {
  auto const articles = co_await db.from<article>().with<&article::writer>().with<&article::topics>().all();
  for (auto const& each : articles) fmt::print("{} by {}\n", each.title, each.writer->name);
  EXPECT_EQ(articles.size(), 2u);
  auto const authors = co_await db.from<author>()
                           .with<&author::articles, &article::topics>()
                           .with<&author::articles>(col<&article::words> > 100, desc<&article::words>)
                           .all();
  EXPECT_TRUE(authors[0].articles.empty());
}

task<result<std::int64_t>> side_by_side(session& db, id_of<author> id) {
  auto [found, topics] = co_await ok(all(db.find<author>(id), db.from<topic>().count()));
  EXPECT_EQ(found.id, id);
  co_return topics;
}

int count_words(article const& a) { return static_cast<int>(a.title.size()); }

task<result<std::int64_t>> many_rows(session& db, std::vector<article> drafts) {
  for (auto& each : drafts) each.words = count_words(each);
  auto const changed = co_await ok(db.update_many(drafts, col<&article::words>));
  auto const is_new = co_await db.insert_or_ignore(author{.email = "ann@example.com", .name = "Ann"});
  EXPECT_EQ(changed, 2);
  EXPECT_FALSE(is_new);

  auto const silent = co_await db.from<author>()
                          .left_join<article>(col<&article::author_id> == col<&author::id>)
                          .where(db::absent<article>())
                          .all();
  auto const titles = co_await db.from<article>().distinct().pluck(col<&article::title>);
  EXPECT_TRUE(silent.empty());
  EXPECT_EQ(titles.size(), 2u);
  co_return changed;
}

task<result<article>> move_to(database& db, id_of<article> source, id_of<author> target) {
  co_return co_await db.transaction([&](db::transaction& tx) -> task<result<article>> {
    auto from = co_await ok(tx.from<article>().where(col<&article::id> == source).for_update().one());
    from.title += " (moved)";
    from.author_id = target;
    auto moved = co_await ok(tx.update(from));
    co_await tx.insert(event{.text = "moved " + moved.title});
    co_return moved;
  });
}

task<> transactions(database& db, author row) {
  auto const total = co_await db.transaction(
      [](db::transaction& tx) -> task<std::int64_t> {
        auto const words = co_await tx.from<article>().sum(col<&article::words>);
        co_await tx.insert(event{.text = fmt::format("{} words", words)});
        co_return words;
      },
      {.level = db::isolation::serializable, .attempts = 10});
  EXPECT_EQ(total, 6);  // of "One" and "Two"

  co_await db.transaction([&](db::transaction& tx) -> task<> {
    co_await tx.insert(event{.text = "began"});
    auto const made = co_await tx.transaction([&](db::transaction& inner) -> task<result<author>> {
      co_return co_await db::or_fault(inner.insert(row), db::unique_key<&author::email>,
                                      fault::conflict("email_taken"));
    });
    co_await tx.insert(event{.text = made ? "signed up" : "refused"});
  });
  auto const told = co_await db.from<event>().order_by(asc<&event::id>).pluck(col<&event::text>);
  EXPECT_THAT(told, testing::ElementsAre("6 words", "began", "refused"));
}

task<std::string> streams(database& db, int fewest) {
  std::string out;
  auto stream = co_await db.stream("select title, words from articles where words >= $1", {fewest}, 500);
  for (auto rows = co_await stream.next(); !rows.empty(); rows = co_await stream.next())
    for (auto const& each : rows.as<article_line>()) out += fmt::format("{} {}\n", each.title, each.words);
  co_return out;
}

task<> read_all_again() { co_return; }

task<> of_postgres(database& db) {
  std::string out;
  auto in = co_await db.copy_in("copy topics (name) from stdin with (format csv)");
  co_await in.write("sea\nmountains\n");
  auto const stored = co_await in.finish();  // nothing is stored before this

  auto pieces = co_await db.copy_out("copy (select name from topics order by name) to stdout with (format csv)");
  for (auto piece = co_await pieces.next(); !piece.empty(); piece = co_await pieces.next()) out += piece;
  EXPECT_EQ(stored, 2);
  EXPECT_EQ(out, "mountains\nsea\n");

  auto const heard = co_await db.listen({"topics"});
  co_await db.notify("topics", "sea");  // in a transaction: once it is committed
  auto const message = co_await heard->next();
  if (message.what == db::notification::kind::gap) co_await read_all_again();  // some may have been missed
  EXPECT_EQ(message.payload, "sea");
}

task<> soft_deletion(session& db, author ann, time_point old) {
  auto const everybody = co_await db.from<author>().with_deleted().count();
  auto const marked = co_await db.from<author>().only_deleted().all();
  co_await db.restore<author>().where(col<&author::id> == ann.id).run();
  co_await db.purge<author>().where(col<&author::deleted_at> < old).only_deleted().run();
  EXPECT_EQ(everybody, 1);
  EXPECT_TRUE(marked.empty());
}

char const* schema(dialect d) {
  if (d == dialect::mysql)
    return "create table authors (id binary(16) primary key, email varchar(200) not null unique, name text not null, "
           "phone text, version bigint not null, created_at datetime(6) not null, updated_at datetime(6) not null, "
           "deleted_at datetime(6));"
           "create table articles (id binary(16) primary key, author_id binary(16) not null, title varchar(200) not "
           "null, words int not null, price decimal(18,2) not null, published_on date not null, extra json not null);"
           "create table topics (id bigint auto_increment primary key, name text not null);"
           "create table article_topics (id bigint auto_increment primary key, article_id binary(16) not null, "
           "topic_id "
           "bigint not null);"
           "create table events (id bigint auto_increment primary key, text text not null);";
  if (d == dialect::sqlite)
    return "create table authors (id blob primary key, email text not null unique, name text not null, phone text, "
           "version integer not null, created_at integer not null, updated_at integer not null, deleted_at integer) "
           "strict;"
           "create table articles (id blob primary key, author_id blob not null, title text not null, words integer "
           "not "
           "null, price integer not null, published_on text not null, extra text not null) strict;"
           "create table topics (id integer primary key, name text not null) strict;"
           "create table article_topics (id integer primary key, article_id blob not null, topic_id integer not null) "
           "strict;"
           "create table events (id integer primary key, text text not null) strict;";
  return "create table authors (id uuid primary key, email text not null unique, name text not null, phone text, "
         "version bigint not null, created_at timestamptz not null, updated_at timestamptz not null, deleted_at "
         "timestamptz);"
         "create table articles (id uuid primary key, author_id uuid not null, title text not null, words integer not "
         "null, price numeric(18,2) not null, published_on date not null, extra jsonb not null);"
         "create table topics (id bigint generated by default as identity primary key, name text not null);"
         "create table article_topics (id bigint generated by default as identity primary key, article_id uuid not "
         "null, "
         "topic_id bigint not null);"
         "create table events (id bigint generated by default as identity primary key, text text not null);";
}

class data_guide : public db::tests::each_engine {};

TEST_P(data_guide, its_snippets_do_what_they_say) {
  run(db_->script(guide::schema(GetParam())));
  auto const ann = run(one_row(*db_));
  ASSERT_TRUE(ann);
  auto const taken = run(sign_up(*db_, author{.email = "ann@example.com"}));
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code(), "email_taken");
  run(queries(*db_, *ann, "On", false));
  run(relations(*db_));
  EXPECT_EQ(run(side_by_side(*db_, ann->id)).value_or(-1), run(db_->from<topic>().count()));
  EXPECT_EQ(run(side_by_side(*db_, id_of<author>::make())).error().code(), "not_found");
  auto const drafts = run(db_->from<article>().order_by(asc<&article::title>).all());
  EXPECT_TRUE(run(many_rows(*db_, drafts)));
  run(transactions(*db_, author{.email = "ann@example.com", .name = "Ann"}));
  EXPECT_THAT(run(streams(*db_, 1)), testing::AllOf(testing::HasSubstr("One 3\n"), testing::HasSubstr("Two 3\n")));
  if (GetParam() == dialect::postgres) run(of_postgres(*db_));
  auto const moved = run(move_to(*db_, drafts[0].id, ann->id));
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->title, "One (moved)");
  EXPECT_EQ(run(move_to(*db_, id_of<article>::make(), ann->id)).error().code(), "not_found");
  run(soft_deletion(*db_, *ann, time_point{}));
}

INSTANTIATE_TEST_SUITE_P(engines, data_guide, db::tests::all_engines(), db::tests::engine_name);

TEST(data_guide_page, has_no_snippet_that_is_not_compiled_here) {
  slipway::tests::expect_to_be_compiled(GUIDE_PAGE, GUIDE_SOURCE, 28);
}

}  // namespace
}  // namespace guide
