#include "refusal.hpp"

#include <slipway/backup/postgres_tools.hpp>
#include <slipway/backup/tool.hpp>

#include <slipway/core/errors.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace slipway::backup {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class zeros final : public source {
 public:
  explicit zeros(std::size_t size) : left_{size} {}
  std::size_t read(std::span<std::byte> into) override {
    auto const n = std::min(left_, into.size());
    std::ranges::fill(into.first(n), std::byte{'0'});
    left_ -= n;
    return n;
  }

 private:
  std::size_t left_;
};

TEST(tool, output_and_variables) {
  EXPECT_EQ(run({.command = {"sh", "-c", "printf '%s' \"$WORD\""}, .environment = {{"WORD", "a b'c"}}}), "a b'c");
  EXPECT_EQ(run({.command = {"printf", "%s|%s", "x y", ""}}), "x y|") << "arguments are not read by a shell";
}

TEST(tool, a_failure_carries_what_the_program_said) {
  EXPECT_THAT(refusal(exit_code::unavailable, [] { run({.command = {"sh", "-c", "echo no luck >&2; exit 3"}}); }),
              AllOf(HasSubstr("sh failed (3)"), HasSubstr("no luck")));
  EXPECT_THAT(refusal(exit_code::config, [] { run({.command = {"pg_no_such_tool"}}); }),
              AllOf(HasSubstr("pg_no_such_tool is not installed"), HasSubstr("postgresql-client")));
}

TEST(tool, much_input_arrives_and_a_reader_that_leaves_is_told_by_its_code) {
  zeros some{3'000'000};
  run_from({.command = {"sh", "-c", "test \"$(wc -c)\" -eq 3000000"}}, some);
  zeros more{3'000'000};
  EXPECT_THAT(
      refusal(exit_code::unavailable,
              [&] { run_from({.command = {"sh", "-c", "head -c 1 >/dev/null; echo enough >&2; exit 4"}}, more); }),
      HasSubstr("enough"));
}

TEST(tool, complaints_without_end_do_not_block) {
  EXPECT_THAT(refusal(exit_code::unavailable,
                      [] { run({.command = {"sh", "-c", "yes 'it is broken' | head -c 2000000 >&2; exit 1"}}); }),
              HasSubstr("it is broken"));
}

TEST(tool, when_nobody_can_take_the_output_the_program_ends) {
  struct full final : sink {
    void write(std::span<std::byte const>) override { throw startup_error{exit_code::cannot_create, "disk full"}; }
    void finish() override {}
  } nowhere;
  EXPECT_EQ(refusal(exit_code::cannot_create, [&] { run_into({.command = {"yes"}}, nowhere); }), "disk full");
}

TEST(tool, what_postgres_is_told_on_its_command_line_holds_no_password) {
  for (auto const* url :
       {"postgres://me:a+%25b@host/db?sslmode=require", "postgres://me@host/db?password=a+%25b&sslmode=require",
        "postgres://me@host/db?sslmode=require&password=a+%25b"}) {
    postgres_tools const tools{url, ""};
    EXPECT_EQ(tools.url(), "postgres://me@host/db?sslmode=require");
    EXPECT_EQ(tools.make("pg_dump", {}).environment.at("PGPASSWORD"), "a+%b");
  }
  EXPECT_EQ(refusal(exit_code::config, [] { postgres_tools{"postgres://me:1/secret@host", ""}; }).find("secret"),
            std::string::npos);
}

}  // namespace
}  // namespace slipway::backup
