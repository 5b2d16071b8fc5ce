// multipart/form-data (RFC 7578), part by part with flat memory:
//
//   auto form = co_await ok(multipart_form::open(x.request, limits));
//   while (auto* part = co_await form->next_part()) {
//     if (part->is_file()) co_await store(*part);        // a body_source
//     else values[part->name()] = co_await part->text();
//   }
#pragma once

#include <slipway/content/multipart.hpp>
#include <slipway/core/fault.hpp>
#include <slipway/http/message.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::content {

class multipart_form {
 public:
  class part final : public http::body_source {
   public:
    std::string const& name() const noexcept { return name_; }
    bool is_file() const noexcept { return file_name_.has_value(); }
    // Made safe by safe_file_name; empty when there is none.
    std::string file_name() const;
    // As the client sent it; for display after escaping, never for a path.
    std::string const& raw_file_name() const noexcept;
    std::string const& content_type() const noexcept { return content_type_; }  // "text/plain" when not said

    // Throws http::body_error (400 malformed, 413 too large) and whatever the body throws.
    task<std::string_view> next() override;
    // All that is left, for small fields; the limits of the form hold.
    task<std::string> text();

   private:
    friend multipart_form;
    explicit part(multipart_form& form) noexcept : form_{form} {}
    multipart_form& form_;
    std::string name_, content_type_;
    std::optional<std::string> file_name_;
    std::uint64_t size_ = 0;
    bool over_ = false;
  };

  // Faults: unsupported_media_type when it is not multipart/form-data, malformed without a usable boundary.
  // The request must live as long as the form.
  static result<std::unique_ptr<multipart_form>> open(http::request const& r, multipart_limits limits = {});
  multipart_form(std::string_view boundary, http::body_source& body, multipart_limits limits);
  multipart_form(multipart_form const&) = delete;
  multipart_form& operator=(multipart_form const&) = delete;

  // The next part, until the next call; null at the end. What was not read of the one before is skipped.
  // Throws http::body_error and whatever the body throws.
  task<part*> next_part();

 private:
  task<multipart_parser::event> advance();
  void begin_part();

  std::unique_ptr<http::body_source> own_;  // around a body that is complete
  http::body_source& body_;
  multipart_limits limits_;
  multipart_parser parser_;
  std::optional<part> part_;
  bool over_ = false;
};

}  // namespace slipway::content
