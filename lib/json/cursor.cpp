#include <slipway/json/cursor.hpp>
#include <slipway/json/numbers.hpp>
#include <slipway/json/text.hpp>

#include <array>
#include <bit>
#include <charconv>
#include <cstring>

namespace slipway::json::detail {

bool cursor::fail(char const* message) noexcept {
  if (code_ == nullptr) {
    code_ = "malformed_json";
    message_ = message;
  }
  return false;
}

bool cursor::too_deep() noexcept {
  fail("");
  code_ = "too_deep";
  return false;
}

json_problem cursor::problem() const {
  json_problem out{.code = code_, .message = message_ == nullptr ? "" : message_, .line = 1, .column = 1};
  if (code_ != nullptr && out.message.empty())
    out.message = "objects and lists are nested more than " + std::to_string(max_depth_) + " deep";
  for (auto const* c = begin_; c != at_; ++c) {
    if (*c == '\n') {
      ++out.line;
      out.column = 1;
    } else if ((static_cast<unsigned char>(*c) & 0xc0) != 0x80) {
      ++out.column;
    }
  }
  return out;
}

bool cursor::begin() {
  if (std::string_view{at_, end_}.starts_with("\xEF\xBB\xBF"))
    return fail("the document begins with a byte order mark");
  skip_space();
  return at_ != end_ || fail("the document is empty");
}

bool cursor::finish() {
  skip_space();
  return at_ == end_ || fail("something follows the document");
}

shape cursor::peek() const noexcept {
  if (at_ == end_) return shape::nothing;
  switch (*at_) {
    case '"': return shape::text;
    case '{': return shape::object;
    case '[': return shape::list;
    case 't':
    case 'f': return shape::boolean;
    case 'n': return shape::null;
    case '-': return shape::number;
    default: return *at_ >= '0' && *at_ <= '9' ? shape::number : shape::nothing;
  }
}

bool cursor::word(std::string_view expected) noexcept {
  if (!std::string_view{at_, end_}.starts_with(expected)) return fail("a value was expected");
  at_ += expected.size();
  return true;
}

bool cursor::boolean(bool& out) {
  out = *at_ == 't';
  return word(out ? "true" : "false");
}

bool cursor::read(number& out) {
  // Up to 15 digits, perhaps with a point among them: nearly all numbers. A double holds such digits exactly, and a
  // power of ten up to 22 as well, so one division gives the nearest double.
  static constexpr std::array<double, 16> powers{1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  auto const is_digit = [](char c) { return c >= '0' && c <= '9'; };
  auto const* at = at_;
  auto const negative = *at == '-';
  at += negative;
  auto const* const first = at;
  std::int64_t digits = 0;
  while (at != end_ && is_digit(*at) && at - first < 15) digits = digits * 10 + (*at++ - '0');
  auto const whole = at - first;
  std::ptrdiff_t decimals = 0;
  if (at != end_ && *at == '.') {
    auto const* const point = ++at;
    while (at != end_ && is_digit(*at) && whole + (at - point) < 15) digits = digits * 10 + (*at++ - '0');
    decimals = at - point;
    if (decimals == 0) return read_slowly(out);
  }
  auto const ends = at == end_ || (!is_digit(*at) && *at != '.' && (*at | 0x20) != 'e' && *at != '+' && *at != '-');
  if (whole == 0 || !ends || (*first == '0' && whole > 1) || (negative && digits == 0)) return read_slowly(out);
  at_ = at;
  out.in_range = true;
  if (decimals == 0) {
    out.what = number::form::integer;
    out.integer = negative ? -digits : digits;
  } else {
    out.what = number::form::real;
    out.real = static_cast<double>(negative ? -digits : digits) / powers[static_cast<std::size_t>(decimals)];
  }
  return true;
}

bool cursor::read_slowly(number& out) noexcept {
  auto const* end = at_;
  while (end != end_ && std::string_view{"+-.eE0123456789"}.find(*end) != std::string_view::npos) ++end;
  std::string_view const token{at_, end};
  if (!is_number(token)) return fail("this is not a number");
  at_ = end;
  out.in_range = true;
  if (token.find_first_of(".eE") == std::string_view::npos) {
    out.what = number::form::integer;
    if (std::from_chars(token.data(), end, out.integer).ec == std::errc{}) return true;
    out.what = number::form::unsigned_integer;
    if (token[0] != '-' && std::from_chars(token.data(), end, out.unsigned_integer).ec == std::errc{}) return true;
  }
  out.what = number::form::real;
  out.real = 0;
  if (std::from_chars(token.data(), end, out.real).ec != std::errc{}) {
    // What is too small is zero; only what is too large has no value.
    auto const exponent = token.find_first_of("eE");
    out.in_range =
        exponent != std::string_view::npos ? token[exponent + 1] == '-' : token.find('.') != std::string_view::npos;
    out.real = 0;
  }
  return true;
}

bool cursor::plain_integer(std::int64_t& out) noexcept {
  auto const* at = at_;
  auto const negative = at != end_ && *at == '-';
  at += negative;
  auto const* const first = at;
  auto const* const last = end_ - first > 18 ? first + 18 : end_;
  std::int64_t value = 0;
  for (; at != last && *at >= '0' && *at <= '9'; ++at) value = value * 10 + (*at - '0');
  auto const ends = at != end_ && (*at == ',' || *at == '}' || *at == ']' || *at == '\n' || *at == ' ');
  if (!ends || at == first || (*first == '0' && (negative || at - first > 1))) return false;
  out = negative ? -value : value;
  at_ = at;
  return true;
}

bool cursor::long_text(std::string_view& out) noexcept {
  auto const* const from = at_ + 1;
  auto const* at = from;
  for (;;) {
    if (end_ - at >= 16) [[likely]] {
      auto const bits = special_bytes(at);
      if (bits == 0) {
        at += 16;
        continue;
      }
      at += std::countr_zero(bits);
    } else {
      while (at != end_ && !is_special(*at)) ++at;
      if (at == end_) return false;
    }
    if (*at == '"') [[likely]] {
      out = {from, at};
      at_ = at + 1;
      return true;
    }
    if (static_cast<unsigned char>(*at) < 0x80) return false;
    do {
      auto const n = sequence_length(at, static_cast<std::size_t>(end_ - at));
      if (n == 0) return false;
      at += n;
    } while (at != end_ && static_cast<unsigned char>(*at) >= 0x80);
  }
}

// Piece by piece, decoded, and with the place of whatever is wrong.
bool cursor::text_with_escapes(std::string_view& out, std::string& storage) {
  ++at_;
  storage.clear();
  for (;;) {
    if (at_ == end_) return fail("the document ends inside a text");
    auto const c = static_cast<unsigned char>(*at_);
    if (c == '"') break;
    if (c < 0x20) return fail("a control character in a text must be escaped");
    if (c == '\\') {
      if (!escape(storage)) return false;
      continue;
    }
    auto const n = sequence_length(at_, static_cast<std::size_t>(end_ - at_));
    if (n == 0) return fail("this is not UTF-8");
    storage.append(at_, n);
    at_ += n;
  }
  ++at_;
  out = storage;
  return true;
}

// Four hexadecimal digits; -1 when they are not there.
int cursor::unit(char const* from) const noexcept {
  unsigned v = 0;
  if (end_ - from < 4) return -1;
  auto const [end, error] = std::from_chars(from, from + 4, v, 16);
  return error == std::errc{} && end == from + 4 ? static_cast<int>(v) : -1;
}

bool cursor::escape(std::string& out) {
  constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
  if (end_ - at_ < 2) return fail("the document ends inside a text");
  if (at_[1] != 'u') {
    auto const which = letters.find(at_[1]);
    if (which == std::string_view::npos) return fail("there is no such escape");
    out += meanings[which];
    at_ += 2;
    return true;
  }
  auto const first = unit(at_ + 2);
  if (first < 0) return fail("'\\u' needs four hexadecimal digits");
  auto point = static_cast<unsigned>(first);
  std::size_t used = 6;
  if (point >= 0xd800 && point <= 0xdfff) {
    auto const second = point <= 0xdbff && end_ - at_ >= 8 && at_[6] == '\\' && at_[7] == 'u' ? unit(at_ + 8) : -1;
    if (second < 0xdc00 || second > 0xdfff) return fail("half of a surrogate pair stands alone");
    point = 0x10000 + ((point - 0xd800) << 10) + (static_cast<unsigned>(second) - 0xdc00);
    used = 12;
  }
  auto const put = [&](unsigned byte) { out += static_cast<char>(byte); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xc0 | point >> 6), put(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    put(0xe0 | point >> 12), put(0x80 | (point >> 6 & 0x3f)), put(0x80 | (point & 0x3f));
  } else {
    put(0xf0 | point >> 18), put(0x80 | (point >> 12 & 0x3f)), put(0x80 | (point >> 6 & 0x3f)),
        put(0x80 | (point & 0x3f));
  }
  at_ += used;
  return true;
}

bool cursor::name(std::string_view& out, std::string& storage) {
  if (at_ == end_ || *at_ != '"') return fail("a member's name in quotes was expected");
  return text(out, storage);
}

bool cursor::skip() {
  auto const what = peek();
  std::string_view unused;
  std::string storage;
  switch (what) {
    case shape::nothing:
      return fail(at_ == end_ ? "the document ends where a value was expected" : "a value was expected");
    case shape::null: return null();
    case shape::boolean: {
      auto value = false;
      return boolean(value);
    }
    case shape::number: {
      number value;
      return read(value);
    }
    case shape::text: return text(unused, storage);
    case shape::list:
    case shape::object: break;
  }
  if (!open()) return false;
  auto const is_list = what == shape::list;
  auto more = true;
  for (auto first = true;; first = false) {
    if (!next(is_list ? ']' : '}', first, more)) return false;
    if (!more) return true;
    if (!is_list && !(name(unused, storage) && colon())) return false;
    if (!skip()) return false;
  }
}

bool is_json(std::string_view text, std::size_t max_depth) {
  cursor c{text, max_depth};
  return c.begin() && c.skip() && c.finish();
}

}  // namespace slipway::json::detail
