#include <slipway/json/cursor.hpp>
#include <slipway/json/fill.hpp>
#include <slipway/json/path.hpp>
#include <slipway/json/reader.hpp>

#include <algorithm>

namespace slipway::json {
namespace {

constexpr std::size_t deepest = 512;  // the reader calls itself for each level: this fits the smallest stack

}  // namespace

result<void> read_into(meta::type const& type, void* value, std::string_view text, read_options const& options,
                       bool rules) {
  if (text.size() > options.max_bytes)
    return std::unexpected{fault::too_large("document_too_large")
                               .detail("The document has more than " + std::to_string(options.max_bytes) + " bytes.")};
  detail::cursor in{text, std::clamp<std::size_t>(options.max_depth, 1, deepest)};
  std::vector<field_error> fields;
  detail::error_list errors{fields, std::max<std::size_t>(1, options.max_errors)};
  auto const good = in.begin() && detail::filler{in, errors, options, rules}.fill(type, value, {});
  if (!in.failed()) in.finish();
  if (in.failed()) [[unlikely]] {
    auto const problem = in.problem();
    return std::unexpected{fault::malformed(problem.code)
                               .detail("Line " + std::to_string(problem.line) + ", column " +
                                       std::to_string(problem.column) + ": " + problem.message + ".")};
  }
  if (!good) [[unlikely]]
    return std::unexpected{fault::invalid(std::move(fields))};
  return {};
}

}  // namespace slipway::json
