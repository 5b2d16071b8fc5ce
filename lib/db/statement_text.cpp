// The words of SQL: quoting, columns and conditions.
#include <slipway/db/core.hpp>

#include <algorithm>

namespace slipway::db {

void untyped_condition::join(untyped_condition&& other, operation_code with) {
  if (code.empty()) {
    *this = std::move(other);
    return;
  }
  if (other.code.empty()) return;
  code += other.code;
  add(with);
  for (auto& v : other.values) values.push_back(std::move(v));
}

namespace detail {

std::string like_pattern(std::string_view text) {
  std::string out = "%";
  for (char c : text) {
    if (c == '%' || c == '_' || c == '\\') out += '\\';
    out += c;
  }
  return out + '%';
}

void add_list(untyped_condition& to, std::uint8_t column, values list) {
  if (list.empty()) return to.add(operation_code::never);
  if (list.size() > 4096) throw value_error{"a list in a condition has more than 4096 values"};
  std::size_t padded = 1;
  while (padded < list.size()) padded *= 2;
  list.reserve(padded);
  while (list.size() < padded) list.push_back(value{list.back()});
  to.add(operation_code::in, column);
  to.code.push_back(static_cast<char>(padded & 0xff));
  to.code.push_back(static_cast<char>(padded >> 8));
  for (auto& v : list) to.values.push_back(std::move(v));
}

std::string quoted(std::string_view identifier) {
  std::string out = "\"";
  for (char c : identifier) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

bool is_nullable(table_info const& table, std::uint8_t column) noexcept {
  return table.row->members[column].of->what == meta::kind::optional;
}

void sql_writer::name(std::string_view identifier) {
  if (auto const dot = identifier.find('.'); dot != std::string_view::npos) {
    text += quoted(identifier.substr(0, dot));
    text += '.';
    identifier.remove_prefix(dot + 1);
  }
  text += quoted(identifier);
}

void sql_writer::columns(table_info const& table) {
  bool first = true;
  for (auto const& member : table.row->members) {
    if (!std::exchange(first, false)) text += ", ";
    text += quoted(member.name);
  }
}

namespace {

std::string comparison(sql_writer& out, table_info const& table, operation_code op, std::uint8_t index) {
  auto const column = quoted(table.column(index));
  auto const lite = out.kind == dialect::sqlite, mysql = out.kind == dialect::mysql;
  auto simple = [&](char const* sign) { return column + sign + out.placeholder(); };
  switch (op) {
    case operation_code::equal: return simple(" = ");
    case operation_code::not_equal:
      // As in C++, an empty optional differs from every value.
      if (is_nullable(table, index) && mysql) return "(not " + simple(" <=> ") + ")";
      if (is_nullable(table, index)) return simple(lite ? " is not " : " is distinct from ");
      return simple(" <> ");
    case operation_code::less: return simple(" < ");
    case operation_code::less_equal: return simple(" <= ");
    case operation_code::greater: return simple(" > ");
    case operation_code::greater_equal: return simple(" >= ");
    case operation_code::is_null: return column + " is null";
    case operation_code::is_not_null: return column + " is not null";
    case operation_code::contains:
      // Its columns compare byte by byte, so that equality is the same on every engine.
      if (mysql) return "lower(" + column + ") like lower(" + out.placeholder() + ") escape '\\'";
      return simple(lite ? " like " : " ilike ") + " escape '\\'";
    case operation_code::has_element:
      if (lite) return "exists (select 1 from json_each(" + column + ") where value = " + out.placeholder() + ")";
      if (mysql) return "json_contains(" + column + ", json_quote(" + out.placeholder() + "))";
      return simple(" ? ");
    case operation_code::starts_with: {
      auto const p = out.placeholder();
      if (out.kind == dialect::postgres) return column + " ^@ " + p;
      // The first half lets an index help. MySQL's `length` counts bytes.
      auto const length = (mysql ? "char_length(" : "length(") + p + ")";
      return "(" + column + " >= " + p + " and substr(" + column + ", 1, " + length + ") = " + p + ")";
    }
    default: break;
  }
  return "false";
}

}  // namespace

void sql_writer::condition(table_info const& table, std::string_view code) {
  std::vector<std::string> stack;
  auto join = [&stack](char const* word) {
    auto right = std::move(stack.back());
    stack.pop_back();
    stack.back() = "(" + stack.back() + word + right + ")";
  };
  for (std::size_t i = 0; i < code.size(); ++i) {
    auto const op = static_cast<operation_code>(code[i]);
    switch (op) {
      case operation_code::conjunction: join(" and "); break;
      case operation_code::disjunction: join(" or "); break;
      case operation_code::negation: stack.back() = "(not " + stack.back() + ")"; break;
      case operation_code::always: stack.push_back("1 = 1"); break;
      case operation_code::never: stack.push_back("1 = 0"); break;
      case operation_code::in: {
        auto const column = static_cast<std::uint8_t>(code[i + 1]);
        auto const count = static_cast<unsigned>(static_cast<std::uint8_t>(code[i + 2])) |
                           static_cast<unsigned>(static_cast<std::uint8_t>(code[i + 3])) << 8;
        i += 3;
        auto list = quoted(table.column(column)) + " in (";
        for (unsigned n = 0; n < count; ++n) list += (n == 0 ? "" : ", ") + placeholder();
        stack.push_back(list + ")");
        break;
      }
      default: stack.push_back(comparison(*this, table, op, static_cast<std::uint8_t>(code[++i]))); break;
    }
  }
  text += stack.empty() ? "1 = 1" : stack.back();
}

void sql_writer::where(table_info const& table, std::string_view code, deleted_rows deleted, std::string_view further) {
  char const* word = " where ";
  if (!code.empty()) {
    text += std::exchange(word, " and ");
    condition(table, code);
  }
  if (table.deleted_at != no_column && deleted != deleted_rows::with) {
    text += std::exchange(word, " and ");
    text += quoted(table.column(table.deleted_at));
    text += deleted == deleted_rows::only ? " is not null" : " is null";
  }
  if (!further.empty()) {
    text += word;
    text += further;
  }
}

}  // namespace detail
}  // namespace slipway::db
