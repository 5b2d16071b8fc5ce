#include <slipway/content/multipart.hpp>

#include <slipway/content/fields.hpp>
#include <slipway/core/ascii.hpp>

#include <algorithm>

namespace slipway::content {
namespace {

bool is_boundary(std::string_view text) noexcept {
  if (text.empty() || text.size() > 70 || text.back() == ' ') return false;
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view{"'()+_,-./:=? "}.contains(c);
  });
}

constexpr std::size_t longest_padding = 128;  // white space that a gateway may put behind a delimiter

}  // namespace

std::optional<std::string> multipart_boundary(std::string_view content_type) {
  pieces parts{content_type, ';'};
  std::string_view part;
  if (!parts.next(part)) return std::nullopt;
  std::optional<std::string> found;
  while (parts.next(part)) {
    auto const [name, value] = split(part, '=');
    if (!http::equal_names(name, "boundary")) continue;
    if (found) return std::nullopt;
    // Some clients send characters unquoted that would need quotes.
    found = value.starts_with('"') ? unquote(value) : std::optional<std::string>{value};
    if (!found || !is_boundary(*found)) return std::nullopt;
  }
  return found;
}

int status_of(multipart_problem p) noexcept {
  return p == multipart_problem::header_too_large || p == multipart_problem::too_many_parts ||
                 p == multipart_problem::too_large
             ? 413
             : 400;
}

char const* describe(multipart_problem p) noexcept {
  switch (p) {
    case multipart_problem::none: return "no problem";
    case multipart_problem::truncated: return "the multipart body ends before its closing delimiter";
    case multipart_problem::malformed_delimiter: return "a multipart delimiter is malformed";
    case multipart_problem::malformed_header: return "the header of a part is malformed";
    case multipart_problem::header_too_large: return "the header of a part is too large";
    case multipart_problem::too_many_parts: return "the multipart body has too many parts";
    case multipart_problem::too_large: return "the multipart body is too large";
  }
  return "";
}

// A body may begin with its first delimiter: it counts as if a line end had come before.
multipart_parser::multipart_parser(std::string_view boundary, multipart_limits limits)
    : delimiter_{"\r\n--" + std::string{boundary}}, limits_{limits}, matched_{2}, borrowed_{2} {}

void multipart_parser::feed(std::string_view piece) noexcept {
  input_ = piece;
  last_ = piece.empty();
  total_ += piece.size();
}

multipart_parser::event multipart_parser::fail(multipart_problem p) noexcept {
  problem_ = p;
  state_ = state::failed;
  return event::error;
}

multipart_parser::event multipart_parser::next() {
  if (state_ == state::failed) return event::error;
  if (total_ > limits_.total_bytes) return fail(multipart_problem::too_large);
  switch (state_) {
    case state::preamble:
    case state::body: return scan();
    case state::delimiter_end: return after_delimiter();
    case state::headers: return read_headers();
    case state::done: return event::end;
    case state::failed: break;
  }
  return event::error;
}

// Looks for the delimiter. It begins with the only CR in it, so when a match breaks off, everything matched so far was
// data and the search goes on at the very byte that broke it: nothing has to be read twice or kept.
multipart_parser::event multipart_parser::scan() {
  while (!input_.empty()) {
    if (matched_ > 0) {
      std::size_t i = 0;
      while (i < input_.size() && matched_ < delimiter_.size() && input_[i] == delimiter_[matched_]) ++i, ++matched_;
      input_.remove_prefix(i);
      if (matched_ == delimiter_.size()) {
        matched_ = borrowed_ = 0;
        state_ = state::delimiter_end;
        line_.clear();
        if (std::exchange(in_part_, false)) return event::part_end;
        return after_delimiter();
      }
      if (input_.empty()) break;
      data_ = std::string_view{delimiter_}.substr(borrowed_, std::exchange(matched_, 0) - borrowed_);
      borrowed_ = 0;
      if (in_part_ && !data_.empty()) return event::data;
      continue;
    }
    auto const at = input_.find('\r');
    data_ = input_.substr(0, at);
    input_.remove_prefix(data_.size());
    if (at != std::string_view::npos) {
      matched_ = 1;
      input_.remove_prefix(1);
    }
    if (in_part_ && !data_.empty()) return event::data;
  }
  return last_ ? fail(multipart_problem::truncated) : event::need_more;
}

// Behind a delimiter: "--" is the end, white space and a line end begin a part, and nothing else may come.
multipart_parser::event multipart_parser::after_delimiter() {
  while (!input_.empty()) {
    char const c = input_.front();
    input_.remove_prefix(1);
    if (line_ == "-") {
      if (c != '-') return fail(multipart_problem::malformed_delimiter);
      state_ = state::done;
      return event::end;
    }
    if (line_.ends_with('\r')) {
      if (c != '\n') return fail(multipart_problem::malformed_delimiter);
      if (++parts_ > limits_.parts) return fail(multipart_problem::too_many_parts);
      line_.clear();
      state_ = state::headers;
      return read_headers();
    }
    bool const fits =
        c == '\r' || ((c == ' ' || c == '\t') && line_.size() < longest_padding) || (c == '-' && line_.empty());
    if (!fits) return fail(multipart_problem::malformed_delimiter);
    line_ += c;
  }
  return last_ ? fail(multipart_problem::truncated) : event::need_more;
}

multipart_parser::event multipart_parser::read_headers() {
  while (!input_.empty()) {
    auto const line_end = input_.find('\n');
    auto const piece = input_.substr(0, line_end == std::string_view::npos ? line_end : line_end + 1);
    if (line_.size() + piece.size() > limits_.header_bytes) return fail(multipart_problem::header_too_large);
    line_ += piece;
    input_.remove_prefix(piece.size());
    if (line_ != "\r\n" && !line_.ends_with("\r\n\r\n")) continue;
    if (!parse_headers()) return fail(multipart_problem::malformed_header);
    line_.clear();
    state_ = state::body;
    in_part_ = true;
    // The line end that closes the head may be the one that a delimiter begins with: a part without a body.
    matched_ = borrowed_ = 2;
    return event::part_begin;
  }
  return last_ ? fail(multipart_problem::truncated) : event::need_more;
}

bool multipart_parser::parse_headers() {
  headers_.clear();
  auto rest = std::string_view{line_};
  while (rest != "\r\n") {
    auto const end = rest.find("\r\n");
    auto const line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    auto const colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return false;
    auto const value = trim(line.substr(colon + 1));
    if (!is_field_text(value)) return false;
    headers_.emplace_back(ascii_lowered(line.substr(0, colon)), value);
  }
  return true;
}

}  // namespace slipway::content
