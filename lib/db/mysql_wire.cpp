#include <slipway/db/mysql_wire.hpp>

#include <slipway/core/decimal.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/db/builder.hpp>
#include <slipway/db/mysql_answer.hpp>

#include <boost/mysql/column_type.hpp>
#include <boost/mysql/field_view.hpp>

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace slipway::db::detail {

namespace mysql = boost::mysql;

namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_word(char c) noexcept {
  return is_digit(c) || c == '_' || c == '$' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80;
}

// Where what begins at `at` and is not to be read as SQL ends; `at` itself when nothing of the kind begins there.
std::size_t end_of_quiet(std::string_view sql, std::size_t at) noexcept {
  auto const c = sql[at];
  if (c == '\'' || c == '"' || c == '`') {
    for (auto i = at + 1; i < sql.size(); ++i) {
      if (sql[i] != c) continue;
      if (i + 1 < sql.size() && sql[i + 1] == c)
        ++i;
      else
        return i + 1;
    }
    return sql.size();
  }
  auto const dashes = sql.substr(at, 2) == "--" && (at + 2 == sql.size() || is_space(sql[at + 2]));
  if (c == '#' || dashes) {
    auto const end = sql.find('\n', at);
    return end == std::string_view::npos ? sql.size() : end + 1;
  }
  if (sql.substr(at, 2) == "/*") {
    auto const end = sql.find("*/", at + 2);
    return end == std::string_view::npos ? sql.size() : end + 2;
  }
  return at;
}

mysql::datetime as_datetime(std::int64_t microseconds) {
  using namespace std::chrono;
  constexpr auto begin_of = [](int y) {
    return std::chrono::microseconds{sys_days{year{y} / 1 / 1}.time_since_epoch()}.count();
  };
  constexpr auto first = begin_of(0), past = begin_of(10'000);
  if (microseconds < first || microseconds >= past)
    throw input_error{"a time outside the years 0 to 9999 cannot be stored"};
  auto const t = sys_time<std::chrono::microseconds>{std::chrono::microseconds{microseconds}};
  auto const day = floor<days>(t);
  year_month_day const date{day};
  hh_mm_ss const clock{t - day};
  return {static_cast<std::uint16_t>(static_cast<int>(date.year())), static_cast<std::uint8_t>(unsigned{date.month()}),
          static_cast<std::uint8_t>(unsigned{date.day()}),           static_cast<std::uint8_t>(clock.hours().count()),
          static_cast<std::uint8_t>(clock.minutes().count()),        static_cast<std::uint8_t>(clock.seconds().count()),
          static_cast<std::uint32_t>(clock.subseconds().count())};
}

mysql::field_view encode_one(value const& v) {
  auto const octets = [](void const* at, std::size_t size) {
    return mysql::field_view{mysql::blob_view{static_cast<unsigned char const*>(at), size}};
  };
  if (v.is_null()) return mysql::field_view{nullptr};
  switch (v.kind()) {
    case value_kind::none: break;
    case value_kind::boolean:
    case value_kind::integer: return mysql::field_view{v.integer()};
    case value_kind::number:
      if (!std::isfinite(v.number()))
        throw input_error{std::isnan(v.number()) ? "NaN cannot be stored" : "infinity cannot be stored on MySQL"};
      return mysql::field_view{v.number()};
    case value_kind::uuid: return octets(v.id().bytes.data(), v.id().bytes.size());
    case value_kind::time: return mysql::field_view{as_datetime(v.integer())};
    case value_kind::bytes: return octets(v.text().data(), v.text().size());
    case value_kind::decimal:
    case value_kind::date:
    case value_kind::text:
    case value_kind::json:
      if (!is_storable_text(v.text())) throw input_error{"text with NUL, or that is not UTF-8, cannot be stored"};
      return mysql::field_view{mysql::string_view{v.text().data(), v.text().size()}};
  }
  return mysql::field_view{nullptr};
}

}  // namespace

my_text rewrite_placeholders(std::string_view sql) {
  my_text out;
  out.sql.reserve(sql.size());
  for (std::size_t at = 0; at < sql.size();) {
    if (auto const end = end_of_quiet(sql, at); end != at) {
      out.sql += sql.substr(at, end - at);
      at = end;
      continue;
    }
    auto const is_mark = sql[at] == '$' && at + 1 < sql.size() && is_digit(sql[at + 1]) &&
                         (at == 0 || !is_word(sql[at - 1]));  // a$1 is a name
    if (!is_mark) {
      out.sql += sql[at++];
      continue;
    }
    std::uint32_t number = 0;
    auto const [end, error] = std::from_chars(sql.data() + at + 1, sql.data() + sql.size(), number);
    if (error != std::errc{} || number == 0 || number > 65'535) throw db::error{"MySQL: placeholders are $1 to $65535"};
    out.order.push_back(static_cast<std::uint16_t>(number - 1));
    if (out.order.size() > 65'535) throw db::error{"MySQL: a statement has more than 65535 placeholders"};
    out.sql += '?';
    at = static_cast<std::size_t>(end - sql.data());
  }
  return out;
}

void encode(my_text const& text, values const& parameters, std::uint64_t max_bytes,
            std::vector<mysql::field_view>& out) {
  out.clear();
  out.reserve(text.order.size());
  std::uint64_t bytes = 64 + text.order.size() / 8;
  for (auto const index : text.order) {
    if (index >= parameters.size())
      throw db::error{"MySQL: the statement has the placeholder $" + std::to_string(index + 1) + " and gets " +
                      std::to_string(parameters.size()) + " values"};
    out.push_back(encode_one(parameters[index]));
    bytes += 2 + (out.back().is_string() ? out.back().get_string().size() + 9
                  : out.back().is_blob() ? out.back().get_blob().size() + 9
                                         : 12);
  }
  // The server would close the connection in the middle of a longer message.
  if (bytes > max_bytes)
    throw input_error{"the statement's values are " + std::to_string(bytes) + " bytes together, and the server takes " +
                      std::to_string(max_bytes) + " at once: store less, or raise max_allowed_packet"};
}

namespace {

cell read_integer(value_kind kind, std::int64_t number) noexcept {
  cell c;
  c.kind = kind;
  c.integer = number;
  return c;
}
cell read_number(double number) noexcept {
  cell c;
  c.kind = value_kind::number;
  c.number = number;
  return c;
}
cell read_text(value_kind kind, void const* at, std::size_t size) noexcept {
  cell c;
  c.kind = kind;
  c.text = {static_cast<char const*>(at), size};
  return c;
}

// Exact while 64 bits hold its digits; the text stays beside the others.
cell read_decimal(std::string_view text, mysql::metadata const& column) {
  if (column.decimals() <= 18)
    if (auto const units = slipway::detail::parse_decimal(text, column.decimals())) {
      auto exact = read_integer(value_kind::decimal, *units);
      exact.scale = static_cast<std::uint8_t>(column.decimals());
      return exact;
    }
  auto out = read_number(std::strtod(std::string{text}.c_str(), nullptr));
  out.text = text;
  return out;
}

cell read_time(mysql::datetime const& t, mysql::metadata const& column) {
  if (!t.valid())
    throw value_error{"the column " + std::string{column.column_name()} + " holds the date 0000-00-00, which is none"};
  return read_integer(value_kind::time, t.get_time_point().time_since_epoch().count());
}

cell read(my_answer const& from, std::size_t row, std::size_t index) {
  auto const field = from.found.rows()[row][index];
  auto const& column = from.found.meta()[index];
  switch (field.kind()) {
    case mysql::field_kind::null: return {};
    case mysql::field_kind::int64: return read_integer(value_kind::integer, field.get_int64());
    case mysql::field_kind::uint64: {
      auto const number = field.get_uint64();
      if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        throw value_error{"the column " + std::string{column.column_name()} +
                          " holds a number above 9223372036854775807"};
      return read_integer(value_kind::integer, static_cast<std::int64_t>(number));
    }
    case mysql::field_kind::float_: return read_number(static_cast<double>(field.get_float()));
    case mysql::field_kind::double_: return read_number(field.get_double());
    case mysql::field_kind::date: {
      auto const day = field.get_date();
      return read_time({day.year(), day.month(), day.day()}, column);
    }
    case mysql::field_kind::datetime: return read_time(field.get_datetime(), column);
    case mysql::field_kind::blob: return read_text(value_kind::bytes, field.get_blob().data(), field.get_blob().size());
    case mysql::field_kind::string: {
      auto const text = field.get_string();
      if (column.type() == mysql::column_type::decimal) return read_decimal({text.data(), text.size()}, column);
      return read_text(column.type() == mysql::column_type::json ? value_kind::json : value_kind::text, text.data(),
                       text.size());
    }
    case mysql::field_kind::time: break;
  }
  throw value_error{"the column " + std::string{column.column_name()} +
                    " has a type that is not read (TIME): cast it in the statement, for example to char"};
}

my_answer* as_answer(void* answer) noexcept { return static_cast<my_answer*>(answer); }

constexpr row_operations operations{
    .size = [](void* a) noexcept { return as_answer(a)->found.rows().size(); },
    .columns = [](void* a) noexcept { return as_answer(a)->found.meta().size(); },
    .at = [](void* a, std::size_t row, std::size_t column) { return read(*as_answer(a), row, column); },
    .name = [](void* a, std::size_t column) noexcept -> std::string_view {
      auto const name = as_answer(a)->found.meta()[column].column_name();
      return {name.data(), name.size()};
    },
    .affected = [](void* a) noexcept { return as_answer(a)->affected; },
    .release = [](void* a) noexcept { delete as_answer(a); },
    .inserted = [](void* a, std::size_t row) noexcept -> std::int64_t {
      return static_cast<std::int64_t>(as_answer(a)->first_id + row * as_answer(a)->id_step);
    },
};

}  // namespace

rows rows_of(std::unique_ptr<my_answer> answer) noexcept {
  auto const& found = answer->found;
  answer->first_id = found.last_insert_id();
  if (found.meta().empty()) {
    answer->affected = static_cast<std::int64_t>(found.affected_rows());
    // An UPDATE counts the rows that it found, as on every engine; MySQL's own figure leaves out those that already
    // had the new values.
    constexpr std::string_view mark = "Rows matched: ";
    std::string_view const info{found.info().data(), found.info().size()};
    if (info.starts_with(mark)) std::from_chars(info.data() + mark.size(), info.data() + info.size(), answer->affected);
  }
  return rows{answer.release(), operations};
}

}  // namespace slipway::db::detail
