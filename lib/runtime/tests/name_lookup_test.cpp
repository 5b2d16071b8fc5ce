#include "../../core/tests/name_server.hpp"

#include <slipway/runtime/name_lookup.hpp>
#include <slipway/runtime/shards.hpp>

#include <gmock/gmock.h>

#include <tuple>

using namespace slipway;
using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;

namespace {

using found = std::expected<std::vector<std::string>, std::string>;

task<found> addresses_of(std::string host) {
  name_lookup names{shard::current()};
  co_return co_await names.of(std::move(host));
}

TEST(name_lookup, what_is_an_address_is_its_own) {
  shards on{1};
  EXPECT_THAT(on.run(addresses_of("192.0.2.7")).value(), ElementsAre("192.0.2.7"));
  EXPECT_THAT(on.run(addresses_of("2001:db8::7")).value(), ElementsAre("2001:db8::7"));
}

TEST(name_lookup, a_name_of_this_machine) {
  shards on{1};
  EXPECT_THAT(on.run(addresses_of("localhost")).value(), Contains("127.0.0.1"));
}

TEST(name_lookup, what_is_no_name_is_told_in_the_systems_words) {
  shards on{1};
  auto const nothing = on.run(addresses_of(std::string(64, 'a')));  // longer than a name server could be asked
  ASSERT_FALSE(nothing);
  EXPECT_FALSE(nothing.error().empty());
}

TEST(name_lookup, who_waits_for_a_silent_name_server_goes_on_without_it) {
  slipway::tests::name_server server;
  if (!server.why_not().empty()) GTEST_SKIP() << "SKIPPED LOUDLY: " << server.why_not();
  shards on{1};  // after it, or it would ask another
  EXPECT_THAT(on.run(addresses_of("some.invalid")).value(), ElementsAre("127.0.0.1"));
  server.be_silent();
  auto const [answer, was_ended, was_asked] =
      on.run([](slipway::tests::name_server& asked) -> task<std::tuple<found, bool, bool>> {
        name_lookup names{shard::current()};
        start_detached([](name_lookup& ended, slipway::tests::name_server& by) -> task<> {
          for (int i = 0; i < 5'000 && !by.is_asked(); ++i) co_await sleep_for(1ms);
          ended.end();
        }(names, asked));
        auto nothing = co_await names.of("other.invalid");
        co_return std::tuple{std::move(nothing), names.was_ended(), asked.is_asked()};
      }(server));
  EXPECT_FALSE(answer);
  EXPECT_TRUE(was_ended);
  EXPECT_TRUE(was_asked) << "the answer came from elsewhere";
  server.speak();  // or the end of the shard would wait for it
}

TEST(name_lookup, an_end_after_the_answer_changes_nothing) {
  shards on{1};
  EXPECT_FALSE(on.run([]() -> task<bool> {
    name_lookup names{shard::current()};
    names.end();
    EXPECT_TRUE(co_await names.of("localhost"));
    names.end();
    co_return names.was_ended();
  }()));
}

}  // namespace
