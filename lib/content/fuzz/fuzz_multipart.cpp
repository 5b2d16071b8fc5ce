// Any body, cut into pieces of any size, must give the same parts or the same error as in one piece.
#include <slipway/content/disposition.hpp>
#include <slipway/content/multipart.hpp>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace slipway::content;

namespace {

std::string parse(std::string_view body, std::size_t cut) {
  multipart_parser parser{"b", {.parts = 4, .header_bytes = 64, .total_bytes = 4096}};
  std::string seen;
  for (;;) {
    switch (parser.next()) {
      case multipart_parser::event::need_more: {
        auto const piece = body.substr(0, cut);
        body.remove_prefix(piece.size());
        parser.feed(piece);
        break;
      }
      case multipart_parser::event::part_begin:
        seen += "<part>";
        for (auto const& [name, value] : parser.headers()) {
          seen += name + '=' + value + ';';
          if (auto const d = parse_disposition(value);
              d && d->file_name && safe_file_name(*d->file_name).find('/') != std::string::npos)
            std::abort();
        }
        break;
      case multipart_parser::event::data:
        if (parser.data().empty()) std::abort();
        seen += parser.data();
        break;
      case multipart_parser::event::part_end: seen += "</part>"; break;
      case multipart_parser::event::end: return seen + "<end>";
      case multipart_parser::event::error:
        // How far it came depends on the pieces where the whole is too large; that it fails does not.
        return parser.problem() == multipart_problem::too_large ? "<too large>" : seen + describe(parser.problem());
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size < 1 || size > 4096) return 0;
  std::string_view const body{reinterpret_cast<char const*>(data) + 1, size - 1};
  (void)multipart_boundary(body);
  auto const whole = parse(body, body.size() + 1);
  if (whole != parse(body, 1) || whole != parse(body, data[0] % 32 + 1u)) std::abort();
  return 0;
}
