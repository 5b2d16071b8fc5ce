// Walks over JSON text (RFC 8259) token by token, strictly: UTF-8 is checked, escapes are decoded, surrogates must
// come in pairs. The first thing that is not JSON ends the walk and is kept with its place.
//
// Every step says false when the text is not JSON; nothing may be asked of the cursor after that but `problem`.
#pragma once

#include <slipway/json/text.hpp>
#include <slipway/meta/description.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace slipway::json::detail {

struct json_problem {
  char const* code = nullptr;  // "malformed_json", "too_deep"; null: nothing was wrong
  std::string message;         // without the place
  std::size_t line = 0;        // from one
  std::size_t column = 0;      // from one, in code points
};

// What a value is, by its first character.
enum class shape : std::uint8_t { nothing, null, boolean, number, text, list, object };

struct number {
  enum class form : std::uint8_t { integer, unsigned_integer, real } what;
  bool in_range;  // false: beyond what a double holds
  union {
    std::int64_t integer;
    std::uint64_t unsigned_integer;
    double real;  // also of an integer that 64 bits do not hold
  };
};

class cursor {
 public:
  cursor(std::string_view text, std::size_t max_depth) noexcept
      : begin_{text.data()},
        at_{text.data()},
        end_{text.data() + text.size()},
        left_{max_depth},
        max_depth_{max_depth} {}

  bool begin();   // before the first value
  bool finish();  // nothing but space follows

  shape peek() const noexcept;
  // Whether the value that comes next begins with this character.
  bool at(char c) const noexcept { return at_ != end_ && *at_ == c; }
  bool null() { return word("null"); }
  bool boolean(bool& out);
  bool read(number& out);
  // The text without its quotes: a part of the document, or, when there were escapes, of `storage`.
  bool text(std::string_view& out, std::string& storage) { return plain_text(out) || text_with_escapes(out, storage); }
  // The text, when it is good and has no escapes; else nothing has happened.
  bool plain_text(std::string_view& out) noexcept {
    auto const* const from = at_ + 1;
    if (end_ - from >= 16)
      if (auto const bits = special_bytes(from); bits != 0)
        if (auto const* const at = from + std::countr_zero(bits); *at == '"') [[likely]] {
          out = {from, at};
          at_ = at + 1;
          return true;
        }
    return long_text(out);
  }
  // An integer of at most 18 digits, written without exponent; else nothing has happened.
  bool plain_integer(std::int64_t& out) noexcept;
  bool skip();  // any value

  // Lists and objects: `open`, then `next` before each item until `more` is false. `close` is the closing bracket.
  bool open() {
    if (left_ == 0) return too_deep();
    --left_;
    ++at_;
    skip_space();
    return true;
  }
  bool next(char close, bool first, bool& more) {
    skip_space();
    if (at_ != end_ && *at_ == close) {
      ++at_;
      ++left_;
      more = false;
      return true;
    }
    more = true;
    if (first) return true;
    if (at_ == end_ || *at_ != ',') return fail(close == ']' ? "',' or ']' was expected" : "',' or '}' was expected");
    ++at_;
    skip_space();
    return true;
  }
  // A member's name and the colon, when that is what comes next, written as in the label; else nothing has happened.
  bool take(meta::label const& expected) noexcept {
    auto const left = static_cast<std::size_t>(end_ - at_);
    if (expected.size <= 16 && left >= 16) [[likely]] {
      auto const same = _mm_movemask_epi8(_mm_cmpeq_epi8(load16(at_), load16(expected.text)));
      if ((~static_cast<unsigned>(same) & ((1u << expected.size) - 1)) != 0) return false;
    } else if (left < expected.size || std::memcmp(at_, expected.text, expected.size) != 0) {
      return false;
    }
    at_ += expected.size;
    skip_space();
    return true;
  }
  // A member's name, however it is written; then the colon.
  bool name(std::string_view& out, std::string& storage);
  bool colon() {
    skip_space();
    if (at_ == end_ || *at_ != ':') return fail("':' was expected");
    ++at_;
    skip_space();
    return true;
  }

  // For reading something twice.
  struct mark {
    char const* at;
    std::size_t left;
  };
  mark here() const noexcept { return {at_, left_}; }
  void return_to(mark m) noexcept {
    at_ = m.at;
    left_ = m.left;
  }

  bool failed() const noexcept { return code_ != nullptr; }
  json_problem problem() const;

 private:
  bool fail(char const* message) noexcept;
  bool too_deep() noexcept;
  bool word(std::string_view expected) noexcept;
  bool long_text(std::string_view& out) noexcept;
  bool read_slowly(number& out) noexcept;
  bool text_with_escapes(std::string_view& out, std::string& storage);
  bool escape(std::string& out);
  int unit(char const* from) const noexcept;
  void skip_space() noexcept {
    while (at_ != end_ && static_cast<unsigned char>(*at_) <= ' ' &&
           (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r'))
      ++at_;
  }

  char const* begin_;
  char const* at_;
  char const* end_;
  std::size_t left_;
  std::size_t max_depth_;
  char const* code_ = nullptr;
  char const* message_ = nullptr;
};

// Whether the text is one JSON value.
bool is_json(std::string_view text, std::size_t max_depth);

}  // namespace slipway::json::detail
