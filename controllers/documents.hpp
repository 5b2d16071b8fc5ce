// The API's description of itself: the OpenAPI document, and a page to try it from.
#pragma once

#include <slipway/api/openapi.hpp>
#include <slipway/api/router.hpp>
#include <slipway/content/static_files.hpp>

#include <span>
#include <string>

namespace app::controllers {

using namespace slipway;

class documents {
 public:
  explicit documents(std::span<content::asset const> viewer);

  // Once all routes are known and before the first request.
  void write(std::span<std::shared_ptr<api::operation const> const> operations, api::document_info const& info);

  std::string const& openapi_text() const noexcept { return openapi_; }
  std::string const& openapi_3_0_text() const noexcept { return openapi_3_0_; }

  task<> openapi(http::exchange& x) const;      // 3.1
  task<> openapi_3_0(http::exchange& x) const;  // for tools that are not there yet
  task<> page(http::exchange& x) const;
  task<> viewer(http::exchange& x) const;  // the page's scripts and styles

 private:
  void send_document(http::exchange& x, std::string const& text, std::string const& etag) const;

  content::embedded_assets assets_;
  std::string openapi_, openapi_3_0_, etag_, etag_3_0_;
};

}  // namespace app::controllers
