// OpenSSL's errors as text. For the .cpp files of this folder.
#pragma once

#include <string>

namespace slipway::tls {

// Of an error's number: "error:0A000086:SSL routines::certificate verify failed".
std::string text_of(unsigned long error);
// Of the first error of this thread, which is the cause of those that follow. All of them are forgotten with it.
std::string first_error_text();

}  // namespace slipway::tls
