#include <slipway/json/locate.hpp>
#include <slipway/json/numbers.hpp>
#include <slipway/json/path.hpp>
#include <slipway/json/text.hpp>

#include <charconv>

namespace slipway::json::detail {
namespace {

// Recursive descent over RFC 8259; the recursion is bounded by `max_depth`. The first problem ends it.
class scanner {
 public:
  scanner(std::string_view text, std::size_t max_depth, json_problem& problem, std::size_t max_errors)
      : text_{text}, max_depth_{max_depth}, problem_{problem}, numbers_{problem.numbers, max_errors} {}

  void run() {
    if (text_.starts_with("\xEF\xBB\xBF")) return void(fail("the document begins with a byte order mark"));
    skip_space();
    if (at_ == text_.size()) return void(fail("the document is empty"));
    if (!value({}, 0)) return;
    skip_space();
    if (at_ != text_.size()) fail("something follows the document");
  }

 private:
  bool fail(std::string message, char const* code = "malformed_json") {
    problem_.code = code;
    problem_.message = std::move(message);
    problem_.line = 1;
    problem_.column = 1;
    for (std::size_t i = 0; i < at_; ++i) {
      auto const c = static_cast<unsigned char>(text_[i]);
      if (c == '\n') {
        ++problem_.line;
        problem_.column = 1;
      } else if ((c & 0xc0) != 0x80) {
        ++problem_.column;
      }
    }
    return false;
  }

  char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() noexcept {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
  }

  bool value(place const& where, std::size_t depth) {
    switch (peek()) {
      case '{': return object(where, depth + 1);
      case '[': return array(where, depth + 1);
      case '"': return text(nullptr);
      case 't': return word("true");
      case 'f': return word("false");
      case 'n': return word("null");
      default: return number(where);
    }
  }

  bool word(std::string_view expected) {
    if (!text_.substr(at_).starts_with(expected)) return fail("a value was expected");
    at_ += expected.size();
    return true;
  }

  bool number(place const& where) {
    auto const begin = at_;
    auto end = at_;
    while (end < text_.size() && (std::string_view{"+-.eE0123456789"}.find(text_[end]) != std::string_view::npos)) ++end;
    auto const token = text_.substr(begin, end - begin);
    if (token.empty()) return fail(at_ == text_.size() ? "the document ends where a value was expected" : "a value was expected");
    if (!is_number(token)) return fail("this is not a number");
    at_ = end;
    auto const fits = token.find_first_of(".eE") == std::string_view::npos ? fits_integer(token) : fits_double(token);
    if (!fits) numbers_.add(where, "out_of_range", "must be a number that 64 bits hold");
    return true;
  }
  static bool fits_integer(std::string_view token) noexcept {
    auto const* end = token.data() + token.size();
    std::int64_t s = 0;
    std::uint64_t u = 0;
    return std::from_chars(token.data(), end, s).ec == std::errc{} || std::from_chars(token.data(), end, u).ec == std::errc{};
  }
  static bool fits_double(std::string_view token) noexcept {
    double v = 0;
    // Too small is not too large: it is zero.
    return std::from_chars(token.data(), token.data() + token.size(), v).ec == std::errc{} || token.find("e-") != std::string_view::npos ||
           token.find("E-") != std::string_view::npos;
  }

  bool array(place const& where, std::size_t depth) {
    if (depth > max_depth_) return too_deep();
    ++at_;
    skip_space();
    if (peek() == ']') return ++at_, true;
    for (std::size_t i = 0;; ++i) {
      if (!value(where.element(i), depth)) return false;
      skip_space();
      if (peek() == ']') return ++at_, true;
      if (peek() != ',') return fail("',' or ']' was expected");
      ++at_;
      skip_space();
    }
  }

  bool object(place const& where, std::size_t depth) {
    if (depth > max_depth_) return too_deep();
    ++at_;
    skip_space();
    if (peek() == '}') return ++at_, true;
    for (;;) {
      if (peek() != '"') return fail("a member's name in quotes was expected");
      std::string name;
      if (!text(&name)) return false;
      skip_space();
      if (peek() != ':') return fail("':' was expected");
      ++at_;
      skip_space();
      if (!value(where.member(name), depth)) return false;
      skip_space();
      if (peek() == '}') return ++at_, true;
      if (peek() != ',') return fail("',' or '}' was expected");
      ++at_;
      skip_space();
    }
  }

  bool too_deep() {
    return fail("objects and lists are nested more than " + std::to_string(max_depth_) + " deep", "too_deep");
  }

  // `out`: the text, with escapes as they stand; good enough to name a member.
  bool text(std::string* out) {
    ++at_;
    for (;;) {
      if (at_ == text_.size()) return fail("the document ends inside a text");
      auto const c = static_cast<unsigned char>(text_[at_]);
      if (c == '"') return ++at_, true;
      if (c < 0x20) return fail("a control character in a text must be escaped");
      if (c == '\\') {
        auto const from = at_;
        if (!escape()) return false;
        if (out != nullptr) out->append(text_, from, at_ - from);
        continue;
      }
      auto const n = sequence_length(text_.data() + at_, text_.size() - at_);
      if (n == 0) return fail("this is not UTF-8");
      if (out != nullptr) out->append(text_, at_, n);
      at_ += n;
    }
  }

  // Four hexadecimal digits at `from`; -1 when they are not there.
  int unit(std::size_t from) const noexcept {
    unsigned v = 0;
    if (from + 4 > text_.size()) return -1;
    auto const [end, error] = std::from_chars(text_.data() + from, text_.data() + from + 4, v, 16);
    return error == std::errc{} && end == text_.data() + from + 4 ? static_cast<int>(v) : -1;
  }

  bool escape() {
    auto const c = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (c != 'u') {
      if (c == '\0' || std::string_view{"\"\\/bfnrt"}.find(c) == std::string_view::npos) return fail("there is no such escape");
      at_ += 2;
      return true;
    }
    auto const first = unit(at_ + 2);
    if (first < 0) return fail("'\\u' needs four hexadecimal digits");
    if (first >= 0xdc00 && first <= 0xdfff) return fail("half of a surrogate pair stands alone");
    if (first >= 0xd800 && first <= 0xdbff) {
      auto const second = text_.substr(std::min(at_ + 6, text_.size())).starts_with("\\u") ? unit(at_ + 8) : -1;
      if (second < 0xdc00 || second > 0xdfff) return fail("half of a surrogate pair stands alone");
      at_ += 12;
      return true;
    }
    at_ += 6;
    return true;
  }

  std::string_view text_;
  std::size_t max_depth_;
  json_problem& problem_;
  error_list numbers_;
  std::size_t at_ = 0;
};

}  // namespace

json_problem locate_problem(std::string_view text, std::size_t max_depth, std::size_t max_errors) {
  json_problem problem;
  scanner{text, max_depth, problem, max_errors}.run();
  return problem;
}

}  // namespace slipway::json::detail
