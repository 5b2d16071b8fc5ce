#include <slipway/query_health/condition_columns.hpp>

#include <slipway/core/ascii.hpp>

#include <algorithm>
#include <cctype>

namespace slipway::query_health {
namespace {

struct token {
  enum class kind : unsigned char { word, quoted, text, sign } what;
  std::string_view text;  // without its quotes
};

bool is(token const& t, std::string_view word) noexcept {
  return t.what != token::kind::text && t.what != token::kind::quoted && equal_in_any_case(t.text, word);
}

bool is_name(token const& t) noexcept { return t.what == token::kind::word || t.what == token::kind::quoted; }

std::vector<token> tokens_of(std::string_view text) {
  std::vector<token> out;
  auto const is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '$'; };
  for (std::size_t i = 0; i < text.size();) {
    auto const c = text[i];
    if (std::isspace(static_cast<unsigned char>(c))) {
      ++i;
    } else if (c == '"' || c == '`' || c == '\'') {
      auto const end = std::min(text.find(c, i + 1), text.size());
      out.push_back({c == '\'' ? token::kind::text : token::kind::quoted, text.substr(i + 1, end - i - 1)});
      i = end + 1;
    } else if (is_word(c)) {
      auto end = i;
      while (end < text.size() && is_word(text[end])) ++end;
      out.push_back({token::kind::word, text.substr(i, end - i)});
      i = end;
    } else {
      auto end = i + 1;
      if (std::string_view{"<>=!~:"}.contains(c))
        while (end < text.size() && std::string_view{"<>=!~*:"}.contains(text[end])) ++end;
      out.push_back({token::kind::sign, text.substr(i, end - i)});
      i = end;
    }
  }
  return out;
}

// Passes over what engines put around a column that they compare: its cast, and the brackets around that.
std::size_t after_casts(std::vector<token> const& all, std::size_t i) {
  while (i < all.size()) {
    if (is(all[i], "::"))
      i += 2;
    else if (is(all[i], ")") && i + 1 < all.size() && is(all[i + 1], "::"))
      ++i;
    else
      break;
  }
  return i;
}

void add(std::vector<std::string>& to, std::string_view column) {
  if (std::ranges::find(to, column) == to.end()) to.emplace_back(column);
}

}  // namespace

compared_columns columns_of(std::string_view condition, std::vector<std::string> const& columns,
                            std::vector<std::string> const& names) {
  compared_columns out;
  auto const all = tokens_of(condition);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (is(all[i], "or")) out.has_or = true;
    if (!is_name(all[i]) || std::ranges::find(columns, all[i].text) == columns.end()) continue;
    auto first = i;
    if (i >= 2 && is(all[i - 1], ".")) {
      first = i - 2;
      if (std::ranges::find(names, all[first].text) == names.end()) continue;
      while (first >= 2 && is(all[first - 1], ".")) first -= 2;  // a schema before it
    }
    // The argument of a function, or a part of something larger.
    if (first >= 1 && is(all[first - 1], "(") && first >= 2 && all[first - 2].what == token::kind::word &&
        !is(all[first - 2], "where") && !is(all[first - 2], "and") && !is(all[first - 2], "or") &&
        !is(all[first - 2], "not") && !is(all[first - 2], "on"))
      continue;
    auto const next = after_casts(all, i + 1);
    if (next >= all.size()) continue;
    auto const& sign = all[next];
    if (is(sign, "=") || is(sign, "in"))
      add(out.equal, all[i].text);
    else if (is(sign, "is") && next + 1 < all.size() && is(all[next + 1], "null"))
      add(out.is_null, all[i].text);
    else if (is(sign, "<") || is(sign, "<=") || is(sign, ">") || is(sign, ">=") || is(sign, "between"))
      add(out.range, all[i].text);
  }
  return out;
}

std::string_view where_of(std::string_view sql) noexcept {
  int depth = 0;
  bool quoted = false;
  char quote = 0;
  std::size_t begin = std::string_view::npos, end = sql.size();
  auto const is_part = [sql](std::size_t i) {
    return std::isalnum(static_cast<unsigned char>(sql[i])) != 0 || sql[i] == '_';
  };
  auto const word_at = [&](std::size_t i, std::string_view word) {
    if ((i > 0 && is_part(i - 1)) || !equal_in_any_case(sql.substr(i, word.size()), word)) return false;
    return i + word.size() == sql.size() || !is_part(i + word.size());
  };
  for (std::size_t i = 0; i < sql.size(); ++i) {
    auto const c = sql[i];
    if (quoted) {
      quoted = c != quote;
    } else if (c == '\'' || c == '"' || c == '`') {
      quoted = true;
      quote = c;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')') {
      --depth;
    } else if (depth == 0 && word_at(i, "where")) {
      if (begin != std::string_view::npos) return {};
      begin = i + 5;
    } else if (depth == 0 && begin != std::string_view::npos && end == sql.size()) {
      for (std::string_view word : {"group", "order", "limit", "returning", "for", "union", "having", "offset"})
        if (word_at(i, word)) end = i;
    }
  }
  return begin == std::string_view::npos ? std::string_view{} : sql.substr(begin, end - begin);
}

std::string table_behind(std::string_view sql, std::string_view name) {
  auto const all = tokens_of(sql);
  for (std::size_t i = 0; i + 2 < all.size(); ++i) {
    if (!is(all[i], "from") && !is(all[i], "join") && !is(all[i], "update") && !is(all[i], "into")) continue;
    auto const alias = is(all[i + 2], "as") && i + 3 < all.size() ? i + 3 : i + 2;
    if (is_name(all[i + 1]) && is_name(all[alias]) && all[alias].text == name) return std::string{all[i + 1].text};
  }
  return std::string{name};
}

}  // namespace slipway::query_health
