// What is read must be written so that it reads the same; whatever is refused must be refused with a place or a
// pointer; and the fast and the slow parser must agree on what JSON is.
#include "samples.hpp"

#include <slipway/core/assert.hpp>
#include <slipway/json/locate.hpp>
#include <slipway/json/reader.hpp>
#include <slipway/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

using namespace slipway;

namespace {

template <class T>
void round_trip(json::reader& r, std::string_view text, json::read_options const& options) {
  auto const first = r.read_valid<T>(text, options);
  if (!first) {
    auto const& more = first.error().more();
    must(!more.fields.empty() || more.detail.starts_with("Line ") || more.detail.starts_with("The document has more"), "a refusal says why");
    return;
  }
  auto const written = json::write(*first);
  auto const second = r.read_valid<T>(written, {.own_document = true, .max_bytes = 64 << 20});
  must(second.has_value(), "what was written can be read");
  must(json::write(*second) == written, "reading and writing again changes nothing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  std::string_view const text{reinterpret_cast<char const*>(data), size};
  json::reader r;
  round_trip<sample::everything>(r, text, {});
  round_trip<sample::everything>(r, text, {.unknown = json::unknown_members::ignore});
  round_trip<json::value>(r, text, {});
  (void)r.read_valid<sample::sign_up>(text);
  auto const v = r.read<json::value>(text);
  auto const problem = json::detail::locate_problem(text, 32, 1);
  auto const refused = !v && v.error().kind() == fault_kind::malformed;
  must((problem.code != nullptr) == refused, "both parsers agree");
  return 0;
}
