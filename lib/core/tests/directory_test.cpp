#include <slipway/core/directory.hpp>

#include "temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <vector>

namespace slipway {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

// Works in a folder of its own.
struct directory_test : testing::Test {
  tests::temporary_folder folder{"directory"};
  fs::path before = fs::current_path();
  directory_test() { fs::current_path(folder.path()); }
  ~directory_test() override { fs::current_path(before); }
};

TEST_F(directory_test, the_last_one_is_made) {
  for (auto const& path : std::vector<fs::path>{"a", "./b/", folder / "c", folder / "c/d",
                                                "../" + fs::path{folder.path()}.filename().string()}) {
    EXPECT_EQ(make_directory(path), std::error_code{}) << path;
    EXPECT_EQ(make_directory(path), std::error_code{}) << "it is there";
    EXPECT_TRUE(fs::is_directory(path)) << path;
  }
}

TEST_F(directory_test, a_parent_right_in_the_working_directory_is_made_too) {
  EXPECT_EQ(make_directory("var/backups", directory_for::owner), std::error_code{});
  EXPECT_EQ(fs::status("var/backups").permissions(), fs::perms::owner_all);
  EXPECT_NE(fs::status("var").permissions() & fs::perms::others_exec, fs::perms::none);
  EXPECT_EQ(make_directory("./data/keys/"), std::error_code{});
}

TEST_F(directory_test, no_tree_is_made) {
  for (auto const& path :
       std::vector<fs::path>{"mistyped/var/backups", "../mistyped-elsewhere/backups", "./mistyped/a/b/c"}) {
    EXPECT_EQ(make_directory(path), std::errc::no_such_file_or_directory) << path;
    EXPECT_FALSE(fs::exists("mistyped"));
    EXPECT_FALSE(fs::exists("../mistyped-elsewhere"));
  }
  auto const path = folder / "mistyped/data";
  EXPECT_EQ(make_directory(path), std::errc::no_such_file_or_directory);
  EXPECT_THAT(
      why_not_made(path, make_directory(path)),
      AllOf(HasSubstr("cannot make " + path), HasSubstr("there is no " + folder / "mistyped."), HasSubstr("mount")));
}

TEST_F(directory_test, a_file_is_no_directory) {
  std::ofstream{"file"} << "text";
  fs::create_symlink("nowhere", "link");
  for (auto const& path : std::vector<fs::path>{"file", "file/below", "link"})
    EXPECT_EQ(make_directory(path), std::errc::not_a_directory) << path;
  EXPECT_THAT(why_not_made("file", make_directory("file")), HasSubstr("Not a directory"));
}

}  // namespace
}  // namespace slipway
