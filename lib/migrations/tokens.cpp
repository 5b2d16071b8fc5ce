#include <slipway/migrations/tokens.hpp>

#include <algorithm>
#include <cstdint>
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

enum class piece : std::uint8_t { space, literal, quoted_name, word, sign };

// What begins at `at`, and where it ends.
std::pair<piece, std::size_t> read_piece(std::string_view sql, std::size_t at) noexcept {
  auto const c = sql[at];
  if (sql.substr(at, 2) == "--") return {piece::space, std::min(sql.find('\n', at), sql.size())};
  if (sql.substr(at, 2) == "/*") {
    auto const end = sql.find("*/", at + 2);
    return {piece::space, end == std::string_view::npos ? sql.size() : end + 2};
  }
  if (c == '\'') return {piece::literal, end_of_quoted(sql, at)};
  if (c == '"' || c == '`' || c == '[') return {piece::quoted_name, end_of_quoted(sql, at)};
  if (c == ' ' || c == '\t' || c == '\n' || c == '\r') return {piece::space, at + 1};
  if (!is_word(c)) return {piece::sign, at + 1};
  auto end = at + 1;
  while (end < sql.size() && is_word(sql[end])) ++end;
  return {piece::word, end};
}

}  // namespace

std::size_t find_keyword(std::string_view sql, std::string_view keyword) {
  for (std::size_t at = 0; at < sql.size();) {
    auto const [what, end] = read_piece(sql, at);
    if (what == piece::word && is_keyword(sql.substr(at, end - at), keyword)) return at;
    at = end;
  }
  return std::string_view::npos;
}

tokens::tokens(std::string_view sql) {
  for (std::size_t at = 0; at < sql.size();) {
    auto const [what, end] = read_piece(sql, at);
    if (what == piece::literal)
      words_.emplace_back("''");
    else if (what == piece::quoted_name)
      words_.emplace_back(sql.substr(at + 1, end > at + 2 ? end - at - 2 : 0));
    else if (what != piece::space)
      words_.emplace_back(sql.substr(at, end - at));
    at = end;
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

bool tokens::has(std::string_view keywords, std::string_view not_behind) const {
  std::size_t count = 0;
  for (auto from = at_; from < words_.size(); ++from)
    if (matches(from, keywords, count) && (from == at_ || !is_keyword(words_[from - 1], not_behind))) return true;
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
