// One row by its key.
#include <slipway/db/core.hpp>
#include <slipway/db/sql_writer.hpp>

namespace slipway::db::detail {

statement_ref statement_by_key(core& shared, table_info const& info, value_kind key) {
  shape_key shape{info, 40};
  shape.add(static_cast<char>(key));
  auto& cache = shared.statements.local();
  if (auto const* found = cache.find(shape.view())) [[likely]]
    return {found, nullptr};
  untyped_condition is_it;
  is_it.add(operation_code::equal, info.key);
  sql_writer out{shared.kind};
  out.text = "select ";
  out.columns(info);
  out.text += " from ";
  out.name(info.name);
  out.where(info, is_it.code, deleted_rows::without);
  out.text += " limit 1";
  auto made = std::make_unique<statement>();
  made->sql = std::move(out.text);
  made->signature.push_back(key);
  made->reads = true;
  return cache.keep(shape.view(), std::move(made));
}

}  // namespace slipway::db::detail
