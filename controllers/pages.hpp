// A page of rows as the page of their views.
#pragma once

#include <slipway/core/page.hpp>

namespace app::controllers {

template <class Row>
auto views_of(slipway::page<Row> rows) {
  slipway::page<decltype(view_of(rows.items.front()))> out;
  out.items.reserve(rows.items.size());
  for (auto const& row : rows.items) out.items.push_back(view_of(row));
  out.next = std::move(rows.next);
  return out;
}

}  // namespace app::controllers
