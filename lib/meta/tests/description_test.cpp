#include <slipway/meta/description.hpp>

#include <gtest/gtest.h>

using namespace slipway;

namespace {

enum class level : std::int8_t { low = -1, high = 1 };
BOOST_DESCRIBE_ENUM(level, low, high)

struct base {
  int number = 1;
};
BOOST_DESCRIBE_STRUCT(base, (), (number))

struct cat {
  std::string name;
};
BOOST_DESCRIBE_STRUCT(cat, (), (name))

struct thing : base {
  std::string title;
  level how = level::low;
  std::optional<std::vector<cat>> cats;
  change<int> delta;
  std::map<std::string, double, std::less<>> weights;
  std::variant<cat, base> either;
  std::uint8_t small = 0;
};
BOOST_DESCRIBE_STRUCT(thing, (base), (title, how, cats, delta, weights, either, small))

struct keeper {
  std::vector<std::optional<secret<std::string>>> keys;
};
BOOST_DESCRIBE_STRUCT(keeper, (), (keys))

bool is_upper(std::string_view s) { return s.find_first_not_of("ABC") == std::string_view::npos; }

}  // namespace

template <>
inline constexpr auto slipway::rules_of<thing> = slipway::rules(slipway::field(&thing::title)
                                                                    .min_length(1)
                                                                    .max_length(20)
                                                                    .not_blank()
                                                                    .email()
                                                                    .url()
                                                                    .format("upper", "^[ABC]*$", is_upper)
                                                                    .help("What it is called.")
                                                                    .example("\"A\"")
                                                                    .personal(),
                                                                slipway::field(&thing::small)
                                                                    .read_only()
                                                                    .write_only()
                                                                    .deprecated()
                                                                    .sensitive()
                                                                    .reloadable()
                                                                    .optional()
                                                                    .unit("bytes")
                                                                    .minimum(1)
                                                                    .maximum(2));

TEST(description, names_members_in_order_with_inherited_ones) {
  auto const& t = meta::describe<thing>;
  EXPECT_EQ(t.what, meta::kind::object);
  EXPECT_EQ(t.name, "thing");
  std::string names;
  for (auto const& m : t.members) names += std::string{m.name} + " ";
  EXPECT_EQ(names, "number title how cats delta weights either small ");
  EXPECT_EQ(t.find("nothing"), nullptr);
  static_assert(meta::described<thing> && !meta::described<void*>);
}

TEST(description, reaches_members) {
  thing value;
  value.title = "x";
  auto const& t = meta::describe<thing>;
  EXPECT_EQ(*static_cast<std::string*>(t.find("title")->at(&value)), "x");
  EXPECT_EQ(*static_cast<int*>(t.find("number")->at(&value)), 1);
  EXPECT_EQ(t.find("title")->at_const(&value), &value.title);
}

TEST(description, carries_rules_and_flags) {
  auto const& title = *meta::describe<thing>.find("title")->about;
  EXPECT_EQ(title.rule_count, 6);
  EXPECT_EQ(title.rules()[1].what, meta::rule_kind::max_length);
  EXPECT_EQ(title.rules()[1].number, 20);
  EXPECT_EQ(title.rules()[5].text, "upper");
  EXPECT_TRUE(title.rules()[5].check("AB"));
  EXPECT_EQ(title.help, "What it is called.");
  EXPECT_TRUE(title.personal);
  EXPECT_FALSE(title.sensitive);
  auto const& small = *meta::describe<thing>.find("small")->about;
  EXPECT_TRUE(small.read_only && small.write_only && small.deprecated && small.sensitive && small.reloadable &&
              small.optional);
  EXPECT_EQ(small.unit, "bytes");
  EXPECT_EQ(meta::describe<thing>.find("number")->about->rule_count, 0);
}

TEST(description, labels_are_names_as_json_has_them) {
  for (auto const* t : {&meta::describe<thing>, &meta::describe<page<cat>>})
    for (auto const& m : t->members) {
      EXPECT_EQ(std::string_view(m.label.text, m.label.size), '"' + std::string{m.name} + "\":");
      for (auto i = m.label.size; i % meta::label::step != 0; ++i) EXPECT_EQ(m.label.text[i], '\0') << m.name;
    }
}

TEST(description, sums_rules_up) {
  auto const& title = meta::describe<thing>.find("title")->about->within;
  EXPECT_EQ(title.shortest, 1u);
  EXPECT_EQ(title.longest, 20u);
  EXPECT_FALSE(title.only_lengths);
  auto const& small = meta::describe<thing>.find("small")->about->within;
  EXPECT_EQ(small.least, 1);
  EXPECT_EQ(small.most, 2);
  EXPECT_TRUE(small.only_lengths);
  meta::limits between;
  between.narrow({meta::rule_kind::minimum, 0.5});
  EXPECT_GT(between.least, between.most) << "no integer is known to be within: it has to be asked";
}

TEST(description, optionals_lists_maps_and_variants_can_be_walked) {
  thing value;
  auto const& cats = *meta::describe<thing>.find("cats")->of;
  ASSERT_EQ(cats.what, meta::kind::optional);
  EXPECT_EQ(cats.as_optional->get(&value.cats), nullptr);
  auto* list = cats.as_optional->emplace(&value.cats);
  cats.element->as_list->reserve(list, 4);
  static_cast<cat*>(cats.element->as_list->append(list))->name = "Tom";
  EXPECT_EQ(cats.element->as_list->size(list), 1u);
  EXPECT_EQ(static_cast<cat*>(cats.element->as_list->at(list, 0))->name, "Tom");
  EXPECT_EQ(value.cats->front().name, "Tom");
  EXPECT_GE(value.cats->capacity(), 4u);
  cats.element->as_list->clear(list);
  EXPECT_TRUE(value.cats->empty());
  cats.as_optional->reset(&value.cats);
  EXPECT_FALSE(value.cats);

  auto const& weights = *meta::describe<thing>.find("weights")->of;
  *static_cast<double*>(weights.as_map->insert(&value.weights, "a")) = 2;
  *static_cast<double*>(weights.as_map->insert(&value.weights, "a")) += 1;
  EXPECT_EQ(weights.as_map->size(&value.weights), 1u);
  double sum = 0;
  weights.as_map->each(&value.weights, &sum, [](void* s, std::string_view key, void const* v) {
    EXPECT_EQ(key, "a");
    *static_cast<double*>(s) += *static_cast<double const*>(v);
  });
  EXPECT_EQ(sum, 3);

  auto const& either = *meta::describe<thing>.find("either")->of;
  EXPECT_EQ(either.as_variant->discriminator, "type");
  EXPECT_EQ(either.as_variant->alternatives[1]->name, "base");
  static_cast<base*>(either.as_variant->emplace(&value.either, 1))->number = 9;
  EXPECT_EQ(either.as_variant->index(&value.either), 1u);
  EXPECT_EQ(static_cast<base*>(either.as_variant->get(&value.either))->number, 9);

  auto const& delta = *meta::describe<thing>.find("delta")->of;
  EXPECT_EQ(delta.what, meta::kind::change);
  int target = 1;
  value.delta.apply_to(target);
  EXPECT_EQ(target, 1);
  *static_cast<int*>(delta.as_optional->emplace(&value.delta)) = 4;
  value.delta.apply_to(target);
  EXPECT_EQ(target, 4);
}

TEST(description, integers_of_every_size) {
  auto const check = []<class T>(T v) {
    auto const& t = meta::describe<T>;
    T stored{};
    meta::write_integer(t, &stored, static_cast<std::int64_t>(v));
    EXPECT_EQ(stored, v);
    EXPECT_EQ(meta::read_integer(t, &stored), static_cast<std::int64_t>(v));
  };
  check(std::int8_t{-128});
  check(std::uint8_t{255});
  check(std::int16_t{-32768});
  check(std::uint16_t{65535});
  check(std::int32_t{-2147483647 - 1});
  check(std::uint32_t{4294967295u});
  check(std::int64_t{-5});
  check(~std::uint64_t{0});
  EXPECT_TRUE(meta::fits(meta::describe<std::int8_t>, -128));
  EXPECT_FALSE(meta::fits(meta::describe<std::int8_t>, 128));
  EXPECT_FALSE(meta::fits(meta::describe<std::uint8_t>, -1));
  EXPECT_TRUE(meta::fits(meta::describe<std::uint32_t>, 4294967295));
  EXPECT_FALSE(meta::fits(meta::describe<std::uint32_t>, 4294967296));
  EXPECT_FALSE(meta::fits(meta::describe<std::uint64_t>, -1));
  EXPECT_TRUE(meta::fits(meta::describe<std::int64_t>, INT64_MIN));
}

TEST(description, enumerations_by_name) {
  auto value = level::low;
  EXPECT_EQ(meta::enumerator_name(meta::describe<level>, &value), "low");
  value = static_cast<level>(5);
  EXPECT_EQ(meta::enumerator_name(meta::describe<level>, &value), "");
  EXPECT_EQ(meta::describe<level>.name, "level");
}

TEST(description, secrets_are_found_wherever_they_hide) {
  static_assert(meta::holds_secret(meta::describe<keeper>));
  static_assert(meta::holds_secret(meta::describe<std::map<std::string, keeper, std::less<>>>));
  static_assert(!meta::holds_secret(meta::describe<thing>));
}

TEST(description, pages_are_named_after_their_items) {
  EXPECT_EQ(meta::describe<page<cat>>.name, "cat_page");
  EXPECT_EQ(meta::describe<page<std::string>>.name, "page");
  page<cat> p{{{"Tom"}}, "next"};
  EXPECT_EQ(*static_cast<std::string*>(meta::describe<page<cat>>.find("next")->at(&p)), "next");
}
