#include <slipway/json/fill.hpp>
#include <slipway/json/locate.hpp>
#include <slipway/json/path.hpp>
#include <slipway/json/reader.hpp>

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

namespace slipway::json {
namespace {

// Documents up to this size leave their memory for the next one; the parser needs about fourteen times as much.
constexpr std::size_t kept_size = 64 * 1024;
constexpr std::size_t smallest_size = 4 * 1024;

}  // namespace

struct reader::impl {
  simdjson::dom::parser parser;
  std::unique_ptr<char[]> padded;
  std::size_t capacity = 0;

  // The parser reads up to 64 bytes past the end, so it works on a copy with that much room.
  simdjson::error_code parse(std::string_view text, std::size_t max_depth, simdjson::dom::element& root) {
    auto const depth = std::clamp<std::size_t>(max_depth, 1, 512) + 1;  // the parser counts the document itself
    if (text.size() > capacity || parser.max_depth() != depth) {
      auto const wanted = std::max({capacity, smallest_size, std::bit_ceil(text.size())});
      capacity = 0;
      padded = std::make_unique_for_overwrite<char[]>(wanted + simdjson::SIMDJSON_PADDING);
      std::memset(padded.get(), 0, wanted + simdjson::SIMDJSON_PADDING);
      if (parser.allocate(wanted, depth) != simdjson::SUCCESS) throw std::bad_alloc{};
      capacity = wanted;
    }
    if (!text.empty()) std::memcpy(padded.get(), text.data(), text.size());
    std::memset(padded.get() + text.size(), ' ', simdjson::SIMDJSON_PADDING);
    return parser.parse(padded.get(), text.size(), false).get(root);
  }

  void forget(std::size_t size) noexcept {
    wipe(padded.get(), std::min(size, capacity));
    // Each text takes its length, four bytes and a NUL; the escapes in it only make it shorter.
    if (parser.doc.string_buf) wipe(parser.doc.string_buf.get(), std::min(capacity, size) * 5 / 3);
  }

  void shrink() {
    if (capacity <= kept_size) return;
    parser = simdjson::dom::parser{};
    padded.reset();
    capacity = 0;
  }
};

namespace {

result<void> refuse(simdjson::error_code error, std::string_view text, read_options const& options) {
  if (error == simdjson::MEMALLOC) throw std::bad_alloc{};
  auto problem = detail::locate_problem(text, std::clamp<std::size_t>(options.max_depth, 1, 512), options.max_errors);
  if (problem.code == nullptr && !problem.numbers.empty()) return std::unexpected{fault::invalid(std::move(problem.numbers))};
  if (problem.code == nullptr) return std::unexpected{fault::malformed("malformed_json").detail("The document is not JSON.").internal(simdjson::error_message(error))};
  auto detail = "Line " + std::to_string(problem.line) + ", column " + std::to_string(problem.column) + ": " + problem.message + ".";
  return std::unexpected{fault::malformed(problem.code).detail(std::move(detail)).internal(simdjson::error_message(error))};
}

}  // namespace

reader::reader() : impl_{std::make_unique<impl>()} {}
reader::reader(reader&&) noexcept = default;
reader& reader::operator=(reader&&) noexcept = default;
reader::~reader() = default;

result<void> reader::read_into(meta::type const& type, void* value, std::string_view text, read_options const& options,
                               bool rules, bool secret) {
  if (text.size() > options.max_bytes)
    return std::unexpected{fault::too_large("document_too_large").detail("The document has more than " + std::to_string(options.max_bytes) + " bytes.")};
  // The memory is looked after on every way out, also by an exception from a value's own allocation.
  struct cleaner {
    impl& of;
    std::size_t size;
    bool secret;
    ~cleaner() {
      if (secret) of.forget(size);
      of.shrink();
    }
  } const cleaner{*impl_, text.size(), secret};

  simdjson::dom::element root;
  if (auto const error = impl_->parse(text, options.max_depth, root); error != simdjson::SUCCESS) [[unlikely]]
    return refuse(error, text, options);
  std::vector<field_error> fields;
  detail::error_list errors{fields, std::max<std::size_t>(1, options.max_errors)};
  if (!detail::filler{errors, options, rules}.fill(type, value, root, {})) [[unlikely]]
    return std::unexpected{fault::invalid(std::move(fields))};
  return {};
}

}  // namespace slipway::json
