#include <slipway/db/condition.hpp>

#include <slipway/db/dialect.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/db/expression.hpp>

#include <cstring>

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

std::string like_pattern(std::string_view before, std::string_view text, std::string_view after) {
  std::string out{before};
  for (char c : text) {
    if (c == '%' || c == '_' || c == '\\') out += '\\';
    out += c;
  }
  return out.append(after);
}

void add_source(std::string& code, source_info const& from) {
  auto const* at = &from;
  code.push_back(static_cast<char>(operation_code::source));
  code.append(reinterpret_cast<char const*>(&at), sizeof at);
}

void add_list(untyped_condition& to, std::uint8_t column, values list) {
  if (list.empty()) return to.add(operation_code::never);
  if (list.size() > 4096) throw input_error{"a list in a condition has more than 4096 values"};
  std::size_t padded = 1;
  while (padded < list.size()) padded *= 2;
  list.reserve(padded);
  while (list.size() < padded) list.push_back(value{list.back()});
  to.add(operation_code::in, column);
  to.code.push_back(static_cast<char>(padded & 0xff));
  to.code.push_back(static_cast<char>(padded >> 8));
  for (auto& v : list) to.values.push_back(std::move(v));
}

std::string query_program(source_info const& from, deleted_rows deleted, std::uint8_t column, std::string_view code) {
  auto const* at = &from;
  std::string out{reinterpret_cast<char const*>(&at), sizeof at};
  out.push_back(static_cast<char>(deleted));
  out.push_back(static_cast<char>(column));
  return out.append(code);
}

void add_query(std::string& code, std::string_view program) {
  auto const size = static_cast<std::uint32_t>(program.size());
  code.append(reinterpret_cast<char const*>(&size), sizeof size);
  code += program;
}

void add_json_name(std::string& path, std::string_view name) {
  auto const is_strange = [](char c) {
    return c == '"' || c == '\'' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
  };
  if (name.empty() || name.size() > 200 || std::any_of(name.begin(), name.end(), is_strange))
    throw value_error{
        "the name of a member in a JSON path is empty, longer than 200 bytes, or holds quotes, backslashes or control "
        "characters"};
  path.push_back('n');
  path.push_back(static_cast<char>(name.size()));
  path += name;
}

void add_json_index(std::string& path, std::size_t index) {
  if (index > 0xffff) throw value_error{"the number of an element in a JSON path is above 65535"};
  path.push_back('i');
  path.push_back(static_cast<char>(index & 0xff));
  path.push_back(static_cast<char>(index >> 8));
}

void add_json_path(std::string& code, operation_code what, std::string_view path) {
  if (path.size() > 255) throw value_error{"a JSON path is longer than 255 bytes"};
  code.push_back(static_cast<char>(what));
  code.push_back(static_cast<char>(path.size()));
  code += path;
}

}  // namespace detail
}  // namespace slipway::db
