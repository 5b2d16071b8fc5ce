// SQL as words, for the linter: keywords in capitals, names without their quotes, no comments and no literals' text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::migrations {

// Where this keyword stands first as a word of its own: not in quotes, not in a comment, not in a longer name. npos: it
// does not.
std::size_t find_keyword(std::string_view sql, std::string_view keyword);

class tokens {
 public:
  explicit tokens(std::string_view sql);
  explicit tokens(std::vector<std::string> words) : words_{std::move(words)} {}

  // Takes these keywords when they come next, all or none.
  bool take(std::string_view keywords);
  // Takes the next word as a name, "schema.table" as "table".
  std::string take_name();
  bool is_next(std::string_view keyword) const;
  // Whether these keywords stand together anywhere from here on, other than right behind this one.
  bool has(std::string_view keywords, std::string_view not_behind = {}) const;
  bool empty() const noexcept { return at_ == words_.size(); }
  // The rest, parted at commas that stand in no parentheses.
  std::vector<tokens> parts() const;
  // The word after this keyword, or nothing.
  std::string after(std::string_view keyword) const;

 private:
  bool matches(std::size_t from, std::string_view keywords, std::size_t& count) const;

  std::vector<std::string> words_;  // as written
  std::size_t at_ = 0;
};

}  // namespace slipway::migrations
