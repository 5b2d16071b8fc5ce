#include <slipway/db/core.hpp>

#include <slipway/core/encoding.hpp>

#include <cstring>

namespace slipway::db::detail {
namespace {

void order_by(sql_writer& out, table_info const& table, std::string_view orders) {
  for (std::size_t i = 0; i < orders.size(); i += 2) {
    auto const column = static_cast<std::uint8_t>(orders[i]);
    auto const name = quoted(table.column(column));
    auto const nullable = is_nullable(table, column);
    out.text += i == 0 ? " order by " : ", ";
    if (nullable && out.kind == dialect::mysql) out.text += name + " is null, ";  // it knows no NULLS LAST
    out.text += name;
    if (orders[i + 1] != 0) out.text += " desc";
    if (nullable && out.kind != dialect::mysql) out.text += " nulls last";
  }
}

// Whether one comparison of rows says what comes after: every column descends, or none, and none may be null. MySQL
// would compare so as well, but without its indexes.
bool is_uniform(dialect kind, table_info const& table, std::string_view orders) noexcept {
  if (kind == dialect::mysql) return false;
  for (std::size_t i = 0; i < orders.size(); i += 2)
    if (orders[i + 1] != orders[1] || is_nullable(table, static_cast<std::uint8_t>(orders[i]))) return false;
  return true;
}

// What comes after the row with these values: (a, b) < ($1, $2) where that is possible, which an index serves;
// otherwise a > $1 or (a = $1 and b < $2). `nulls` has a byte for each column: 1 when the cursor's value is null.
std::string after_cursor(sql_writer& out, table_info const& table, std::string_view orders, std::string_view nulls) {
  auto const count = orders.size() / 2;
  std::vector<std::string> column(count), mark(count);
  for (std::size_t i = 0; i < count; ++i) {
    column[i] = quoted(table.column(static_cast<std::uint8_t>(orders[2 * i])));
    if (nulls[i] == 0) mark[i] = out.placeholder();
  }
  if (is_uniform(out.kind, table, orders)) {
    std::string left, right;
    for (std::size_t i = 0; i < count; ++i) {
      left += (i == 0 ? "" : ", ") + column[i];
      right += (i == 0 ? "" : ", ") + mark[i];
    }
    return "(" + left + ")" + (orders[1] != 0 ? " < " : " > ") + "(" + right + ")";
  }
  std::string all, equal_so_far;
  for (std::size_t i = 0; i < count; ++i) {
    auto const nullable = is_nullable(table, static_cast<std::uint8_t>(orders[2 * i]));
    if (nulls[i] == 0) {  // nothing comes after a null: nulls are last
      auto beyond = column[i] + (orders[2 * i + 1] != 0 ? " < " : " > ") + mark[i];
      if (nullable) beyond = "(" + beyond + " or " + column[i] + " is null)";
      all += (all.empty() ? "(" : " or (") + equal_so_far + beyond + ")";
    }
    equal_so_far += column[i] + (nulls[i] != 0 ? std::string{" is null"} : " = " + mark[i]) + " and ";
  }
  return all.empty() ? "1 = 0" : "(" + all + ")";
}

std::unique_ptr<statement> make_select(select_state const& s, select_state::wanted what) {
  sql_writer out{s.shared.kind};
  out.text = "select ";
  if (what == select_state::wanted::count)
    out.text += "count(*)";
  else if (what == select_state::wanted::exists)
    out.text += "1";
  else
    out.columns(s.info);
  out.text += " from ";
  out.name(s.info.name);

  // The placeholders are counted in the order of the values: the condition's, the cursor's, limit and offset.
  sql_writer condition{s.shared.kind};
  condition.where(s.info, s.where.code, s.deleted);
  out.parameters = condition.parameters;
  auto further = s.after_nulls.empty() ? std::string{} : after_cursor(out, s.info, s.orders, s.after_nulls);
  if (!further.empty()) condition.text += (condition.text.empty() ? " where " : " and ") + further;
  out.text += condition.text;

  if (what == select_state::wanted::rows) order_by(out, s.info, s.orders);
  if (what == select_state::wanted::exists) {
    out.text += " limit 1";
  } else if (what == select_state::wanted::rows) {
    if (s.limit == 1)
      out.text += " limit 1";  // the most frequent one costs no parameter
    else if (s.limit >= 0)
      out.text += " limit " + out.placeholder();
    else if (s.offset >= 0 && s.shared.kind == dialect::sqlite)
      out.text += " limit -1";
    else if (s.offset >= 0 && s.shared.kind == dialect::mysql)
      out.text += " limit 18446744073709551615";  // all, as its manual has it
    if (s.offset >= 0) out.text += " offset " + out.placeholder();
    if (s.shared.kind != dialect::sqlite && s.lock != lock_mode::none)
      out.text += s.lock == lock_mode::update ? " for update" : " for update skip locked";
  }
  auto made = std::make_unique<statement>();
  made->sql = std::move(out.text);
  made->reads = s.lock == lock_mode::none;
  return made;
}

}  // namespace

run select_state::fetch(wanted what) {
  shape_key key{info, static_cast<char>(what)};
  key.add(static_cast<char>(static_cast<int>(deleted) | static_cast<int>(lock) << 2 | (limit >= 0) << 4 |
                            (limit == 1) << 5 | (offset >= 0) << 6));
  key.add(static_cast<char>(orders.size()));
  if (!orders.empty()) key.add(orders);
  key.add(static_cast<char>(after_nulls.size()));
  if (!after_nulls.empty()) key.add(after_nulls);
  key.add(where.code);

  auto& parameters = where.values;
  for (auto& v : after) parameters.push_back(std::move(v));
  if (what == wanted::rows) {
    if (limit >= 0 && limit != 1) parameters.push_back(limit);
    if (offset >= 0) parameters.push_back(offset);
  }
  auto& cache = shared.statements.local();
  statement_ref text{cache.find(key.view()), nullptr};
  if (text.what == nullptr) [[unlikely]] {
    auto made = make_select(*this, what);
    for (auto const& v : parameters) made->signature.push_back(v.kind());
    text = cache.keep(key.view(), std::move(made));
  }
  return run{shared, to, std::move(text), parameters};
}

void read_row(table_info const& info, void* row, rows const& from, std::size_t index) {
  auto const members = info.row->members;
  for (std::size_t i = 0; i < members.size(); ++i)
    read_cell(*members[i].of, members[i].at(row), from.at(index, i), members[i].name);
}

}  // namespace slipway::db::detail
