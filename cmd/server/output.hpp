// Standard output, whose loss a command must not keep to itself.
#pragma once

namespace app {

// The first thing in main: puts /dev/null in the place of standard descriptors that are closed. The next file that is
// opened would become one of them else, and be written over. It can only be read: what is written is an error as before.
void hold_standard_descriptors() noexcept;

// Writes out what was printed. Throws startup_error (cannot_create) when that fails, or failed before.
void flush_output();

}  // namespace app
