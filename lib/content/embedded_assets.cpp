#include <slipway/content/representation.hpp>
#include <slipway/content/static_files.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace slipway::content {
namespace {

// Not a lambda: a coroutine must not live on the captures of one.
task<> serve_last_parameter(embedded_assets const& assets, http::exchange& x) {
  auto const parameters = x.request.parameters();
  assets.serve(x, parameters.empty() ? std::string_view{} : parameters.back());
  co_return;
}

}  // namespace

embedded_assets::embedded_assets(std::span<asset const> table, std::string cache_control, error_page page)
    : cache_control_{std::move(cache_control)}, page_{std::move(page)} {
  for (auto const& a : table) rows_.push_back({&a, make_etag(a.bytes)});
  std::ranges::sort(rows_, [](row const& a, row const& b) {
    return a.what->path != b.what->path ? a.what->path < b.what->path : a.what->coding < b.what->coding;
  });
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    auto const& now = *rows_[i].what;
    bool const first = i == 0 || rows_[i - 1].what->path != now.path;
    if (first && now.coding != coding::identity)
      throw std::invalid_argument{"asset without a plain row: " + std::string{now.path}};
    if (!first && rows_[i - 1].what->coding == now.coding)
      throw std::invalid_argument{"asset given twice: " + std::string{now.path}};
  }
}

bool embedded_assets::try_serve(http::exchange& x, std::string_view path) const {
  auto const same = std::ranges::equal_range(rows_, path, {}, [](row const& r) { return r.what->path; });
  if (same.empty()) return false;
  row const* chosen = &same.front();
  if (same.size() > 1) {
    add_vary(x, "Accept-Encoding");
    std::array<coding, coding_count> offered;
    std::size_t count = 0;
    for (auto const& r : same)
      if (r.what->coding != coding::identity) offered[count++] = r.what->coding;
    auto const best = choose_coding(all_values(x, "Accept-Encoding"), std::span{offered}.first(count));
    for (auto const& r : same)
      if (best && r.what->coding == *best) chosen = &r;
  }
  x.response.add("Cache-Control", cache_control_);
  content::serve(
      x,
      {.bytes = make_static_bytes(chosen->what->bytes),
       .size = chosen->what->bytes.size(),
       .type = chosen->what->type,
       .now = {.etag = chosen->etag},
       .coding = chosen->what->coding == coding::identity ? std::string_view{} : to_string(chosen->what->coding)},
      page_);
  return true;
}

void embedded_assets::serve(http::exchange& x, std::string_view path) const {
  if (!try_serve(x, path)) refuse(x, 404, "not_found", page_);
}

http::handler embedded_assets::handler() const {
  return [this](http::exchange& x) { return serve_last_parameter(*this, x); };
}

}  // namespace slipway::content
