#include "controllers/documents.hpp"

#include <slipway/api/problem.hpp>
#include <slipway/content/conditional.hpp>

namespace app::controllers {
namespace {

// The page's own scripts and requests, and the styles and images that the viewer makes while it runs.
constexpr std::string_view page_policy =
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' "
    "data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

}  // namespace

documents::documents(std::span<content::asset const> viewer) : assets_{viewer, "no-cache", api::write_error_page} {}

void documents::write(std::span<std::shared_ptr<api::operation const> const> operations,
                      api::document_info const& info) {
  openapi_ = api::openapi(operations, info, json::flavour::openapi_3_1);
  openapi_3_0_ = api::openapi(operations, info, json::flavour::openapi_3_0);
  etag_ = content::make_etag(openapi_);
  etag_3_0_ = content::make_etag(openapi_3_0_);
}

void documents::send_document(http::exchange& x, std::string const& text, std::string const& etag) const {
  x.response.add("Cache-Control", "no-cache");
  if (content::apply_conditions(x, {.etag = etag}))
    x.answer(200, "application/json", text);
  else if (x.response.status == 412)
    api::write_problem(x, fault::precondition_failed());
}

task<> documents::openapi(http::exchange& x) const {
  send_document(x, openapi_, etag_);
  co_return;
}

task<> documents::openapi_3_0(http::exchange& x) const {
  send_document(x, openapi_3_0_, etag_3_0_);
  co_return;
}

task<> documents::page(http::exchange& x) const {
  x.response.add("Content-Security-Policy", page_policy);
  assets_.serve(x, "index.html");
  co_return;
}

task<> documents::viewer(http::exchange& x) const {
  if (x.request.parameters()[0].empty()) {  // what the page names is below /docs
    x.response.add("Location", "/docs");
    x.answer(308, {}, {});
    co_return;
  }
  assets_.serve(x, x.request.parameters()[0]);
  co_return;
}

}  // namespace app::controllers
