#include <slipway/content/multipart_form.hpp>

#include <slipway/content/disposition.hpp>
#include <slipway/content/fields.hpp>
#include <slipway/content/negotiation.hpp>
#include <slipway/content/urlencoded.hpp>

#include <algorithm>

namespace slipway::content {
namespace {

class complete_body final : public http::body_source {
 public:
  explicit complete_body(std::string_view body) noexcept : body_{body} {}
  task<std::string_view> next() override { co_return std::exchange(body_, {}); }

 private:
  std::string_view body_;
};

std::string const* find(multipart_parser::header_list const& headers, std::string_view name) noexcept {
  auto const at = std::ranges::find(headers, name, &std::pair<std::string, std::string>::first);
  return at == headers.end() ? nullptr : &at->second;
}

}  // namespace

result<std::unique_ptr<multipart_form>> multipart_form::open(http::request const& r, multipart_limits limits) {
  auto const type = r.header("Content-Type");
  if (!http::equal_names(essence(type), "multipart/form-data"))
    return std::unexpected{fault::unsupported_media_type("multipart_expected")};
  auto const boundary = multipart_boundary(type);
  if (!boundary)
    return std::unexpected{
        fault::malformed("missing_boundary").detail("Content-Type needs a boundary of 1 to 70 characters.")};
  if (r.stream != nullptr) return std::make_unique<multipart_form>(*boundary, *r.stream, limits);
  auto body = std::make_unique<complete_body>(r.body);
  auto form = std::make_unique<multipart_form>(*boundary, *body, limits);
  form->own_ = std::move(body);
  return form;
}

multipart_form::multipart_form(std::string_view boundary, http::body_source& body, multipart_limits limits)
    : body_{body}, limits_{limits}, parser_{boundary, limits} {}

task<multipart_parser::event> multipart_form::advance() {
  for (;;) {
    auto const e = parser_.next();
    if (e == multipart_parser::event::error)
      throw http::body_error{status_of(parser_.problem()), describe(parser_.problem())};
    if (e != multipart_parser::event::need_more) co_return e;
    parser_.feed(co_await body_.next());
  }
}

task<multipart_form::part*> multipart_form::next_part() {
  using enum multipart_parser::event;
  while (!over_) {
    auto const what = co_await advance();
    if (what == part_begin) {
      begin_part();
      co_return &*part_;
    }
    if (what == end) {
      over_ = true;
      part_.reset();
      // The epilogue belongs to the body: it is read to its end, so that the connection can go on.
      while (!(co_await body_.next()).empty()) {}
    }
    // Anything else is left over from the part before.
  }
  co_return nullptr;
}

void multipart_form::begin_part() {
  auto const* const header = find(parser_.headers(), "content-disposition");
  auto about = header != nullptr ? parse_disposition(*header) : std::nullopt;
  if (!about || about->type != "form-data" || !about->name)
    throw http::body_error{400, "a part has no Content-Disposition: form-data with a name"};
  if (about->name->contains('\0') || !is_utf8(*about->name))
    throw http::body_error{400, "the name of a part is not text"};
  part_.emplace(part{*this});
  part_->name_ = std::move(*about->name);
  part_->file_name_ = std::move(about->file_name);
  auto const* const type = find(parser_.headers(), "content-type");
  part_->content_type_ = type != nullptr ? *type : "text/plain";
}

std::string multipart_form::part::file_name() const { return file_name_ ? safe_file_name(*file_name_) : std::string{}; }

std::string const& multipart_form::part::raw_file_name() const noexcept {
  static std::string const none;
  return file_name_ ? *file_name_ : none;
}

task<std::string_view> multipart_form::part::next() {
  if (over_) co_return std::string_view{};
  if (co_await form_.advance() != multipart_parser::event::data) {
    over_ = true;
    co_return std::string_view{};
  }
  auto const piece = form_.parser_.data();
  size_ += piece.size();
  if (size_ > (is_file() ? form_.limits_.file_bytes : form_.limits_.field_bytes))
    throw http::body_error{413, "a part of the form is too large"};
  co_return piece;
}

task<std::string> multipart_form::part::text() {
  std::string all;
  for (auto piece = co_await next(); !piece.empty(); piece = co_await next()) all += piece;
  co_return all;
}

}  // namespace slipway::content
