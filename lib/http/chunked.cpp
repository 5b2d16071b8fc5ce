#include <slipway/http/chunked.hpp>
#include <slipway/http/percent.hpp>
#include <slipway/http/scan.hpp>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace slipway::http {

chunked_decoder::progress chunked_decoder::decode(char* bytes, std::size_t size) noexcept {
  progress made{0, 0};
  while (made.consumed != size && state_ != state::finished && state_ != state::malformed) {
    if (state_ != state::data) {
      step(bytes[made.consumed++]);
      continue;
    }
    auto const run = std::min<std::uint64_t>(left_, size - made.consumed);
    std::memmove(bytes + made.data, bytes + made.consumed, run);
    made.data += run;
    made.consumed += run;
    left_ -= run;
    if (left_ == 0) state_ = state::data_cr;
  }
  return made;
}

void chunked_decoder::begin_extension(char c) noexcept {
  if (c == '\r')
    state_ = state::size_lf;
  else if (c == ';')
    state_ = state::extension;
  else
    state_ = state::malformed;
}

void chunked_decoder::step(char c) noexcept {
  auto const expect = [&](char wanted, state next) { state_ = c == wanted ? next : state::malformed; };
  switch (state_) {
    case state::size_first:
    case state::size: {
      auto const digit = digit_of(c);
      if (digit < 0) {
        state_ == state::size_first ? void(state_ = state::malformed) : begin_extension(c);
        return;
      }
      if (state_ == state::size_first) left_ = digits_ = 0;
      if (++digits_ > 16) {
        state_ = state::malformed;
        return;
      }
      left_ = left_ << 4 | static_cast<unsigned>(digit);
      state_ = state::size;
      return;
    }
    case state::extension:
      if (++extensions_ > max_extensions)
        state_ = state::malformed;
      else if (c == '\r')
        state_ = state::size_lf;
      else if (scan::ends_value(c))
        state_ = state::malformed;
      return;
    case state::size_lf: return expect('\n', left_ == 0 ? state::trailer_first : state::data);
    case state::data_cr: return expect('\r', state::data_lf);
    case state::data_lf: return expect('\n', state::size_first);
    case state::trailer_first:
      if (c == '\r') {
        state_ = state::end_lf;
        return;
      }
      [[fallthrough]];
    case state::trailer_name: {
      bool const first = state_ == state::trailer_first;
      if (++trailers_ > max_trailers || (!scan::is_token_character(c) && (c != ':' || first)))
        state_ = state::malformed;
      else
        state_ = c == ':' ? state::trailer_value : state::trailer_name;
      return;
    }
    case state::trailer_value:
      if (++trailers_ > max_trailers)
        state_ = state::malformed;
      else if (c == '\r')
        state_ = state::trailer_lf;
      else if (scan::ends_value(c))
        state_ = state::malformed;
      return;
    case state::trailer_lf: return expect('\n', state::trailer_first);
    case state::end_lf: return expect('\n', state::finished);
    case state::data:
    case state::finished:
    case state::malformed: return;
  }
}

chunk_head::chunk_head(std::size_t size) noexcept {
  auto* end = std::to_chars(text_, text_ + sizeof text_ - 2, size, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  size_ = static_cast<std::size_t>(end - text_);
}

}  // namespace slipway::http
