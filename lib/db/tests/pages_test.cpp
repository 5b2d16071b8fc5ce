// Keyset pagination, and cursors that somebody changed.
#include "fixture.hpp"

#include <slipway/core/encoding.hpp>

#include <set>

namespace slipway::db::tests {
namespace {

class pages : public each_engine {
 protected:
  void SetUp() override {
    each_engine::SetUp();
    if (IsSkipped()) return;
    auto const owner = run(db_->insert(user{.email = "o"}));
    std::vector<note> notes;
    for (int i = 0; i < 25; ++i)
      notes.push_back({.owner_id = owner.id,
                       .title = "t" + std::to_string(i),
                       .pinned = i % 2 == 0,
                       .stars = i % 4,
                       .score = (i % 3) / 3.0,
                       .rank = i % 5 == 0 ? std::nullopt : std::optional{i % 3}});
    run(db_->insert_many(std::move(notes)));
  }

  // Walks all pages; every row must come exactly once and in the order of the whole list.
  template <class... Orders>
  void walk(std::size_t size, Orders... orders) {
    auto const whole = run(db_->from<note>().order_by(orders..., asc<&note::id>).all());
    std::set<std::string> seen;
    std::string cursor;
    std::size_t pages = 0;
    std::vector<std::string> ranks_whole, ranks_paged;
    for (auto const& n : whole) ranks_whole.push_back(shape(n, orders...));
    do {
      auto p = run(db_->from<note>().order_by(orders...).page(cursor, size));
      ASSERT_TRUE(p) << p.error().code();
      ASSERT_LE(p->items.size(), size);
      for (auto const& n : p->items) {
        EXPECT_TRUE(seen.insert(n.title).second) << n.title;
        ranks_paged.push_back(shape(n, orders...));
      }
      cursor = p->next;
      ASSERT_LT(++pages, 40u);
    } while (!cursor.empty());
    EXPECT_EQ(seen.size(), 25u);
    EXPECT_EQ(ranks_paged, ranks_whole);
  }
  static std::string shape(note const& n, auto... orders) {
    std::string out;
    auto add = [&](order<note> o) {
      auto const& m = meta::describe<note>.members[o.column];
      auto const v = value::of(*m.of, m.at_const(&n));
      out += v.is_null()                      ? "null"
             : v.kind() == value_kind::text   ? v.text()
             : v.kind() == value_kind::number ? std::to_string(v.number())
                                              : std::to_string(v.integer());
      out += '|';
    };
    (add(orders), ...);
    return out;
  }
};

TEST_P(pages, every_row_comes_once_in_any_order) {
  walk(7, asc<&note::stars>);
  walk(1, desc<&note::stars>);
  walk(25, desc<&note::stars>);
  walk(100, desc<&note::stars>);
  walk(4, desc<&note::pinned>, asc<&note::stars>, desc<&note::title>);
  walk(3, asc<&note::rank>);
  walk(3, desc<&note::rank>, desc<&note::stars>);
  walk(2, asc<&note::score>, asc<&note::at>, asc<&note::owner_id>);
}

TEST_P(pages, without_an_order_the_key_orders) {
  auto const first = run(db_->from<note>().page("", 20));
  auto const second = run(db_->from<note>().page(first->next, 20));
  EXPECT_EQ(first->items.size(), 20u);
  EXPECT_EQ(second->items.size(), 5u);
  EXPECT_TRUE(second->next.empty());
  EXPECT_LT(first->items.back().id, second->items.front().id);
}

TEST_P(pages, a_condition_holds_on_every_page) {
  auto const pinned = [&](std::string_view cursor) {
    return run(db_->from<note>().where(col<&note::pinned> == true).order_by(desc<&note::stars>).page(cursor, 8));
  };
  auto const first = pinned("");
  auto const second = pinned(first->next);
  EXPECT_EQ(first->items.size() + second->items.size(), 13u);
  for (auto const& n : second->items) EXPECT_TRUE(n.pinned);
}

TEST_P(pages, a_cursor_belongs_to_its_query) {
  auto const cursor = run(db_->from<note>().order_by(asc<&note::stars>).page("", 5))->next;
  auto refused = [](result<page<note>> const& r) {
    return !r && r.error().kind() == fault_kind::malformed && r.error().code() == "bad_cursor";
  };
  EXPECT_TRUE(refused(run(db_->from<note>().order_by(desc<&note::stars>).page(cursor, 5))));
  EXPECT_TRUE(refused(run(db_->from<note>().order_by(asc<&note::rank>).page(cursor, 5))));
  EXPECT_TRUE(refused(run(db_->from<note>().where(col<&note::stars> > 0).order_by(asc<&note::stars>).page(cursor, 5))));
  EXPECT_FALSE(refused(run(db_->from<note>().order_by(asc<&note::stars>).page(cursor, 6))));
}

TEST_P(pages, a_changed_cursor_is_refused_or_harmless) {
  auto const cursor = run(db_->from<note>().order_by(asc<&note::title>).page("", 5))->next;
  for (std::string_view const bad : {"x", "!!!!", "AAAA", "=", "%00", "../../etc/passwd"}) {
    auto const r = run(db_->from<note>().order_by(asc<&note::title>).page(bad, 5));
    ASSERT_FALSE(r) << bad;
    EXPECT_EQ(r.error().code(), "bad_cursor");
  }
  auto const bytes = *from_base64url(cursor);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      auto changed = bytes;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      auto const r = run(db_->from<note>().order_by(asc<&note::title>).page(base64url(as_byte_span(changed)), 5));
      if (!r) {
        EXPECT_EQ(r.error().code(), "bad_cursor");
      } else {
        EXPECT_LE(r->items.size(), 5u);
      }
    }
  for (std::size_t cut = 1; cut < bytes.size(); ++cut)
    EXPECT_FALSE(
        run(db_->from<note>().order_by(asc<&note::title>).page(base64url(as_byte_span(bytes.substr(0, cut))), 5)));
  EXPECT_FALSE(run(db_->from<note>().order_by(asc<&note::title>).page(base64url(as_byte_span(bytes + "x")), 5)));
  EXPECT_FALSE(run(db_->from<note>().order_by(asc<&note::title>).page(std::string(100'000, 'A'), 5)));
}

INSTANTIATE_TEST_SUITE_P(engines, pages, all_engines(), engine_name);

}  // namespace
}  // namespace slipway::db::tests
