#include <slipway/core/descriptor.hpp>

#include <gtest/gtest.h>

#include <fcntl.h>

using slipway::descriptor;

namespace {

descriptor open_something() { return descriptor{::open("/dev/null", O_RDONLY | O_CLOEXEC)}; }
bool is_open(int number) { return ::fcntl(number, F_GETFD) != -1; }

}  // namespace

TEST(descriptor, is_closed_when_its_holder_goes) {
  auto number = -1;
  {
    auto const file = open_something();
    ASSERT_TRUE(file);
    number = file.get();
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(descriptor, holds_nothing_when_opening_failed) {
  descriptor const absent{::open("/nowhere/nothing", O_RDONLY | O_CLOEXEC)};
  EXPECT_FALSE(absent);
  EXPECT_FALSE(descriptor{});
}

TEST(descriptor, is_handed_on) {
  auto first = open_something();
  auto const number = first.get();
  auto second = std::move(first);
  EXPECT_FALSE(first);
  EXPECT_EQ(second.get(), number);

  auto third = open_something();
  auto const other = third.get();
  third = std::move(second);
  EXPECT_EQ(third.get(), number);
  EXPECT_FALSE(is_open(other)) << "what was held before is closed at once";
  auto& same = third;
  third = std::move(same);
  EXPECT_TRUE(is_open(number)) << "handing a descriptor to itself keeps it";

  descriptor const owner{third.release()};
  EXPECT_FALSE(third);
  EXPECT_TRUE(is_open(number));
}
