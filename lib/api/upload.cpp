#include <slipway/api/upload.hpp>

#include <limits>

namespace slipway::api::detail {
namespace {

fault wrong_part(std::string const& name, char const* code, char const* message) {
  return fault::invalid({{"/" + name, code, message}});
}

}  // namespace

result<std::unique_ptr<content::multipart_form>> open_form(extraction& from) {
  if (auto coded = refuse_content_coding(from); !coded) return std::unexpected(std::move(coded.error()));
  constexpr auto unlimited = std::numeric_limits<std::uint64_t>::max();  // the route's body_limit holds
  return content::multipart_form::open(from.exchange.request, {.file_bytes = unlimited, .total_bytes = unlimited});
}

task<result<content::multipart_form::part*>> next_file(content::multipart_form& form, std::string_view name) {
  auto* const part = co_await form.next_part();
  if (part == nullptr) co_return wrong_part(std::string{name}, "required", "is required");
  if (part->name() != name) co_return wrong_part(part->name(), "unknown", "is not a part of this form");
  if (!part->is_file()) co_return wrong_part(part->name(), "wrong_type", "must be a file: it needs a file name");
  co_return part;
}

task<result<void>> expect_end(content::multipart_form& form) {
  if (auto* const part = co_await form.next_part())
    co_return wrong_part(part->name(), "unknown", "is not a part of this form, or comes twice");
  co_return result<void>{};
}

}  // namespace slipway::api::detail
