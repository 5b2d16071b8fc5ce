// PostgreSQL's messages without a server: what is written, and what is read however it is cut.
#include <slipway/db/postgres_messages.hpp>
#include <slipway/db/postgres_wire.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace slipway::db::detail {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using testing::ElementsAre;
using testing::Pair;

using messages = std::vector<std::pair<char, std::string>>;

// Takes apart what is in pieces of this size.
messages read(std::string_view bytes, std::size_t piece, pg_inbox::found* last = nullptr) {
  pg_inbox in;
  messages out;
  pg_inbox::found what = pg_inbox::found::nothing;
  while (!bytes.empty()) {
    auto const room = in.room();
    auto const count = std::min({piece, bytes.size(), room.size()});
    std::ranges::copy(bytes.substr(0, count), room.begin());
    in.filled(count);
    bytes.remove_prefix(count);
    for (pg_message next; (what = in.next(next)) == pg_inbox::found::message;) out.emplace_back(next.type, next.body);
    if (what == pg_inbox::found::nonsense) break;
  }
  if (last != nullptr) *last = what;
  return out;
}
std::string big(std::uint32_t number) {
  number = __builtin_bswap32(number);
  return {reinterpret_cast<char const*>(&number), sizeof number};
}
std::string small(std::uint16_t number) {
  number = __builtin_bswap16(number);
  return {reinterpret_cast<char const*>(&number), sizeof number};
}
std::string message(char type, std::string const& body) {
  return std::string{type} + big(static_cast<std::uint32_t>(body.size() + 4)) + body;
}
std::string cell(std::string const& text) { return big(static_cast<std::uint32_t>(text.size())) + text; }
std::string column(std::string const& name, std::uint32_t type) {
  return name + '\0' + big(7) + small(1) + big(type) + small(0xffff) + big(0xffffffff) + small(1);
}

TEST(postgres_messages, a_prepared_statement_is_run_without_asking_for_its_columns) {
  pg_outbox out;
  out.run("s7", {std::int64_t{5}, nullptr, "text", true});
  out.sync();
  auto const formats = small(4) + small(1) + small(1) + small(1) + small(1);
  auto const parameters = small(4) + cell("\0\0\0\0\0\0\0\5"s) + big(0xffffffff) + cell("text") + cell("\1");
  EXPECT_THAT(read(out.unsent(), 1'000), ElementsAre(Pair('B', "\0s7\0"s + formats + parameters + small(1) + small(1)),
                                                     Pair('E', "\0\0\0\0\0"s), Pair('S', "")));
}

TEST(postgres_messages, a_preparation_asks_for_the_columns) {
  pg_outbox out;
  out.prepare("s1", "select $1", std::vector<pg_type_id>{25});
  EXPECT_THAT(read(out.unsent(), 1'000),
              ElementsAre(Pair('P', "s1\0select $1\0"s + small(1) + big(25)), Pair('D', "Ss1\0"s)));
}

TEST(postgres_messages, columns_that_may_change_are_asked_for_each_time) {
  pg_outbox out;
  out.run("s1", {}, true);
  EXPECT_THAT(read(out.unsent(), 1'000), ElementsAre(Pair('B', testing::_), Pair('D', "P\0"s), Pair('E', testing::_)));
  for (auto const* text :
       {"select 1", " \n\tSELECT 1", "insert into t values (1)", "with a as (select 1) select 2",
        "(select 1) union (select 2)", "VALUES (1)", "table t", "merge into t", "update t", "delete from t"})
    EXPECT_TRUE(has_lasting_columns(text)) << text;
  for (auto const* text : {"fetch all from c", "execute p", "call f()", "show all", "explain select 1", "", " ",
                           "selected", "-- one\nselect 1", "/* one */ select 1", "declare c cursor for select 1"})
    EXPECT_FALSE(has_lasting_columns(text)) << text;
}

TEST(postgres_messages, a_text_is_prepared_bound_described_and_run) {
  pg_outbox out;
  out.run_text("select $1", {std::int64_t{1}});
  auto const all = read(out.unsent(), 1'000);
  ASSERT_EQ(all.size(), 4U);
  EXPECT_THAT(all[0], Pair('P', "\0select $1\0"s + small(1) + big(20)));
  EXPECT_EQ(all[1].first, 'B');
  EXPECT_THAT(all[2], Pair('D', "P\0"s));
  EXPECT_EQ(all[3].first, 'E');
}

TEST(postgres_messages, what_cannot_be_sent_leaves_nothing_behind) {
  pg_outbox out;
  out.sync();
  auto const before = std::string{out.unsent()};
  auto const not_a_number = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(out.run("s1", {std::int64_t{1}, not_a_number}), input_error);
  EXPECT_THROW(out.run_text("select $1", {not_a_number}), input_error);
  EXPECT_THROW(out.run_text("select 1\0; drop table users"sv, {}), error);
  EXPECT_THROW(out.query("select 1\0"sv), error);
  EXPECT_THROW(out.prepare("s1", "select\0"sv, {}), error);
  EXPECT_THROW(out.run("s1", values(65'536, value{true})), error);
  EXPECT_THROW(out.prepare("s1", "select 1", std::vector<pg_type_id>(65'536, 20)), error);
  EXPECT_EQ(out.unsent(), before);
}

// The server would read the rest of a message that is longer than it says as others.
TEST(postgres_messages, none_is_longer_than_it_can_say) {
  pg_outbox out;
  values parameters;
  std::string const large(std::size_t{300} << 20, 'x');
  for (int i = 0; i < 4; ++i) parameters.push_back(large);
  EXPECT_THROW(out.run("s1", parameters), input_error);
  EXPECT_TRUE(out.unsent().empty());
}

TEST(postgres_messages, what_has_gone_is_forgotten_while_more_is_written) {
  pg_outbox out;
  std::string const piece(100'000, 'x');
  for (int i = 0; i < 100; ++i) {  // never empty
    out.copy_data(piece);
    out.copy_data(piece);
    auto const left = out.unsent().size();
    out.sent(left - piece.size());
    EXPECT_EQ(out.unsent().size(), piece.size());
    EXPECT_EQ(out.gone() + piece.size(), out.written());
  }
  EXPECT_LT(out.room(), std::size_t{2} << 20);
}

TEST(postgres_messages, know_what_has_gone) {
  pg_outbox out;
  out.query("select 1");
  auto const first = out.written();
  out.sent(3);
  EXPECT_EQ(out.gone(), 3U);
  EXPECT_EQ(out.unsent().size(), first - 3);
  out.sent(first - 3);
  EXPECT_TRUE(out.unsent().empty());
  out.sync();
  EXPECT_EQ(out.gone(), first);
  EXPECT_EQ(out.written(), first + 5);
}

TEST(postgres_messages, are_the_same_however_they_are_cut) {
  auto const bytes = message('2', "") + message('D', small(1) + cell(std::string(40'000, 'x'))) +
                     message('C', "SELECT 1\0"s) + message('Z', "I");
  auto const whole = read(bytes, bytes.size());
  ASSERT_EQ(whole.size(), 4U);
  for (std::size_t piece = 1; piece < 70; ++piece) EXPECT_EQ(read(bytes, piece), whole) << piece;
  for (std::size_t piece : {1'000U, 16'383U, 16'384U, 16'385U, 40'000U}) EXPECT_EQ(read(bytes, piece), whole) << piece;
}

TEST(postgres_messages, a_length_that_is_none_is_nonsense) {
  pg_inbox::found last{};
  for (auto const length : {0U, 3U, 0x7fff'ffffU, 0xffff'ffffU}) {
    (void)read("D" + big(length) + "....", 1'000, &last);
    EXPECT_EQ(last, pg_inbox::found::nonsense) << length;
  }
  (void)read("D" + big(100) + "....", 1'000, &last);
  EXPECT_EQ(last, pg_inbox::found::nothing);
}

TEST(postgres_messages, one_is_put_back) {
  pg_inbox in;
  auto const bytes = message('E', "x") + message('Z', "I");
  std::ranges::copy(bytes, in.room().begin());
  in.filled(bytes.size());
  pg_message next;
  ASSERT_EQ(in.next(next), pg_inbox::found::message);
  in.put_back(next);
  ASSERT_EQ(in.next(next), pg_inbox::found::message);
  EXPECT_EQ(next.type, 'E');
  ASSERT_EQ(in.next(next), pg_inbox::found::message);
  EXPECT_EQ(next.type, 'Z');
}

TEST(postgres_answers, columns) {
  auto const body = small(2) + column("id", 20) + column("", 25);
  auto const read = pg_columns::read(body);
  ASSERT_NE(read, nullptr);
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ(read->name(0), "id");
  EXPECT_EQ(read->type(0), 20U);
  EXPECT_EQ(read->name(1), "");
  for (std::size_t length = 0; length < body.size(); ++length)
    EXPECT_EQ(pg_columns::read(std::string_view{body}.substr(0, length)), nullptr) << length;
  EXPECT_EQ(pg_columns::read(body + "x"), nullptr);
}

TEST(postgres_answers, rows) {
  auto const columns = pg_columns::read(small(2) + column("id", 20) + column("name", 25));
  auto answer = std::make_unique<pg_answer>(columns);
  ASSERT_TRUE(answer->add_row(small(2) + cell("\0\0\0\0\0\0\0\7"s) + cell("Ann")));
  ASSERT_TRUE(answer->add_row(small(2) + big(0xffffffff) + cell("")));
  answer->complete("SELECT 2");
  auto const rows = rows_of(std::move(answer));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].get<std::int64_t>(0), 7);
  EXPECT_EQ(rows[0].get<std::string>(1), "Ann");
  EXPECT_TRUE(rows.at(1, 0).is_null());
  EXPECT_FALSE(rows.at(1, 1).is_null()) << "empty is not null";
  EXPECT_EQ(rows.name(1), "name");
  struct cell both[2];
  rows.read(0, 0, both);
  EXPECT_EQ(both[0].integer, 7);
  EXPECT_EQ(both[1].text, "Ann");
  rows.read(0, 1, std::span{both}.first(1));
  EXPECT_EQ(both[0].text, "Ann");
  EXPECT_TRUE(rows.at(0, 2).is_null()) << "what is not there is null";
  EXPECT_TRUE(rows.at(2, 0).is_null());
  rows.read(0, 1, both);
  EXPECT_EQ(both[0].text, "Ann");
  EXPECT_TRUE(both[1].is_null());
  EXPECT_EQ(rows.name(2), "");
  EXPECT_EQ(rows.affected(), 0);
}

TEST(postgres_answers, rows_of_another_shape_are_none) {
  auto const columns = pg_columns::read(small(2) + column("id", 20) + column("name", 25));
  auto const good = small(2) + cell("12345678") + cell("Ann");
  for (std::size_t length = 0; length < good.size(); ++length)
    EXPECT_FALSE(pg_answer{columns}.add_row(std::string_view{good}.substr(0, length))) << length;
  EXPECT_FALSE(pg_answer{columns}.add_row(good + "x"));
  EXPECT_FALSE(pg_answer{columns}.add_row(small(1) + cell("12345678")));
  EXPECT_FALSE(pg_answer{columns}.add_row(small(2) + cell("12345678") + big(0x7fffffff) + "Ann"));
  EXPECT_FALSE(pg_answer{nullptr}.add_row(small(1) + cell("1")));
}

TEST(postgres_answers, a_value_of_a_wrong_length_is_told_with_its_column) {
  for (auto const type : {16U, 20U, 21U, 23U, 701U, 1184U, 2950U, 1186U, 1082U}) {
    auto answer = std::make_unique<pg_answer>(pg_columns::read(small(1) + column("odd", type)));
    ASSERT_TRUE(answer->add_row(small(1) + cell("abc")));
    auto const rows = rows_of(std::move(answer));
    try {
      (void)rows.at(0, 0);
      ADD_FAILURE() << type;
    } catch (value_error const& e) {
      EXPECT_THAT(e.what(), testing::HasSubstr("odd"));
    }
  }
}

TEST(postgres_answers, how_many_were_affected) {
  auto const affected = [](std::string_view tag) {
    pg_answer answer{nullptr};
    answer.complete(tag);
    return answer.affected();
  };
  EXPECT_EQ(affected("INSERT 0 3"), 3);
  EXPECT_EQ(affected("UPDATE 12"), 12);
  EXPECT_EQ(affected("DELETE 0"), 0);
  EXPECT_EQ(affected("COPY 5000000000"), 5'000'000'000);
  EXPECT_EQ(affected("SELECT 3"), 0);
  EXPECT_EQ(affected("CREATE TABLE"), 0);
  EXPECT_EQ(affected(""), 0);
  EXPECT_EQ(affected("UPDATE 99999999999999999999"), 0);
}

TEST(postgres_answers, an_error_has_fields) {
  auto const failed = pg_answer::failure("SERROR\0C23505\0Mduplicate key\0tusers\0\0"sv);
  EXPECT_EQ(failed->what(), pg_answer::outcome::failed);
  EXPECT_EQ(failed->state(), "23505");
  EXPECT_EQ((*failed)[pg_answer::field::message], "duplicate key");
  EXPECT_EQ((*failed)[pg_answer::field::table], "users");
  EXPECT_EQ((*failed)[pg_answer::field::column], "");
  // Cut anywhere, it has some of them and reads nothing else.
  auto const body = "SERROR\0C23505\0Mduplicate key\0\0"sv;
  for (std::size_t length = 0; length < body.size(); ++length)
    EXPECT_THAT(std::string{pg_answer::failure(body.substr(0, length))->state()}, testing::AnyOf("", "23505"));
}

}  // namespace
}  // namespace slipway::db::detail
