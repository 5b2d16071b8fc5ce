// What a connection needs while it works, and gives back while it idles.
#pragma once

#include <slipway/http/bytes.hpp>
#include <slipway/http/message.hpp>
#include <slipway/http/parser.hpp>

#include <memory>
#include <vector>

namespace slipway::http {

struct workspace {
  static constexpr std::size_t first_input = 8'192;
  static constexpr std::size_t kept_input = 65'536, kept_output = 131'072;

  explicit workspace(std::size_t max_fields) : in{first_input}, fields(max_fields) {}

  // Input: the head of the request at work lies below `floor` and does not move; [begin, in.size()) is unread.
  bytes in;
  std::size_t begin = 0, floor = 0;
  std::size_t unread() const noexcept { return in.size() - begin; }
  std::string_view unread_view() const noexcept { return in.view().substr(begin); }

  bytes body;  // of a request, when it did not come with its head
  bytes out;
  std::size_t sent = 0;  // of `out`

  std::vector<field> fields;
  framing how;
  exchange x;

  void clear() noexcept {
    in.trim(kept_input);
    body.trim(kept_input);
    out.trim(kept_output);
    begin = floor = sent = 0;
  }
};

}  // namespace slipway::http
