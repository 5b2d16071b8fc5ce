// The grammar of multipart bodies (RFC 2046, section 5.1), sans I/O: fed in pieces of any size, it hands out the
// parts without copying their data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::content {

struct multipart_limits {
  std::size_t parts = 64;
  std::size_t header_bytes = 8 * 1024;       // of one part
  std::uint64_t file_bytes = 32ull << 20;    // of one part with a file name
  std::uint64_t field_bytes = 64 * 1024;     // of one part without
  std::uint64_t total_bytes = 128ull << 20;  // of everything, boundaries included
};

// The boundary of a "multipart/..." media type: 1 to 70 characters that section 5.1.1 allows.
std::optional<std::string> multipart_boundary(std::string_view content_type);

enum class multipart_problem : std::uint8_t {
  none,
  truncated,            // the body ended before the closing delimiter
  malformed_delimiter,  // something else than a line end or "--" after the boundary
  malformed_header,
  header_too_large,  // 413
  too_many_parts,    // 413
  too_large,         // 413: the whole
};
int status_of(multipart_problem p) noexcept;  // 400 or 413
char const* describe(multipart_problem p) noexcept;

class multipart_parser {
 public:
  enum class event : std::uint8_t {
    need_more,   // the input is used up: `feed`
    part_begin,  // `headers` are those of the new part
    data,        // `data` is a piece of the part; valid until the next call
    part_end,
    end,    // after the closing delimiter; what follows is ignored
    error,  // `problem` says why; it stays there
  };
  using header_list = std::vector<std::pair<std::string, std::string>>;  // names in lower case

  multipart_parser(std::string_view boundary, multipart_limits limits);

  // Only after need_more. An empty piece says that nothing follows. It must live until the next need_more.
  void feed(std::string_view piece) noexcept;
  event next();

  header_list const& headers() const noexcept { return headers_; }
  std::string_view data() const noexcept { return data_; }
  multipart_problem problem() const noexcept { return problem_; }

 private:
  enum class state : std::uint8_t { preamble, delimiter_end, headers, body, done, failed };
  event fail(multipart_problem p) noexcept;
  event scan();
  event after_delimiter();
  event read_headers();
  bool parse_headers();

  std::string delimiter_;  // "\r\n--boundary"
  multipart_limits limits_;
  state state_ = state::preamble;
  multipart_problem problem_ = multipart_problem::none;
  std::string_view input_;
  std::string_view data_;
  std::size_t matched_;   // how much of the delimiter the input so far ends with
  std::size_t borrowed_;  // how much of that is no data if the match breaks off: the line end of a head
  std::string line_;      // after a delimiter, or the head of a part, until it is complete
  std::size_t parts_ = 0;
  std::uint64_t total_ = 0;
  bool last_ = false;
  bool in_part_ = false;
  header_list headers_;
};

}  // namespace slipway::content
