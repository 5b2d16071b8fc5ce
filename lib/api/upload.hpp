// A file that a client sends as a form (multipart/form-data, RFC 7578), read piece by piece with flat memory:
//
//   task<result<report>> load(scope who, upload<"file"> in) {
//     auto& file = *co_await ok(in.file());
//     for (auto piece = co_await file.next(); !piece.empty(); piece = co_await file.next()) use(piece);
//     co_await ok(in.end());
//
// The route's body_limit bounds the whole form (413). A form that breaks its own framing is 400.
#pragma once

#include <slipway/api/extract.hpp>
#include <slipway/content/multipart_form.hpp>

#include <memory>
#include <string_view>

namespace slipway {

namespace api::detail {

result<std::unique_ptr<content::multipart_form>> open_form(extraction& from);
task<result<content::multipart_form::part*>> next_file(content::multipart_form& form, std::string_view name);
task<result<void>> expect_end(content::multipart_form& form);

}  // namespace api::detail

// A form with one file, in the part of that name.
template <fixed_name Name>
class upload {
 public:
  upload() = default;
  explicit upload(std::unique_ptr<content::multipart_form> form) noexcept : form_{std::move(form)} {}

  // Faults: invalid, when another part comes first or none does, or the part is no file.
  task<result<content::multipart_form::part*>> file() { return api::detail::next_file(*form_, Name.view()); }
  // Once the file is read. Faults: invalid, when a further part follows.
  task<result<void>> end() { return api::detail::expect_end(*form_); }

 private:
  std::unique_ptr<content::multipart_form> form_;
};

namespace api {

template <fixed_name Name>
struct extractor<upload<Name>> {
  static result<upload<Name>> take(extraction& from) {
    auto form = detail::open_form(from);
    if (!form) return std::unexpected(std::move(form.error()));
    return upload<Name>{std::move(*form)};
  }
  static void describe(operation& op) { op.file_part = Name.view(); }
};

}  // namespace api
}  // namespace slipway
