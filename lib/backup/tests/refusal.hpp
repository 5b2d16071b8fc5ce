#pragma once

#include <slipway/core/errors.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace slipway::backup {

// What is said when it is refused; "done" when it is not.
inline std::string refusal(exit_code code, std::function<void()> const& what) {
  try {
    what();
  } catch (startup_error const& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.what();
  }
  return "done";
}

}  // namespace slipway::backup
