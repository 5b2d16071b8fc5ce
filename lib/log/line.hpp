// Builds one line in memory that somebody else owns, never past its end. What does not fit is left out, and the line
// says so; it is complete and valid JSON all the same.
#pragma once

#include <slipway/log/journal.hpp>

#include <charconv>
#include <cstring>
#include <string_view>

namespace slipway::log {

class line {
 public:
  // `memory` has room for max_line bytes.
  explicit line(char* memory) noexcept : start_{memory}, at_{memory}, limit_{memory + max_line - tail} {}

  // As it is: for constants and what is known to need no escape.
  void raw(std::string_view s) noexcept {
    if (s.size() > room()) [[unlikely]] {
      cut_ = true;
      return;
    }
    std::memcpy(at_, s.data(), s.size());
    at_ += s.size();
  }
  void raw(char c) noexcept { raw(std::string_view{&c, 1}); }

  // Escaped as in a JSON string, without the quotes: no control character, no line break and no broken UTF-8 comes
  // through. Cut between characters where the room ends.
  void escaped(std::string_view s) noexcept;

  template <class N>
  void number(N n) noexcept {
    auto const [end, error] = std::to_chars(at_, limit_, n);
    if (error != std::errc{}) [[unlikely]] {
      cut_ = true;
      return;
    }
    at_ = end;
  }
  void id(uuid const& u) noexcept {
    if (room() < uuid::text_size) [[unlikely]] {
      cut_ = true;
      return;
    }
    at_ = u.write(at_);
  }

  bool cut() const noexcept { return cut_; }
  void mark_cut() noexcept { cut_ = true; }
  char* here() const noexcept { return at_; }
  // Takes back what was written since `to`.
  void back(char* to) noexcept { at_ = to; }

  // Room is kept for `last`, which closes the line.
  std::string_view finish(std::string_view last) noexcept {
    std::memcpy(at_, last.data(), last.size());
    at_ += last.size();
    return {start_, static_cast<std::size_t>(at_ - start_)};
  }
  static constexpr std::size_t tail = 64;

 private:
  std::size_t room() const noexcept { return static_cast<std::size_t>(limit_ - at_); }
  // One character that is not plain ASCII text; moves `from` past it.
  void special(char const*& from, char const* end) noexcept;

  char* start_;
  char* at_;
  char* limit_;
  bool cut_ = false;
};

}  // namespace slipway::log
