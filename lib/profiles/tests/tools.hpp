// Other programs that the tests run.
#pragma once

#include <string>

namespace slipway::tests {

struct ran {
  int status = -1;  // as the shell tells it
  std::string output;
};

// A line of the shell, with what it said on both streams. Throws std::runtime_error.
ran run(std::string const& line);

// What google-pprof finds in a profile of that program, as a table of functions.
ran read_profile(std::string const& program, std::string const& profile);
// Why the test that asks cannot read one; empty: it can.
std::string no_viewer();

}  // namespace slipway::tests
