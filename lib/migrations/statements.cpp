#include <slipway/migrations/statements.hpp>

#include <algorithm>
#include <array>
#include <string>

namespace slipway::migrations {
namespace {

constexpr bool is_space(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
constexpr bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
constexpr bool is_word(char c) noexcept { return is_letter(c) || (c >= '0' && c <= '9') || c == '$'; }

std::string upper(std::string_view word) {
  std::string out{word};
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

// Reads a text once from the front; every `skip_...` stands behind what it skipped.
class splitter {
 public:
  splitter(std::string_view sql, db::dialect dialect, unsigned line) noexcept
      : sql_{sql}, dialect_{dialect}, line_{line} {}

  std::vector<statement> run() {
    while (at_ < sql_.size()) {
      char const c = sql_[at_];
      if (is_space(c))
        advance();
      else if (is_line_comment())
        skip_line();
      else if (starts("/*"))
        skip_block_comment();
      else if (c == ';' && body_depth_ == 0)
        end_statement();
      else {
        begin_if_new();
        take_token();
        end_ = at_;
      }
    }
    end_statement();
    return std::move(out_);
  }

 private:
  bool is_postgres() const noexcept { return dialect_ == db::dialect::postgres; }
  bool is_mysql() const noexcept { return dialect_ == db::dialect::mysql; }
  bool is_line_comment() const noexcept {
    if (!is_mysql()) return starts("--");
    return starts("#") || (starts("--") && (at_ + 2 == sql_.size() || is_space(sql_[at_ + 2])));
  }
  bool starts(std::string_view mark) const noexcept { return sql_.substr(at_, mark.size()) == mark; }
  void advance() noexcept {
    if (sql_[at_] == '\n') ++line_;
    ++at_;
  }

  void skip_line() noexcept {
    while (at_ < sql_.size() && sql_[at_] != '\n') ++at_;
  }
  void skip_block_comment() noexcept {
    unsigned depth = 0;
    while (at_ < sql_.size()) {
      if (starts("/*") && (depth == 0 || is_postgres())) {
        ++depth;
        at_ += 2;
      } else if (starts("*/")) {
        at_ += 2;
        if (--depth == 0) return;
      } else {
        advance();
      }
    }
  }
  // To the closing mark; a doubled one stands for itself.
  void skip_quoted(char close, bool backslashes) noexcept {
    advance();
    while (at_ < sql_.size()) {
      char const c = sql_[at_];
      advance();
      if (backslashes && c == '\\' && at_ < sql_.size())
        advance();
      else if (c == close && (at_ >= sql_.size() || sql_[at_] != close))
        return;
      else if (c == close)
        advance();
    }
  }
  // $tag$ ... $tag$; false when no such quote begins here ($1).
  bool skip_dollar_quoted() noexcept {
    auto end = at_ + 1;
    if (end < sql_.size() && sql_[end] >= '0' && sql_[end] <= '9') return false;
    while (end < sql_.size() && sql_[end] != '$' && is_word(sql_[end])) ++end;
    if (end >= sql_.size() || sql_[end] != '$') return false;
    auto const tag = sql_.substr(at_, end - at_ + 1);
    auto const close = sql_.find(tag, end + 1);
    auto const stop = close == std::string_view::npos ? sql_.size() : close + tag.size();
    while (at_ < stop) advance();
    return true;
  }

  void take_token() {
    char const c = sql_[at_];
    if (c == '\'')
      skip_quoted('\'', false);
    else if (c == '"')
      skip_quoted('"', false);
    else if (c == '`' && !is_postgres())
      skip_quoted('`', false);
    else if (c == '[' && dialect_ == db::dialect::sqlite)
      skip_quoted(']', false);
    else if (c == '$' && is_postgres() && skip_dollar_quoted())
      return;
    else if (is_letter(c))
      take_word();
    else if (c >= '0' && c <= '9')
      while (at_ < sql_.size() && is_word(sql_[at_])) ++at_;
    else
      advance();
  }

  void take_word() {
    auto const begin = at_;
    while (at_ < sql_.size() && is_word(sql_[at_])) ++at_;
    auto const word = upper(sql_.substr(begin, at_ - begin));
    if (is_postgres() && word == "E" && at_ < sql_.size() && sql_[at_] == '\'') return skip_quoted('\'', true);
    follow(word);
  }

  // Notices where the body of a trigger (SQLite), of a function (PostgreSQL, BEGIN ATOMIC) or of a routine (MySQL) begins
  // and ends. In it, a semicolon separates its own statements, and CASE has an END as well; MySQL's IF and loops have an
  // END IF and the like, which end no body.
  void follow(std::string const& word) {
    if (words_ < first_words_.size()) first_words_[words_] = word;
    ++words_;
    auto const after_end = is_mysql() && in_body_ && previous_ == "END";
    if (after_end && (word == "IF" || word == "LOOP" || word == "WHILE" || word == "REPEAT")) {
      ++body_depth_;
    } else if (after_end && word == "CASE") {
      // Counted already.
    } else if (body_depth_ > 0) {
      if (word == "CASE" || word == "BEGIN")
        ++body_depth_;
      else if (word == "END")
        --body_depth_;
    } else if (has_body()) {
      in_body_ = is_postgres() ? word == "ATOMIC" && previous_ == "BEGIN" : word == "BEGIN";
      if (in_body_) body_depth_ = 1;
    }
    previous_ = word;
  }
  bool has_body() const noexcept {
    if (first_words_[0] != "CREATE") return false;
    return std::ranges::any_of(first_words_, [this](std::string const& w) {
      auto const routine = w == "FUNCTION" || w == "PROCEDURE";
      if (is_mysql()) return routine || w == "TRIGGER" || w == "EVENT";
      return is_postgres() ? routine : w == "TRIGGER";
    });
  }

  void begin_if_new() noexcept {
    if (begun_) return;
    begun_ = true;
    begin_ = at_;
    begin_line_ = line_;
  }
  void end_statement() {
    if (begun_) out_.push_back({.text = sql_.substr(begin_, end_ - begin_), .line = begin_line_});
    begun_ = false;
    words_ = 0;
    body_depth_ = 0;
    in_body_ = false;
    previous_.clear();
    first_words_ = {};
    if (at_ < sql_.size()) ++at_;
  }

  std::string_view sql_;
  db::dialect dialect_;
  std::size_t at_ = 0;
  unsigned line_;

  bool begun_ = false;
  std::size_t begin_ = 0, end_ = 0;
  unsigned begin_line_ = 0;
  std::array<std::string, 8> first_words_{};  // CREATE OR REPLACE DEFINER = someone PROCEDURE
  std::size_t words_ = 0;
  std::string previous_;
  unsigned body_depth_ = 0;
  bool in_body_ = false;

  std::vector<statement> out_;
};

}  // namespace

std::vector<statement> split(std::string_view sql, db::dialect dialect, unsigned first_line) {
  return splitter{sql, dialect, first_line}.run();
}

bool controls_transaction(std::string_view sql) noexcept {
  std::size_t size = 0;
  while (size < sql.size() && is_letter(sql[size])) ++size;
  auto const equal = [word = sql.substr(0, size)](std::string_view other) {
    return std::ranges::equal(word, other, [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 32 : a) == b; });
  };
  return std::ranges::any_of(std::array<std::string_view, 6>{"BEGIN", "COMMIT", "END", "ROLLBACK", "START", "ABORT"},
                             equal);
}

}  // namespace slipway::migrations
