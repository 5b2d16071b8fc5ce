#include <slipway/migrations/table_text.hpp>

#include <slipway/core/ascii.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace slipway::migrations {
namespace {

struct word {
  std::size_t begin = 0, end = 0;
  std::string text;  // keywords in capitals, names without their quotes
  bool is_quoted = false;
};

constexpr bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
constexpr bool is_plain(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

char closing(char c) noexcept {
  switch (c) {
    case '"':
    case '\'':
    case '`': return c;
    case '[': return ']';
    default: return 0;
  }
}

// Behind the quoted text that begins here; a doubled mark stands for itself.
std::size_t end_of_quoted(std::string_view text, std::size_t at) noexcept {
  auto const close = closing(text[at]);
  for (++at; at < text.size(); ++at) {
    if (text[at] != close) continue;
    if (at + 1 >= text.size() || text[at + 1] != close || close == ']') return at + 1;
    ++at;
  }
  return at;
}

std::size_t skip_blank(std::string_view text, std::size_t at) noexcept {
  for (;;) {
    while (at < text.size() && is_space(text[at])) ++at;
    if (text.substr(at, 2) == "--")
      at = std::min(text.find('\n', at), text.size());
    else if (text.substr(at, 2) == "/*")
      at = std::min(text.find("*/", at), text.size() - 2) + 2;
    else
      return at;
  }
}

// Behind the parenthesis that closes the one that stands here.
std::size_t end_of_group(std::string_view text, std::size_t at) noexcept {
  for (unsigned depth = 0; at < text.size();) {
    if (auto const next = skip_blank(text, at); next != at) {
      at = next;
    } else if (closing(text[at]) != 0) {
      at = end_of_quoted(text, at);
    } else {
      if (text[at] == '(') ++depth;
      if (text[at] == ')' && --depth == 0) return at + 1;
      ++at;
    }
  }
  return at;
}

// The next word, quoted name, group in parentheses or single character.
std::optional<word> next_word(std::string_view text, std::size_t at) {
  at = skip_blank(text, at);
  if (at >= text.size()) return std::nullopt;
  word out{.begin = at, .end = at + 1, .text = {}};
  if (closing(text[at]) != 0) {
    out.end = end_of_quoted(text, at);
    out.is_quoted = true;
    for (auto i = at + 1; i + 1 < out.end; ++i) {
      out.text += text[i];
      if (text[i] == text[at]) ++i;
    }
    return out;
  }
  if (text[at] == '(') {
    out.end = end_of_group(text, at);
    out.text = "(";
    return out;
  }
  while (is_plain(text[at]) && out.end < text.size() && is_plain(text[out.end])) ++out.end;
  out.text = text.substr(at, out.end - at);
  for (char& c : out.text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

std::vector<word> words_of(std::string_view text) {
  std::vector<word> out;
  for (std::size_t at = 0; auto next = next_word(text, at); at = next->end) out.push_back(std::move(*next));
  return out;
}

bool ends_type(word const& w) noexcept {
  constexpr std::array<std::string_view, 15> after{"NOT",   "NULL",       "DEFAULT",        "PRIMARY",   "UNIQUE",
                                                   "CHECK", "REFERENCES", "COLLATE",        "CHARACTER", "GENERATED",
                                                   "AS",    "CONSTRAINT", "AUTO_INCREMENT", "COMMENT",   "ON"};
  return !w.is_quoted && std::ranges::find(after, std::string_view{w.text}) != after.end();
}

bool is_constraint(word const& w) noexcept {
  constexpr std::array<std::string_view, 9> opening{"CONSTRAINT", "PRIMARY", "UNIQUE",   "CHECK",  "FOREIGN",
                                                    "KEY",        "INDEX",   "FULLTEXT", "SPATIAL"};
  return !w.is_quoted && std::ranges::find(opening, std::string_view{w.text}) != opening.end();
}

std::string trimmed(std::string_view text) {
  auto const first = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  auto const last = text.find_last_not_of(" \t\r\n");
  return last == std::string_view::npos ? std::string{} : std::string{text.substr(first, last - first + 1)};
}

// Takes these words out wherever they stand side by side.
void erase(std::string& item, std::string_view first, std::string_view second) {
  auto const words = words_of(item);
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].is_quoted || words[i].text != first) continue;
    auto const last = second.empty() ? i : i + 1;
    if (last >= words.size() || (!second.empty() && words[last].text != second)) continue;
    auto from = words[i].begin;
    while (from > 0 && is_space(item[from - 1])) --from;
    item.erase(from, words[last].end - from);
    return;
  }
}

}  // namespace

table_text::table_text(std::string_view create_table) {
  auto at = create_table.find('(');
  // A name may hold a parenthesis, so the words before it are read as words.
  for (std::size_t from = 0; auto w = next_word(create_table, from); from = w->end)
    if (w->text == "(" && !w->is_quoted) {
      at = w->begin;
      break;
    }
  if (at == std::string_view::npos) return;
  auto const end = end_of_group(create_table, at);
  tail_ = trimmed(create_table.substr(end));
  auto const body = create_table.substr(at + 1, end - at - 2);
  std::size_t begin = 0;
  auto const add = [&](std::size_t to) {
    if (auto item = trimmed(body.substr(begin, to - begin)); !item.empty()) items_.push_back(std::move(item));
    begin = to + 1;
  };
  for (auto const& w : words_of(body))
    if (w.text == "," && !w.is_quoted) add(w.begin);
  add(body.size());
}

std::string const* table_text::find(std::string_view column) const noexcept {
  for (auto const& item : items_) {
    auto const first = next_word(item, 0);
    if (!first || is_constraint(*first)) continue;
    if (equal_in_any_case(first->text, column)) return &item;
  }
  return nullptr;
}
std::string* table_text::find(std::string_view column) noexcept {
  return const_cast<std::string*>(std::as_const(*this).find(column));
}

std::string table_text::definition(std::string_view column) const {
  auto const* const item = find(column);
  return item == nullptr ? std::string{} : trimmed(std::string_view{*item}.substr(next_word(*item, 0)->end));
}

void table_text::set_type(std::string_view column, std::string_view type) {
  auto* const item = find(column);
  if (item == nullptr) return;
  auto const words = words_of(*item);
  auto const begin = words[0].end;
  auto end = begin;
  for (std::size_t i = 1; i < words.size() && !ends_type(words[i]); ++i) end = words[i].end;
  item->replace(begin, end - begin, " " + std::string{type});
}

void table_text::set_nullable(std::string_view column, bool nullable) {
  auto* const item = find(column);
  if (item == nullptr) return;
  erase(*item, "NOT", "NULL");
  erase(*item, "DEFAULT", "NULL");
  if (nullable) return;
  erase(*item, "NULL", {});
  auto const words = words_of(*item);
  auto end = words[0].end;
  for (std::size_t i = 1; i < words.size() && !ends_type(words[i]); ++i) end = words[i].end;
  // MySQL's character set belongs to the type.
  for (std::size_t i = 1; i + 1 < words.size(); ++i) {
    if (words[i].text == "COLLATE") end = std::max(end, words[i + 1].end);
    if (words[i].text == "CHARACTER" && i + 2 < words.size()) end = std::max(end, words[i + 2].end);
  }
  item->insert(end, " NOT NULL");
}

std::vector<table_text::constraint> table_text::foreign_keys_of(std::string_view column) const {
  std::vector<constraint> out;
  for (auto const& item : items_) {
    auto const words = words_of(item);
    if (words.size() < 5 || words[0].text != "CONSTRAINT" || words[2].text != "FOREIGN") continue;
    auto const group = std::string_view{item}.substr(words[4].begin + 1, words[4].end - words[4].begin - 2);
    auto const columns = words_of(group);
    if (std::ranges::any_of(columns, [column](word const& w) { return equal_in_any_case(w.text, column); }))
      out.push_back({.name = words[1].text, .text = item});
  }
  return out;
}

std::string with_standard_literals(std::string_view mysql) {
  std::string out;
  for (std::size_t at = 0; at < mysql.size(); ++at) {
    if (mysql[at] == '"' || mysql[at] == '`') {
      auto const end = end_of_quoted(mysql, at);
      out += mysql.substr(at, end - at);
      at = end - 1;
      continue;
    }
    out += mysql[at];
    if (mysql[at] != '\'') continue;
    for (++at; at < mysql.size(); ++at) {
      auto const is_escaped = mysql[at] == '\\' && at + 1 < mysql.size();
      if (is_escaped) ++at;
      auto const c = mysql[at];
      if (is_escaped && c == '\'')
        out += "''";
      else if (is_escaped)
        out += c == 'n' ? '\n' : c == 'r' ? '\r' : c == '0' ? '\0' : c;
      else
        out += c;
      if (is_escaped || c != '\'') continue;
      if (at + 1 >= mysql.size() || mysql[at + 1] != '\'') break;
      out += mysql[++at];
    }
  }
  return out;
}

std::string table_text::text(std::string_view name) const {
  std::string out = "CREATE TABLE " + std::string{name} + " (";
  for (std::size_t i = 0; i < items_.size(); ++i) out += (i == 0 ? "\n  " : ",\n  ") + items_[i];
  out += "\n)";
  if (!tail_.empty()) out += " " + tail_;
  return out;
}

}  // namespace slipway::migrations
