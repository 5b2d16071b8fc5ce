// What is read must be written so that it reads the same; whatever is refused must be refused with a place or a
// pointer; and somebody else's parser must agree on what JSON is.
#include "samples.hpp"

#include <slipway/core/assert.hpp>
#include <slipway/json/reader.hpp>
#include <slipway/json/value.hpp>

#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace slipway;

namespace {

template <class T>
void round_trip(std::string_view text, json::read_options const& options) {
  auto const first = json::read_valid<T>(text, options);
  if (!first) {
    auto const& more = first.error().more();
    must(!more.fields.empty() || more.detail.starts_with("Line ") || more.detail.starts_with("The document has more"),
         "a refusal says why");
    return;
  }
  auto const written = json::write(*first);
  auto const second = json::read_valid<T>(written, {.own_document = true, .max_bytes = 64 << 20});
  must(second.has_value(), "what was written can be read");
  must(json::write(*second) == written, "reading and writing again changes nothing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text{reinterpret_cast<char const*>(data), size};
  round_trip<sample::everything>(text, {});
  round_trip<sample::everything>(text, {.unknown = json::unknown_members::ignore});
  round_trip<json::value>(text, {});
  (void)json::read_valid<sample::sign_up>(text);
  auto const v = json::read<json::value>(text, {.max_depth = 512});
  auto const refused = !v && v.error().kind() == fault_kind::malformed;
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  auto const other = parser.parse(text.data(), text.size()).get(root);
  must(!(refused && other == simdjson::SUCCESS) || v.error().code() == "too_deep",
       "what the other parser reads is read");
  // It takes numbers that it cannot hold for malformed; so it may refuse those alone.
  must(refused || other == simdjson::SUCCESS || other == simdjson::NUMBER_ERROR || other == simdjson::DEPTH_ERROR,
       "what the other parser refuses is refused");
  return 0;
}
