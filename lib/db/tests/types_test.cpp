// Types that engines hold each in their own way: exact decimals, dates, bytes, arrays, documents, encrypted columns.
#include "fixture.hpp"

#include <slipway/core/decimal.hpp>
#include <slipway/core/encoding.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/json/value.hpp>
#include <slipway/meta/scalars.hpp>

#include <sodium.h>

#include <map>

namespace slipway::db::tests {
namespace {

using std::chrono::year_month_day;

enum class colour { red, green };
BOOST_DESCRIBE_ENUM(colour, red, green)

struct goods {
  std::int64_t id = 0;
  std::string name;
  decimal<2> price;
  std::optional<decimal<4>> rate;
  year_month_day since{std::chrono::year{2000} / 1 / 1};
  std::optional<year_month_day> until;
  bytes picture;
  std::vector<std::string> labels;
  std::vector<std::int64_t> sizes;
  std::vector<tests::colour> colours;
  json::value extra;

  int loads = 0;  // no column
};
BOOST_DESCRIBE_STRUCT(goods, (), (id, name, price, rate, since, until, picture, labels, sizes, colours, extra))

struct patient {
  std::int64_t id = 0;
  std::string name;
  std::optional<std::string> phone;
  address home;
};
BOOST_DESCRIBE_STRUCT(patient, (), (id, name, phone, home))

struct same_as_stored {
  std::int64_t id = 0;
  bytes name;
  std::optional<bytes> phone;
  bytes home;
};
BOOST_DESCRIBE_STRUCT(same_as_stored, (), (id, name, phone, home))

void count_loads(goods& g) { ++g.loads; }

}  // namespace
}  // namespace slipway::db::tests

namespace slipway::db {
using namespace tests;
template <>
inline constexpr auto table_of<goods> =
    table<goods>("goods").array(&goods::labels, &goods::sizes, &goods::colours).after_load<&count_loads>();
template <>
inline constexpr auto table_of<patient> =
    table<patient>("patients").encrypted(&patient::name, &patient::phone, &patient::home);
template <>
inline constexpr auto table_of<same_as_stored> = table<same_as_stored>("patients");
}  // namespace slipway::db

namespace slipway::db::tests {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// XChaCha20-Poly1305; each text says which key it was made with, so that keys can be changed.
class sealing final : public column_codec {
 public:
  void add_key(std::string const& name) {
    std::string key(crypto_aead_xchacha20poly1305_ietf_KEYBYTES, '\0');
    randombytes_buf(key.data(), key.size());
    keys_[name] = key;
    newest_ = name;
  }
  std::string encrypt(std::string_view place, std::string_view plain) override {
    std::string nonce(crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, '\0');
    randombytes_buf(nonce.data(), nonce.size());
    std::string sealed(plain.size() + crypto_aead_xchacha20poly1305_ietf_ABYTES, '\0');
    crypto_aead_xchacha20poly1305_ietf_encrypt(octets(sealed), nullptr, octets(plain), plain.size(), octets(place),
                                               place.size(), nullptr, octets(nonce), octets(keys_.at(newest_)));
    return newest_ + ":" + nonce + sealed;
  }
  std::string decrypt(std::string_view place, std::string_view stored) override {
    auto const colon = stored.find(':');
    auto const key = keys_.find(std::string{stored.substr(0, colon)});
    if (colon == std::string_view::npos || key == keys_.end()) throw value_error{"sealed with an unknown key"};
    auto const nonce = stored.substr(colon + 1, crypto_aead_xchacha20poly1305_ietf_NPUBBYTES);
    auto const sealed = stored.substr(colon + 1 + nonce.size());
    if (sealed.size() < crypto_aead_xchacha20poly1305_ietf_ABYTES) throw value_error{"too short to be sealed"};
    std::string plain(sealed.size() - crypto_aead_xchacha20poly1305_ietf_ABYTES, '\0');
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(octets(plain), nullptr, nullptr, octets(sealed), sealed.size(),
                                                   octets(place), place.size(), octets(nonce),
                                                   octets(key->second)) != 0)
      throw value_error{"what is stored in " + std::string{place} + " is not what was sealed for it"};
    return plain;
  }

 private:
  static unsigned char* octets(std::string& s) { return reinterpret_cast<unsigned char*>(s.data()); }
  static unsigned char const* octets(std::string_view s) { return reinterpret_cast<unsigned char const*>(s.data()); }
  std::map<std::string, std::string> keys_;
  std::string newest_;
};

char const* types_schema(db::dialect d) {
  if (d == db::dialect::mysql)
    return "create table goods (id bigint auto_increment primary key, name varchar(100) not null, price decimal(18,2) "
           "not null, rate decimal(18,4), since date not null, until date, picture longblob not null, labels json not "
           "null, sizes json not null, colours json not null, extra json not null);"
           "create table patients (id bigint auto_increment primary key, name longblob not null, phone longblob, home "
           "longblob not null);";
  if (d == db::dialect::sqlite)
    return "create table goods (id integer primary key, name text not null, price integer not null, rate integer, "
           "since "
           "text not null, until text, picture blob not null, labels text not null, sizes text not null, colours text "
           "not null, extra text not null) strict;"
           "create table patients (id integer primary key, name blob not null, phone blob, home blob not null) strict;";
  return "create table goods (id bigint generated by default as identity primary key, name text not null, price "
         "numeric(18,2) not null, rate numeric(18,4), since date not null, until date, picture bytea not null, labels "
         "text[] not null, sizes bigint[] not null, colours text[] not null, extra jsonb not null);"
         "create table patients (id bigint generated by default as identity primary key, name bytea not null, phone "
         "bytea, home bytea not null);";
}

class types : public each_engine {
 protected:
  void SetUp() override {
    ASSERT_GE(sodium_init(), 0);
    codec_.add_key("k1");
    settings_.codec = &codec_;
    each_engine::SetUp();
    if (IsSkipped()) return;
    run(db_->script(types_schema(GetParam())));
  }
  goods store(goods g) { return *run(db_->find<goods>(run(db_->insert(std::move(g))).id)); }
  std::vector<std::string> names(condition<goods> c) {
    return run(db_->from<goods>().where(std::move(c)).order_by(asc<&goods::id>).pluck(col<&goods::name>));
  }
  static decimal<2> money(char const* text) { return *decimal<2>::parse(text); }

  sealing codec_;
};

TEST_P(types, decimals_are_exact) {
  for (auto const* text : {"0.00", "0.01", "-0.01", "12.50", "1000000.00", "90071992547409.93", "-1234567890123456.78",
                           "9999999999999999.99"}) {
    auto const back = store({.name = text, .price = money(text)});
    EXPECT_EQ(back.price.text(), text);
    EXPECT_EQ(run(db_->from<goods>().where(col<&goods::price> == money(text)).pluck(col<&goods::name>)),
              std::vector<std::string>{text});
  }
  EXPECT_EQ(store({.name = "r", .rate = decimal<4>::parse("0.1901")}).rate->text(), "0.1901");
}

TEST_P(types, decimals_are_ordered_and_added_as_numbers) {
  for (auto const* text : {"9.00", "10.00", "-1.50", "90071992547409.93", "90071992547409.94"})
    store({.name = text, .price = money(text)});
  EXPECT_THAT(run(db_->from<goods>().order_by(asc<&goods::price>).pluck(col<&goods::name>)),
              ElementsAre("-1.50", "9.00", "10.00", "90071992547409.93", "90071992547409.94"));
  EXPECT_THAT(names(col<&goods::price> > money("90071992547409.93")), ElementsAre("90071992547409.94"));
  EXPECT_THAT(names(col<&goods::price>.between(money("9"), money("10"))), ElementsAre("9.00", "10.00"));
  EXPECT_THAT(names(col<&goods::price>.in({money("9"), money("10.5")})), ElementsAre("9.00"));
  EXPECT_EQ(run(db_->from<goods>().sum(col<&goods::price>)).text(), "180143985094837.37");
  EXPECT_EQ(run(db_->from<goods>().max(col<&goods::price>))->text(), "90071992547409.94");
  EXPECT_NEAR(run(db_->from<goods>().where(col<&goods::price> < money("100")).avg(col<&goods::price>)).value(),
              17.5 / 3,
              1e-5);  // MySQL gives four digits more than the column has
  auto const page = run(db_->from<goods>().order_by(desc<&goods::price>).page("", 2));
  auto const next = run(db_->from<goods>().order_by(desc<&goods::price>).page(page->next, 2));
  EXPECT_EQ(next->items[0].name, "10.00");
}

TEST_P(types, a_decimal_that_loses_digits_is_refused) {
  store({.name = "x", .price = money("1.25"), .rate = decimal<4>::parse("0.1234")});
  if (GetParam() == db::dialect::sqlite) return;  // its column does not know how many digits it holds
  decimal<1> out;
  auto const found = run(db_->query("select price from goods"));
  EXPECT_THROW(read_cell(meta::describe<decimal<1>>, &out, found.at(0, 0), "price"), value_error);
  decimal<3> wider;
  read_cell(meta::describe<decimal<3>>, &wider, found.at(0, 0), "price");
  EXPECT_EQ(wider.text(), "1.250");
}

TEST_P(types, dates) {
  using namespace std::chrono;
  for (auto const day : {year{1} / 1 / 1, year{1969} / 12 / 31, year{2024} / 2 / 29, year{9999} / 12 / 31}) {
    std::string name;
    meta::write_date(&day, name);
    EXPECT_EQ(store({.name = name, .since = day, .until = day}).since, day) << name;
    EXPECT_THAT(names(col<&goods::since> == day), ElementsAre(name));
  }
  EXPECT_EQ(store({.name = "none"}).until, std::nullopt);
  EXPECT_EQ(run(db_->from<goods>().where(col<&goods::since> < year{1970} / 1 / 1).count()), 2);
  EXPECT_EQ(run(db_->from<goods>().max(col<&goods::since>)), (year{9999} / 12 / 31));
  EXPECT_THROW(store({.name = "bad", .since = year{2023} / 2 / 30}), value_error);
  EXPECT_THROW(store({.name = "bad", .since = {}}), value_error);
}

TEST_P(types, a_changed_cursor_over_dates_is_refused_or_harmless) {
  for (int day = 1; day <= 9; ++day) store({.name = std::to_string(day), .since = std::chrono::year{2024} / 1 / day});
  auto const page = [this](std::string_view cursor) {
    return run(db_->from<goods>().order_by(asc<&goods::since>).page(cursor, 4));
  };
  auto const bytes = *from_base64url(page("")->next);
  for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
    auto changed = bytes;
    changed[i / 8] = static_cast<char>(changed[i / 8] ^ (1 << i % 8));
    auto const found = page(base64url(as_byte_span(changed)));
    if (!found) EXPECT_EQ(found.error().code(), "bad_cursor");
  }
}

TEST_P(types, dates_without_end_are_refused_by_name) {
  if (GetParam() != db::dialect::postgres) GTEST_SKIP() << "the others have no such dates";
  for (auto const* text : {"infinity", "-infinity", "5000000-01-01"})
    EXPECT_THAT([&] { run(db_->query(std::string{"select '"} + text + "'::date as born"))[0].get<time_point>(0); },
                testing::ThrowsMessage<value_error>(testing::HasSubstr("born")))
        << text;
  EXPECT_EQ(run(db_->query("select 'infinity'::timestamptz"))[0].get<time_point>(0), time_point::max());
  EXPECT_THROW(run(db_->query("select '294270-01-01'::timestamptz"))[0].get<time_point>(0), value_error);
}

TEST_P(types, intervals_of_postgres_are_durations) {
  if (GetParam() != db::dialect::postgres) GTEST_SKIP() << "the others have no such type";
  using namespace std::chrono_literals;
  auto const read = [this](std::string const& text) {
    return run(db_->query("select interval '" + text + "' as took"))[0].get<std::chrono::milliseconds>(0);
  };
  EXPECT_EQ(read("0"), 0ms);
  EXPECT_EQ(read("1.5 seconds"), 1500ms);
  EXPECT_EQ(read("-3 days 2 hours"), -70h);
  EXPECT_EQ(read("0.0019 seconds"), 1ms);
  EXPECT_EQ(read("1000000 hours"), 1'000'000h);
  EXPECT_TRUE(run(db_->query("select null::interval"))[0][0].is_null());
  EXPECT_EQ(read("1 year -12 months 1 day"), 24h);
  for (auto const* text : {"1 month", "-2 years"})
    EXPECT_THAT([&] { read(text); }, testing::ThrowsMessage<value_error>(testing::AllOf(
                                         testing::HasSubstr("took"), testing::HasSubstr("extract(epoch"))));
}

TEST_P(types, octets) {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  EXPECT_EQ(store({.name = "p", .picture = {all}}).picture.data, all);
  EXPECT_THAT(names(col<&goods::picture> == bytes{all}), ElementsAre("p"));
  EXPECT_EQ(store({.name = "e"}).picture.data, "");
}

TEST_P(types, arrays_where_the_engine_has_them) {
  auto const stored = store({.name = "a",
                             .labels = {"one", "with \"quotes\", commas and \\", "", "{}", "NULL"},
                             .sizes = {3, -1, 9007199254740993},
                             .colours = {colour::green, colour::red}});
  EXPECT_THAT(stored.labels, ElementsAre("one", "with \"quotes\", commas and \\", "", "{}", "NULL"));
  EXPECT_THAT(stored.sizes, ElementsAre(3, -1, 9007199254740993));
  EXPECT_THAT(stored.colours, ElementsAre(colour::green, colour::red));
  EXPECT_THAT(run(db_->from<goods>().pluck(col<&goods::sizes>))[0], ElementsAre(3, -1, 9007199254740993));
  store({.name = "b"});
  EXPECT_THAT(names(col<&goods::labels>.has("{}")), ElementsAre("a"));
  EXPECT_THAT(names(col<&goods::labels>.has("on")), IsEmpty());
  run(db_->update<goods>()
          .set(col<&goods::labels>, std::vector<std::string>{"new"})
          .where(col<&goods::name> == "b")
          .run());
  EXPECT_THAT(run(db_->from<goods>().where(col<&goods::name> == "b").one())->labels, ElementsAre("new"));
  if (GetParam() == db::dialect::postgres) {
    EXPECT_EQ(run(db_->query("select name from goods where labels[1] = 'one' and sizes[1] = 3")).size(), 1u);
  }
}

TEST_P(types, documents) {
  auto const stored = store({.name = "d", .extra = *json::parse(R"({"a":{"b":[1,{"c":"deep"}]},"n":1.5,"t":true})")});
  EXPECT_EQ(json::serialize(stored.extra), R"({"a":{"b":[1,{"c":"deep"}]},"n":1.5,"t":true})");
  store({.name = "e", .extra = *json::parse(R"({"a":"text","n":"1.5"})")});
  EXPECT_THAT(names(col<&goods::extra>.at<std::string>("a", "b", 1, "c") == "deep"), ElementsAre("d"));
  EXPECT_THAT(names(col<&goods::extra>.at<double>("n") > 1), ElementsAre("d"));  // a text is no number
  EXPECT_THAT(names(col<&goods::extra>.at<bool>("t") == true), ElementsAre("d"));
  EXPECT_THAT(names(col<&goods::extra>.at<std::string>("a").is_not_null()), ElementsAre("e"));
  EXPECT_THAT(names(col<&goods::extra>.at<int>("a", "b", 0) == 1), ElementsAre("d"));
  EXPECT_EQ(run(db_->from<goods>().max(col<&goods::extra>.at<double>("n"))), 1.5);
}

TEST_P(types, a_hook_sees_every_row_that_is_read) {
  EXPECT_EQ(store({.name = "h"}).loads, 1);
  EXPECT_EQ(run(db_->from<goods>().all())[0].loads, 1);
  EXPECT_EQ(run(db_->from<goods>().page("", 5))->items[0].loads, 1);
  EXPECT_EQ(run(db_->from<goods>().pluck(col<&goods::name>)).size(), 1u);
}

TEST_P(types, encrypted_columns_are_sealed_for_their_place) {
  auto const stored = run(db_->insert(patient{.name = "Ann", .phone = "123", .home = {"Main Street", 7}}));
  auto const back = run(db_->find<patient>(stored.id));
  EXPECT_EQ(back->name, "Ann");
  EXPECT_EQ(back->phone, "123");
  EXPECT_EQ(back->home.street, "Main Street");
  auto const raw = run(db_->from<same_as_stored>().one());
  EXPECT_THAT(raw->name.data, testing::Not(testing::HasSubstr("Ann")));
  EXPECT_THAT(raw->home.data, testing::Not(testing::HasSubstr("Main")));
  EXPECT_THAT(raw->name.data, testing::StartsWith("k1:"));
  // A new key for what is written from now on; the old one for what was.
  codec_.add_key("k2");
  run(db_->update<patient>().set(col<&patient::phone>, "456").everywhere().run());
  auto const changed = run(db_->find<patient>(stored.id));
  EXPECT_EQ(changed->phone, "456");
  EXPECT_EQ(changed->name, "Ann");
  EXPECT_THAT(run(db_->from<same_as_stored>().one())->phone->data, testing::StartsWith("k2:"));
  run(db_->update<patient>().set(col<&patient::phone>, std::nullopt).everywhere().run());
  EXPECT_EQ(run(db_->from<patient>().where(col<&patient::phone>.is_null()).count()), 1);
  // What belongs into one column is refused in another, and so is what somebody changed.
  run(db_->execute("update patients set phone = name"));
  EXPECT_THROW(run(db_->find<patient>(stored.id)), value_error);
  run(db_->execute("update patients set phone = null, name = home"));
  EXPECT_THROW(run(db_->find<patient>(stored.id)), value_error);
}

TEST_P(types, an_encrypted_column_needs_its_codec) {
  settings_.codec = nullptr;
  database other{connect(settings_, shards_)};
  auto const refusal = [&](auto work) -> std::string {
    try {
      run(std::move(work));
    } catch (error const& e) {
      return e.what();
    }
    return "nothing";
  };
  EXPECT_EQ(refusal(other.insert(patient{.name = "x"})),
            "the column patients.name is encrypted, and db::settings::codec is not set");
}

INSTANTIATE_TEST_SUITE_P(engines, types, all_engines(), engine_name);

}  // namespace
}  // namespace slipway::db::tests
