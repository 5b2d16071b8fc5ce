// Text that comes in pieces, line by line, sans I/O: for NDJSON and its like. One line is held at a time.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::content {

class line_splitter {
 public:
  struct line {
    std::string_view text;   // without its end (LF or CRLF); valid until the next call
    std::size_t number = 0;  // from 1
    bool too_long = false;   // longer than `longest`: `text` is its beginning
  };

  explicit line_splitter(std::size_t longest) noexcept : longest_{longest} {}

  // Only after `next` gave nothing. An empty piece says that nothing follows. It must live until `next` gives nothing.
  void feed(std::string_view piece) noexcept;
  // Nothing: the input is used up. A last line without an end is given like the others.
  std::optional<line> next();

 private:
  void keep(std::string_view part);

  std::size_t longest_;
  std::string_view input_;
  std::string line_;  // the beginning of a line that goes on in the next piece
  std::size_t number_ = 0;
  bool last_ = false, given_ = false;
};

}  // namespace slipway::content
