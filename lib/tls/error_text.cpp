#include <slipway/tls/error_text.hpp>

#include <openssl/err.h>

namespace slipway::tls {

std::string text_of(unsigned long error) {
  if (error == 0) return "no reason given";
  char text[256];
  ::ERR_error_string_n(error, text, sizeof text);
  return text;
}

std::string first_error_text() {
  auto const error = ::ERR_peek_error();
  ::ERR_clear_error();
  return text_of(error);
}

}  // namespace slipway::tls
