#include <slipway/content/csv.hpp>

#include <utility>

namespace slipway::content {

void csv_parser::feed(std::string_view piece) noexcept {
  input_ = piece;
  last_ = piece.empty();
}

void csv_parser::fail(char const* why) noexcept {
  if (problem_ == nullptr) problem_ = why;
  state_ = state::skipping;
}

void csv_parser::end_field() {
  if (fields_.size() == most_fields_) return fail("the record has too many fields");
  fields_.push_back(std::exchange(field_, {}));
  state_ = state::field_start;
}

// Takes one character; true when a record ends with it.
bool csv_parser::take(char c) {
  if (c == '\n') ++line_;
  // A CR belongs to the end of the record when LF follows, and to nothing else outside quotes.
  if (std::exchange(cr_, false) && c != '\n') fail("a carriage return stands alone");
  switch (state_) {
    case state::skipping: return c == '\n';
    case state::quoted:
      if (c == '"')
        state_ = state::quote_in_quoted;
      else
        field_ += c;
      return false;
    case state::quote_in_quoted:
      if (c == '"') {
        field_ += c;
        state_ = state::quoted;
        return false;
      }
      if (c != ',' && c != '\r' && c != '\n') {
        fail("text stands behind a closing quote");
        return false;
      }
      break;
    case state::field_start:
      if (c == '"') {
        state_ = state::quoted;
        return false;
      }
      break;
    case state::plain:
      if (c == '"') {
        fail("a quote stands in a field that does not begin with one");
        return false;
      }
      break;
  }
  if (c == '\r') {
    cr_ = true;
    return false;
  }
  if (c == '\n') return true;
  if (c == ',') {
    end_field();
  } else {
    field_ += c;
    state_ = state::plain;
  }
  return false;
}

csv_parser::event csv_parser::finish() {
  fresh_ = true;
  if (problem_ == nullptr) end_field();
  bool const bad = problem_ != nullptr;
  field_.clear();
  state_ = state::field_start;
  return bad ? event::malformed : event::record;
}

csv_parser::event csv_parser::next() {
  for (;;) {
    if (fresh_) {
      fields_.clear();
      size_ = 0;
      blank_ = true;
      begun_at_ = line_;
      problem_ = nullptr;
    }
    if (input_.empty()) {
      if (!last_) return event::need_more;
      if (fresh_) return event::end;
      if (state_ == state::quoted) fail("a quote is never closed");
      if (cr_) fail("a carriage return stands alone");
      return finish();
    }
    auto const c = input_.front();
    input_.remove_prefix(1);
    fresh_ = false;
    blank_ = blank_ && (c == '\r' || c == '\n');
    if (++size_ > longest_) fail("the record is too long");
    if (!take(c)) continue;
    if (!blank_) return finish();
    fresh_ = true;  // an empty line is no record
  }
}

void append_csv_field(std::string& out, std::string_view text) {
  bool const quoted = text.find_first_of(",\"\r\n") != text.npos || text.starts_with(' ') || text.ends_with(' ');
  if (!quoted) {
    out += text;
    return;
  }
  out += '"';
  for (char const c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

}  // namespace slipway::content
