#include "controllers/web.hpp"

#include <slipway/api/problem.hpp>
#include <slipway/core/errors.hpp>

namespace app::controllers {
namespace {

std::string_view first_segment(std::string_view path) noexcept {
  if (path.starts_with('/')) path.remove_prefix(1);
  return path.substr(0, path.find('/'));
}

}  // namespace

web::web(parts p)
    : policy_{std::move(p.content_security_policy)},
      disk_{"files", {.threads = p.threads, .queue = 256}},
      files_{{.root = std::move(p.folder), .fallback = std::move(p.fallback)}, &disk_, api::write_error_page} {
  check_policy(policy_);
}

void web::check_policy(std::string_view policy) {
  if (!content::is_field_text(policy))
    throw startup_error{exit_code::config, "web.content_security_policy holds a control character."};
}

void web::reserve(http::router const& table) {
  for (auto const& r : table.routes())
    if (auto const name = first_segment(r->pattern); !name.empty() && !name.starts_with('{')) reserved_.emplace(name);
}

task<> web::show(http::exchange& x) const {
  auto const parameters = x.request.parameters();
  auto const path = parameters.empty() ? std::string_view{} : parameters[0];
  if (reserved_.contains(first_segment(path))) {
    x.response.status = 404;
    api::write_error_page(x);
    co_return;
  }
  x.response.add("Content-Security-Policy", policy_);
  co_await files_.serve(x, path);
}

}  // namespace app::controllers
