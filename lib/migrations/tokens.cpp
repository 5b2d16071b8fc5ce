#include <slipway/migrations/tokens.hpp>

#include <algorithm>
#include <utility>

namespace slipway::migrations {
namespace {

bool is_word(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

char upper(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

bool is_keyword(std::string_view word, std::string_view keyword) noexcept {
  return std::ranges::equal(word, keyword, {}, upper, upper);
}

// From the opening quote to behind the closing one; a doubled quote is part of the text.
std::size_t end_of_quoted(std::string_view sql, std::size_t from) noexcept {
  auto const quote = sql[from] == '[' ? ']' : sql[from];
  for (auto at = from + 1; at < sql.size(); ++at) {
    if (sql[at] != quote) continue;
    if (at + 1 < sql.size() && sql[at + 1] == quote && quote != ']')
      ++at;
    else
      return at + 1;
  }
  return sql.size();
}

}  // namespace

tokens::tokens(std::string_view sql) {
  for (std::size_t at = 0; at < sql.size();) {
    auto const c = sql[at];
    if (sql.substr(at, 2) == "--") {
      at = std::min(sql.find('\n', at), sql.size());
    } else if (sql.substr(at, 2) == "/*") {
      auto const end = sql.find("*/", at + 2);
      at = end == std::string_view::npos ? sql.size() : end + 2;
    } else if (c == '\'') {
      at = end_of_quoted(sql, at);
      words_.emplace_back("''");
    } else if (c == '"' || c == '`' || c == '[') {
      auto const end = end_of_quoted(sql, at);
      words_.emplace_back(sql.substr(at + 1, end > at + 2 ? end - at - 2 : 0));
      at = end;
    } else if (is_word(c)) {
      auto const begin = at;
      while (at < sql.size() && is_word(sql[at])) ++at;
      words_.emplace_back(sql.substr(begin, at - begin));
    } else {
      if (c != ' ' && c != '\t' && c != '\n' && c != '\r') words_.emplace_back(1, c);
      ++at;
    }
  }
}

bool tokens::matches(std::size_t from, std::string_view keywords, std::size_t& count) const {
  count = 0;
  while (!keywords.empty()) {
    auto const end = std::min(keywords.find(' '), keywords.size());
    if (from + count >= words_.size() || !is_keyword(words_[from + count], keywords.substr(0, end))) return false;
    keywords.remove_prefix(std::min(end + 1, keywords.size()));
    ++count;
  }
  return true;
}

bool tokens::take(std::string_view keywords) {
  std::size_t count = 0;
  if (!matches(at_, keywords, count)) return false;
  at_ += count;
  return true;
}

std::string tokens::take_name() {
  if (empty()) return {};
  auto name = words_[at_++];
  while (at_ + 1 < words_.size() && words_[at_] == ".") {
    name = words_[at_ + 1];
    at_ += 2;
  }
  return name;
}

bool tokens::is_next(std::string_view keyword) const { return at_ < words_.size() && is_keyword(words_[at_], keyword); }

bool tokens::has(std::string_view keywords) const {
  std::size_t count = 0;
  for (auto from = at_; from < words_.size(); ++from)
    if (matches(from, keywords, count)) return true;
  return false;
}

std::string tokens::after(std::string_view keyword) const {
  for (auto at = at_; at + 1 < words_.size(); ++at)
    if (is_keyword(words_[at], keyword)) return words_[at + 1];
  return {};
}

std::vector<tokens> tokens::parts() const {
  std::vector<tokens> out;
  std::vector<std::string> part;
  auto depth = 0;
  for (auto at = at_; at < words_.size(); ++at) {
    if (words_[at] == "(") ++depth;
    if (words_[at] == ")") --depth;
    if (words_[at] == "," && depth == 0)
      out.emplace_back(std::exchange(part, {}));
    else
      part.push_back(words_[at]);
  }
  if (!part.empty()) out.emplace_back(std::move(part));
  return out;
}

}  // namespace slipway::migrations
