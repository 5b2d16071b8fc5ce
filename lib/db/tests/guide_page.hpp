// Holds a page of the documentation to the test that has its examples.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace slipway::tests {

inline std::string text_of(char const* path) {
  std::ostringstream out;
  out << std::ifstream{path}.rdbuf();
  return out.str();
}

// Without white space: lines break elsewhere on the page.
inline std::string flat(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\n'; });
  return text;
}

// Every piece of C++ on the page stands in the source, which is compiled and run.
inline void expect_to_be_compiled(char const* page_file, char const* source_file, std::size_t fewest) {
  auto const page = text_of(page_file), source = flat(text_of(source_file));
  ASSERT_FALSE(page.empty());
  std::size_t blocks = 0;
  for (auto at = page.find("```cpp\n"); at != std::string::npos; at = page.find("```cpp\n", at), ++blocks) {
    at += 7;
    auto const block = flat(page.substr(at, page.find("```", at) - at));
    EXPECT_NE(source.find(block), std::string::npos) << block;
  }
  EXPECT_GE(blocks, fewest);
}

}  // namespace slipway::tests
