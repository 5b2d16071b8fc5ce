// What a head or a chunked body means depends on its bytes alone: fed at once or cut at any place, both decoders must
// come to the same end. The first two bytes choose what is fuzzed and where it is cut.
#include <slipway/http/chunked.hpp>
#include <slipway/http/parser.hpp>
#include <slipway/http/percent.hpp>

#include <cstdlib>
#include <string>
#include <vector>

using namespace slipway::http;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

bool lies_within(std::string_view part, std::string_view whole) {
  return part.data() == nullptr || part == "/" ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void heads(std::string_view text, std::size_t cut) {
  head_limits const limits{.head = 512, .uri = 64, .fields = 8};
  std::vector<field> storage(limits.fields);
  request first, whole;
  framing how_first, how_whole;
  // Blocks of their own, so that a read beyond the end is caught.
  std::vector<char> const part(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(cut));
  auto const early = parse_head({part.data(), part.size()}, limits, storage, first, how_first);
  auto const early_host = std::string{first.host}, early_path = std::string{first.path};
  auto const late = parse_head(text, limits, storage, whole, how_whole);
  if (early.outcome != head_outcome::incomplete) {
    require(early.outcome == late.outcome);
    require(early.length == late.length);
    require(early_host == whole.host && early_path == whole.path);
  }
  if (late.outcome != head_outcome::complete) return;
  require(late.length <= text.size() && late.length <= limits.head);
  require(!(how_whole.chunked && how_whole.has_length));
  require(whole.path == "*" || whole.path.starts_with('/'));
  for (auto part_of : {whole.method_text, whole.target, whole.path, whole.query, whole.host})
    require(lies_within(part_of, text));
  for (auto const& f : whole.fields) {
    require(!f.name.empty() && lies_within(f.name, text) && lies_within(f.value, text));
    require(f.value.find_first_of(std::string_view{"\r\n\0", 3}) == std::string_view::npos);
  }
  slipway::arena memory;
  if (auto const normal = normalise_path(whole.path, memory)) require(normal->size() <= whole.path.size());
  if (auto const decoded = percent_decode(whole.path, memory)) require(decoded->find('\0') == std::string_view::npos);
}

void chunks(std::string_view text, std::size_t cut) {
  struct outcome {
    std::string data;
    std::size_t consumed;
    bool finished, malformed;
    bool operator==(outcome const&) const = default;
  };
  auto const decode = [&](std::size_t at) {
    chunked_decoder decoder;
    outcome out{};
    for (auto piece : {std::string{text.substr(0, at)}, std::string{text.substr(at)}}) {
      auto const made = decoder.decode(piece.data(), piece.size());
      require(made.data <= made.consumed && made.consumed <= piece.size());
      out.data += piece.substr(0, made.data);
      out.consumed += made.consumed;
    }
    out.finished = decoder.finished();
    out.malformed = decoder.malformed();
    return out;
  };
  require(decode(0) == decode(cut));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size < 2) return 0;
  std::string_view const text{reinterpret_cast<char const*>(data) + 2, size - 2};
  auto const cut = text.empty() ? 0 : data[1] * text.size() / 256;
  data[0] % 2 == 0 ? heads(text, cut) : chunks(text, cut);
  return 0;
}
