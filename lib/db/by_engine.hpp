// What engines say differently, engine beside engine: SQLite's, PostgreSQL's, then that of MySQL and MariaDB. For .cpp
// files that write SQL.
#pragma once

#include <slipway/db/driver.hpp>

#include <initializer_list>
#include <string>
#include <string_view>

namespace slipway::db {

template <class T>
struct by_engine {
  T sqlite, postgres, mysql;

  constexpr T const& operator[](dialect engine) const noexcept {
    switch (engine) {
      case dialect::postgres: return postgres;
      case dialect::mysql: return mysql;
      case dialect::sqlite: break;
    }
    return sqlite;
  }
};

// SQL with places for what it is said about: {0}, {1}, ... One that is beyond `Places` does not compile.
template <std::size_t Places>
class sql_pattern {
 public:
  consteval sql_pattern(char const* text) : text_{text} {
    for (auto open = text_.find('{'); open != std::string_view::npos; open = text_.find('{', open + 1))
      if (text_.size() < open + 3 || text_[open + 1] < '0' || text_[open + 1] - '0' >= static_cast<int>(Places) ||
          text_[open + 2] != '}')
        throw "a place of the pattern is none";
  }
  constexpr std::string_view text() const noexcept { return text_; }

 private:
  std::string_view text_;
};

// `pattern` with these texts in its places.
std::string filled(std::string_view pattern, std::initializer_list<std::string_view> what);

// The same thing, as each engine says it.
template <std::size_t Places>
struct sql_word : by_engine<sql_pattern<Places>> {
  consteval sql_word(char const* sqlite, char const* postgres, char const* mysql)
      : by_engine<sql_pattern<Places>>{sqlite, postgres, mysql} {}

  template <class... What>
  std::string operator()(dialect engine, What const&... what) const {
    static_assert(sizeof...(What) == Places);
    return filled((*this)[engine].text(), {std::string_view{what}...});
  }
};

}  // namespace slipway::db
