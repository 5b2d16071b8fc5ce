// What must not be in a log although somebody put it there: by the name of the field, and by the shape of the text.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::log {

inline constexpr std::string_view mask = "***";

class redactor {
 public:
  // `more` are names beside the usual ones.
  explicit redactor(std::span<std::string const> more);

  // Whether the name of a field, or a part of it between separators, is on the list: "X-Api-Key", "apiKey",
  // "user_password" and "password_hash" are; "tokens_used" is not.
  bool masks(std::string_view key) const noexcept;

 private:
  std::vector<std::string> names_;  // lower case, separators as '_'
};

struct sensitive_part {
  std::size_t begin = 0, end = 0;  // empty: nothing from `from` on
};
// The next part of a text that looks like a credential: after "Bearer " or "Basic ", the password of a URL, or the
// value of "password=" and the like.
sensitive_part find_sensitive(std::string_view text, std::size_t from) noexcept;

}  // namespace slipway::log
