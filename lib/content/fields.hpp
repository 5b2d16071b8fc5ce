// The small grammar that field values share (RFC 9110, section 5.6): tokens, lists, quoted strings, qualities.
#pragma once

#include <slipway/http/message.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::content {

using http::trim;

bool is_token(std::string_view text) noexcept;  // not empty, tchar only
// Free of control characters (a tab is allowed): can stand in a field without ending it.
bool is_field_text(std::string_view text) noexcept;

// The pieces of `text` between separators that stand outside quoted strings, trimmed; empty pieces are skipped.
class pieces {
 public:
  explicit pieces(std::string_view text, char separator = ',') noexcept : rest_{text}, separator_{separator} {}
  bool next(std::string_view& piece) noexcept;

 private:
  std::string_view rest_;
  char separator_;
};

// Splits at the first `at` into two trimmed parts; the second is null (data() == nullptr) when there is none.
struct halves {
  std::string_view first, second;
};
halves split(std::string_view text, char at) noexcept;

// A token as it is, or a quoted string without its quotes and backslashes. Empty when it is neither.
std::optional<std::string> unquote(std::string_view text);
// A quoted string. The text must be field text.
std::string quote(std::string_view text);

// "0.85" is 850. Empty unless it is a qvalue (section 12.4.2).
std::optional<int> parse_quality(std::string_view text) noexcept;
// Digits alone, no overflow.
std::optional<std::uint64_t> parse_digits(std::string_view text) noexcept;

// Every line of that name as one list (section 5.3); a null view when there is none. Joined in the arena.
std::string_view all_values(http::exchange& x, std::string_view name);

// Adds `name` to what the answer varies on, once.
void add_vary(http::exchange& x, std::string_view name);
// The answer's field of that name, to be changed in place; null when there is none.
http::field* find_field(http::response& r, std::string_view name) noexcept;
void remove_field(http::response& r, std::string_view name) noexcept;

// Fills the answer of a request that a layer refuses; the status is set. lib/api gives one that writes problem+json
// with the correlation id; an empty function means a minimal problem document.
using error_page = std::function<void(http::exchange&)>;
// Answers `status`. `code` must be a literal.
void refuse(http::exchange& x, int status, char const* code, error_page const& page);

}  // namespace slipway::content
