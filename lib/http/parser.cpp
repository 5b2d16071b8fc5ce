#include <slipway/http/parser.hpp>
#include <slipway/http/scan.hpp>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace slipway::http {
namespace {

constexpr std::size_t longest_method = 32;

template <class Word>
[[gnu::always_inline]] inline bool lower_ends_equal(std::string_view text, std::string_view lower) noexcept {
  constexpr auto blanks = static_cast<Word>(0x2020202020202020u);
  auto const word = [](char const* at) {
    Word w;
    std::memcpy(&w, at, sizeof w);
    return w;
  };
  auto const last = text.size() - sizeof(Word);
  return (word(text.data()) | blanks) == word(lower.data()) &&
         (word(text.data() + last) | blanks) == word(lower.data() + last);
}

// `lower` is lower case. Names and tokens of 4 to 16 bytes are compared as their first and last word, which overlap.
[[gnu::always_inline]] inline bool is_lower_equal(std::string_view text, std::string_view lower) noexcept {
  if (text.size() != lower.size()) return false;
  if (text.size() >= 8 && text.size() <= 16) return lower_ends_equal<std::uint64_t>(text, lower);
  if (text.size() >= 4 && text.size() < 8) return lower_ends_equal<std::uint32_t>(text, lower);
  for (std::size_t i = 0; i < text.size(); ++i)
    if ((text[i] | 0x20) != lower[i]) return false;
  return true;
}

method method_of(std::string_view text) noexcept {
  switch (text.size()) {
    case 3:
      if (text == "GET") return method::get;
      return text == "PUT" ? method::put : method::other;
    case 4:
      if (text == "POST") return method::post;
      return text == "HEAD" ? method::head : method::other;
    case 5: return text == "PATCH" ? method::patch : method::other;
    case 6: return text == "DELETE" ? method::delete_ : method::other;
    case 7: return text == "OPTIONS" ? method::options : method::other;
    default: return method::other;
  }
}

// The authority of an absolute-form target; empty when it is none.
std::string_view absolute_authority(std::string_view target) noexcept {
  auto const scheme = target.find("://");
  if (scheme == std::string_view::npos) return {};
  auto const name = target.substr(0, scheme);
  if (!is_lower_equal(name, "http") && !is_lower_equal(name, "https")) return {};
  target.remove_prefix(scheme + 3);
  return target.substr(0, target.find_first_of("/?#"));
}

constexpr std::string_view wants_crlf = "Every line of the head must end with CRLF.";
constexpr std::string_view wants_request_line =
    "The first line must be a method, a target and HTTP/1.1, with one space between them and CRLF at the end.";

// One parse: a cursor and where it writes. One that `tells` knows afterwards what was malformed; the others, which are
// nearly all, do nothing for it.
template <bool tells>
class head_reader {
 public:
  head_reader(std::string_view input, head_limits const& limits, std::span<field> storage, request& into, framing& how)
      : begin_{input.data()},
        at_{begin_},
        end_{begin_ + input.size()},
        limits_{limits},
        storage_{storage},
        into_{into},
        how_{how} {}

  [[gnu::always_inline]] head_outcome run() {
    auto outcome = empty_line();
    if (outcome == head_outcome::complete) outcome = request_line();
    if (outcome == head_outcome::complete) outcome = field_lines();
    if (outcome == head_outcome::complete) outcome = check_whole();
    return outcome;
  }
  std::size_t length() const noexcept { return static_cast<std::size_t>(at_ - begin_); }
  std::string_view flaw() const noexcept { return flaw_; }

 private:
  using enum head_outcome;

  [[gnu::always_inline]] head_outcome flawed([[maybe_unused]] std::string_view why) noexcept {
    if constexpr (tells) flaw_ = why;
    return malformed;
  }

  [[gnu::always_inline]] head_outcome empty_line() noexcept {
    if (at_ == end_) return incomplete;
    if (*at_ != '\r') [[likely]]
      return complete;
    if (end_ - at_ < 2) return incomplete;
    if (at_[1] != '\n') return flawed(wants_crlf);
    at_ += 2;
    return at_ == end_ ? incomplete : complete;
  }

  [[gnu::always_inline]] head_outcome request_line() noexcept {
    if (end_ - at_ > 4 && std::memcmp(at_, "GET ", 4) == 0) {
      into_.method_text = {at_, 3};
      into_.verb = method::get;
      at_ += 4;
    } else if (auto const outcome = other_method(); outcome != complete) {
      return outcome;
    }

    auto const* target = at_;
    auto const [end, mark] = scan::end_of_target(at_, end_);
    at_ = end;
    mark_ = mark;
    into_.target = {target, static_cast<std::size_t>(at_ - target)};
    if (into_.target.size() > limits_.uri) return uri_too_long;
    if (at_ == end_) return incomplete;
    if (*at_ != ' ' || into_.target.empty()) return flawed(wants_request_line);
    ++at_;
    return version();
  }

  [[gnu::always_inline]] head_outcome other_method() noexcept {
    auto const* name = at_;
    at_ = scan::rest_of_token(at_, end_);
    auto const size = static_cast<std::size_t>(at_ - name);
    if (size > longest_method) return not_implemented;
    if (at_ == end_) return incomplete;
    if (*at_ != ' ' || size == 0) return flawed(wants_request_line);
    into_.method_text = {name, size};
    into_.verb = method_of(into_.method_text);
    ++at_;
    return complete;
  }

  [[gnu::always_inline]] head_outcome version() noexcept {
    constexpr std::string_view shape = "HTTP/d.d\r\n", usual = "HTTP/1.1\r\n";
    if (end_ - at_ >= static_cast<std::ptrdiff_t>(usual.size()) && std::memcmp(at_, usual.data(), usual.size()) == 0)
        [[likely]] {
      how_.keep_alive = true;
      at_ += usual.size();
      return complete;
    }
    auto const have = std::min<std::size_t>(static_cast<std::size_t>(end_ - at_), shape.size());
    for (std::size_t i = 0; i < have; ++i) {
      bool const fits = shape[i] == 'd' ? at_[i] >= '0' && at_[i] <= '9' : at_[i] == shape[i];
      if (!fits) return flawed(wants_request_line);
    }
    if (have < shape.size()) return incomplete;
    if (at_[5] != '1') return version_not_supported;
    // A higher minor version is answered as the highest that is known (RFC 9110, section 2.5).
    into_.minor_version = at_[7] == '0' ? 0 : 1;
    how_.keep_alive = into_.minor_version == 1;
    at_ += shape.size();
    return complete;
  }

  [[gnu::always_inline]] head_outcome field_lines() {
    std::size_t count = 0;
    for (;;) {
      if (at_ == end_) return incomplete;
      if (*at_ == '\r') {
        if (end_ - at_ < 2) return incomplete;
        if (at_[1] != '\n') return flawed(wants_crlf);
        at_ += 2;
        into_.fields = storage_.first(count);
        return complete;
      }
      if (count == limits_.fields) return head_too_large;
      auto& f = storage_[count];
      if (auto const outcome = field_line(f); outcome != complete) return outcome;
      ++count;
      if (auto const outcome = note(f); outcome != complete) return outcome;
    }
  }

  [[gnu::always_inline]] head_outcome field_line(field& f) noexcept {
    auto const* name = at_;
    at_ = scan::end_of_token(begin_, at_, end_);
    if (at_ == end_) return incomplete;
    if (*at_ != ':' || at_ == name) return flawed_name(name);
    f.name = {name, static_cast<std::size_t>(at_ - name)};
    ++at_;
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\t')) ++at_;
    auto const* value = at_;
    at_ = scan::end_of_value(begin_, at_, end_);
    if (at_ == end_) return incomplete;
    if (*at_ != '\r') return flawed(*at_ == '\n' ? wants_crlf : "The value of a field must have no control character.");
    if (end_ - at_ < 2) return incomplete;
    if (at_[1] != '\n') return flawed(wants_crlf);
    auto const* last = at_;
    while (last != value && (last[-1] == ' ' || last[-1] == '\t')) --last;
    f.value = {value, static_cast<std::size_t>(last - value)};
    at_ += 2;
    return complete;
  }

  [[gnu::always_inline]] head_outcome flawed_name(char const* name) noexcept {
    if (*name == ' ' || *name == '\t') return flawed("A field must not go on in a second line.");
    if (*at_ == '\n' || *at_ == '\r') return flawed("A line of the head has no colon, or does not end with CRLF.");
    return flawed("The name of a field must be a token, with a colon right behind it.");
  }

  // What the framing, the connection and the routing need to know; all other fields stay a pair of views.
  [[gnu::always_inline]] head_outcome note(field const& f) noexcept {
    switch (f.name.size()) {
      case 4: return is_lower_equal(f.name, "host") ? note_host(f.value) : complete;
      case 6:
        if (is_lower_equal(f.name, "expect")) {
          (is_lower_equal(f.value, "100-continue") ? how_.expects_continue : how_.unknown_expectation) = true;
        }
        return complete;
      case 10:
        if (is_lower_equal(f.name, "connection")) note_connection(f.value);
        return complete;
      case 14: return is_lower_equal(f.name, "content-length") ? note_length(f.value) : complete;
      case 17: return is_lower_equal(f.name, "transfer-encoding") ? note_coding(f.value) : complete;
      default: return complete;
    }
  }

  [[gnu::always_inline]] head_outcome note_host(std::string_view value) noexcept {
    if (into_.host.data() != nullptr) return flawed("There must be one Host.");
    // Behind the request line there are always sixteen bytes to load.
    if (!scan::is_plain_authority(value) && !is_authority(value))
      return flawed("Host must be a name or an address, with or without a port.");
    into_.host = value;
    return complete;
  }

  [[gnu::always_inline]] void note_connection(std::string_view value) noexcept {
    if (is_lower_equal(value, "keep-alive")) {
      if (!closes_) how_.keep_alive = true;
      return;
    }
    if (list_has(value, "close")) closes_ = true;
    if (closes_)
      how_.keep_alive = false;
    else if (list_has(value, "keep-alive"))
      how_.keep_alive = true;
  }

  [[gnu::always_inline]] head_outcome note_length(std::string_view value) noexcept {
    constexpr std::size_t most_digits = 18;
    constexpr std::string_view wants_number = "Content-Length must be one decimal number of at most 18 digits.";
    if (how_.has_length || value.empty() || value.size() > most_digits) return flawed(wants_number);
    auto const [end, error] = std::from_chars(value.data(), value.data() + value.size(), how_.content_length);
    if (error != std::errc{} || end != value.data() + value.size()) return flawed(wants_number);
    how_.has_length = true;
    return complete;
  }

  [[gnu::always_inline]] head_outcome note_coding(std::string_view value) noexcept {
    constexpr std::string_view wants_chunked = "Transfer-Encoding must be chunked, and that once.";
    if (how_.chunked) return flawed(wants_chunked);
    if (is_lower_equal(value, "chunked")) {
      how_.chunked = true;
      return complete;
    }
    auto const comma = value.rfind(',');
    auto const last = comma == std::string_view::npos ? value : trim(value.substr(comma + 1));
    bool const chunked_before_last = comma != std::string_view::npos && list_has(value.substr(0, comma), "chunked");
    if (value.empty() || last.empty() || chunked_before_last) return flawed(wants_chunked);
    return not_implemented;
  }

  [[gnu::always_inline]] head_outcome check_whole() noexcept {
    if (how_.chunked && (how_.has_length || into_.minor_version == 0))
      return flawed("Transfer-Encoding must not stand beside Content-Length, nor in HTTP/1.0.");
    if (into_.minor_version == 1 && into_.host.data() == nullptr) return flawed("Host is missing.");
    if (into_.verb == method::other && into_.method_text == "CONNECT") return not_implemented;
    return check_target();
  }

  // RFC 9112, section 3.2.
  [[gnu::always_inline]] head_outcome check_target() noexcept {
    auto rest = into_.target;
    if (rest.front() != '/') [[unlikely]] {
      if (rest == "*") {
        into_.path = rest;
        return into_.verb == method::options ? complete : flawed("The target * is for OPTIONS.");
      }
      auto const authority = absolute_authority(rest);
      if (authority.empty() || !is_authority(authority))
        return flawed("The target must begin with a slash, or be a URL of http or https.");
      into_.host = authority;
      rest.remove_prefix(static_cast<std::size_t>(authority.data() + authority.size() - rest.data()));
    }
    auto const* const last = rest.data() + rest.size();
    into_.path = {rest.data(), static_cast<std::size_t>((mark_ != nullptr ? mark_ : last) - rest.data())};
    if (mark_ != nullptr) {
      if (std::memchr(mark_, '#', static_cast<std::size_t>(last - mark_)) != nullptr)
        return flawed("The target must have no fragment.");
      into_.query = {mark_ + 1, static_cast<std::size_t>(last - mark_ - 1)};
    }
    if (into_.path.empty()) into_.path = "/";
    return complete;
  }

  char const* const begin_;
  char const* at_;
  char const* const end_;
  char const* mark_ = nullptr;  // the first '?' or '#' of the target
  head_limits const& limits_;
  std::span<field> storage_;
  request& into_;
  framing& how_;
  bool closes_ = false;
  std::string_view flaw_;
};

void forget(request& into, framing& how) noexcept {
  how = {};
  into.host = into.query = into.path = into.target = into.method_text = {};
  into.fields = {};
  into.verb = method::other;
  into.minor_version = 1;
}

}  // namespace

int status_of(head_outcome outcome) noexcept {
  switch (outcome) {
    case head_outcome::incomplete:
    case head_outcome::complete: return 0;
    case head_outcome::malformed: return 400;
    case head_outcome::uri_too_long: return 414;
    case head_outcome::head_too_large: return 431;
    case head_outcome::not_implemented: return 501;
    case head_outcome::version_not_supported: return 505;
  }
  return 400;
}

bool list_has(std::string_view list, std::string_view token) noexcept {
  for (;;) {
    auto const comma = list.find(',');
    if (is_lower_equal(trim(list.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

bool is_authority(std::string_view text) noexcept {
  if (text.empty()) return true;
  auto port = std::string_view::npos;
  if (text.front() == '[') {
    auto const bracket = text.find(']');
    if (bracket == std::string_view::npos || bracket < 3) return false;
    for (char c : text.substr(1, bracket - 1))
      if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') || c == ':' || c == '.')) return false;
    port = bracket + 1;
  } else {
    constexpr auto allowed = [] {
      std::array<bool, 256> is{};
      for (int c = '0'; c <= '9'; ++c) is[static_cast<std::size_t>(c)] = true;
      for (int c = 'a'; c <= 'z'; ++c) is[static_cast<std::size_t>(c)] = is[static_cast<std::size_t>(c - 32)] = true;
      for (char c : {'-', '.', '_', '~', '%', '!', '$', '&', '\'', '(', ')', '*', '+', ';', '='})
        is[static_cast<unsigned char>(c)] = true;
      return is;
    }();
    port = 0;
    while (port != text.size() && allowed[static_cast<unsigned char>(text[port])]) ++port;
    if (port == 0) return false;
  }
  if (port == text.size()) return true;
  if (text[port] != ':' || text.size() - port > 6) return false;
  while (++port != text.size())
    if (text[port] < '0' || text[port] > '9') return false;
  return true;
}

head_result parse_head(std::string_view input, head_limits const& limits, std::span<field> storage, request& into,
                       framing& how) {
  forget(into, how);
  // What stands beyond the limit is not looked at, so that the answer does not depend on how much has come.
  bool const beyond = input.size() > limits.head;
  head_reader<false> reader{beyond ? input.substr(0, limits.head) : input, limits, storage, into, how};
  auto const outcome = reader.run();
  if (outcome == head_outcome::incomplete && input.size() >= limits.head) return {head_outcome::head_too_large, 0};
  return {outcome, outcome == head_outcome::complete ? reader.length() : 0};
}

std::string_view why_malformed(std::string_view input, head_limits const& limits, std::span<field> storage,
                               request& into, framing& how) {
  forget(into, how);
  head_reader<true> reader{input.substr(0, limits.head), limits, storage, into, how};
  reader.run();
  return reader.flaw();
}

}  // namespace slipway::http
