// Keyset pagination: the cursor of a page is the last row's values of the ordered columns. It is not secret and not
// signed: its values become parameters like any others, so a forged one can show nothing that the query would not.
#include <slipway/core/encoding.hpp>
#include <slipway/db/core.hpp>
#include <slipway/db/sql_writer.hpp>

#include <algorithm>
#include <cstring>

namespace slipway::db::detail {
namespace {

constexpr char format = 1;
constexpr std::size_t max_text = 1024, max_cursor = 8192;

bool names_tables(char code) noexcept {
  auto const op = static_cast<operation_code>(code);
  return op == operation_code::source || op == operation_code::in_query || op == operation_code::exists_query;
}

// Ties the cursor to the query: table, order and condition, without their values.
std::uint32_t shape_of(select_state const& s) noexcept {
  std::uint32_t hash = 2166136261;  // FNV-1a: the same on every machine and in every run
  auto add = [&hash](std::string_view part) {
    for (char c : part) hash = (hash ^ static_cast<std::uint8_t>(c)) * 16777619;
    hash = (hash ^ 0xff) * 16777619;
  };
  add(s.info.name);
  for (std::size_t i = 0; i < s.orders.size(); i += 2) add(s.info.column(static_cast<std::uint8_t>(s.orders[i])));
  add(s.orders);
  // Programs that name other tables hold pointers, which are not the same in the next process.
  if (std::any_of(s.where.code.begin(), s.where.code.end(), names_tables))
    add(sql_writer{s.shared.kind}.condition(s.info, s.where.code));
  else
    add(s.where.code);
  hash = (hash ^ static_cast<std::uint32_t>(s.deleted)) * 16777619;
  return hash;
}

template <class T>
void put(std::string& out, T number) {
  for (std::size_t i = 0; i < sizeof number; ++i)
    out.push_back(static_cast<char>(static_cast<std::uint64_t>(number) >> (8 * i)));
}

void put_value(std::string& out, value const& v, std::string_view column) {
  if (v.is_null()) return out.push_back(0);
  out.push_back(static_cast<char>(v.kind()));
  switch (v.kind()) {
    case value_kind::boolean: return out.push_back(v.boolean() ? 1 : 0);
    case value_kind::integer:
    case value_kind::decimal:
    case value_kind::date:
    case value_kind::time: return put(out, static_cast<std::uint64_t>(v.integer()));
    case value_kind::number: {
      std::uint64_t bits;
      auto const number = v.number();
      std::memcpy(&bits, &number, 8);
      return put(out, bits);
    }
    case value_kind::uuid: out.append(reinterpret_cast<char const*>(v.id().bytes.data()), 16); return;
    case value_kind::text:
      if (v.text().size() > max_text) break;
      put(out, static_cast<std::uint16_t>(v.text().size()));
      out += v.text();
      return;
    case value_kind::none:
    case value_kind::bytes:
    case value_kind::json: break;
  }
  throw value_error{"pages cannot be ordered by the column " + std::string{column} +
                    ": JSON, or text of more than 1024 bytes"};
}

// Reads what put_value wrote; false for anything else.
class cursor_reader {
 public:
  explicit cursor_reader(std::string_view text) noexcept : rest_{text} {}
  bool at_end() const noexcept { return rest_.empty(); }

  template <class T>
  bool get(T& out) noexcept {
    if (rest_.size() < sizeof(T)) return false;
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      bits |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(rest_[i])) << (8 * i);
    out = static_cast<T>(bits);
    rest_.remove_prefix(sizeof(T));
    return true;
  }
  bool get(value& out, meta::type const& type) {
    std::uint8_t kind;
    if (!get(kind)) return false;
    auto const expected = kind_of(type);
    if (kind == 0) {
      out = value::null(expected);
      return type.what == meta::kind::optional;
    }
    if (kind != static_cast<std::uint8_t>(expected)) return false;
    return get_payload(out, expected, type);
  }

 private:
  bool get_payload(value& out, value_kind kind, meta::type const& type) {
    std::uint64_t bits;
    switch (kind) {
      case value_kind::boolean: {
        std::uint8_t b;
        if (!get(b) || b > 1) return false;
        out = value{b == 1};
        return true;
      }
      case value_kind::integer:
        if (!get(bits)) return false;
        out = value{static_cast<std::int64_t>(bits)};
        return true;
      case value_kind::decimal:
      case value_kind::date:
        if (!get(bits)) return false;
        try {
          out = value::of_number(type, static_cast<std::int64_t>(bits));
        } catch (value_error const&) {  // a day that no calendar has
          return false;
        }
        return true;
      case value_kind::time:
        if (!get(bits)) return false;
        out = value{time_point{std::chrono::microseconds{static_cast<std::int64_t>(bits)}}};
        return true;
      case value_kind::number: {
        if (!get(bits)) return false;
        double number;
        std::memcpy(&number, &bits, 8);
        out = value{number};
        return number == number;
      }
      case value_kind::uuid: {
        if (rest_.size() < 16) return false;
        uuid id;
        std::memcpy(id.bytes.data(), rest_.data(), 16);
        rest_.remove_prefix(16);
        out = value{id};
        return true;
      }
      case value_kind::text: {
        std::uint16_t size;
        if (!get(size) || size > max_text || rest_.size() < size || !is_storable_text(rest_.substr(0, size)))
          return false;
        out = value{rest_.substr(0, size)};
        rest_.remove_prefix(size);
        return true;
      }
      default: return false;
    }
  }

  std::string_view rest_;
};

}  // namespace

void select_state::tie_break() {
  if (info.key == no_column)
    throw error{"pages need a table with a primary key: " + std::string{info.name} + " has none"};
  if (parts && (!parts->orders.empty() || !parts->groups.empty() || parts->distinct))
    throw error{"pages are ordered by columns of their first table, and know no groups: " + std::string{info.name}};
  for (std::size_t i = 0; i < orders.size(); i += 2)
    if (static_cast<std::uint8_t>(orders[i]) == info.key) {
      orders.resize(i + 2);  // what comes after a unique column decides nothing
      return;
    }
  auto const direction = orders.empty() ? char{0} : orders.back();
  orders.push_back(static_cast<char>(info.key));
  orders.push_back(direction);
}

result<void> select_state::continue_after(std::string_view cursor) {
  auto const bad = [] {
    return std::unexpected{fault::malformed("bad_cursor").detail("The cursor is not one of this list.")};
  };
  if (cursor.size() > max_cursor) return bad();
  auto const text = from_base64url(cursor);
  if (!text) return bad();
  cursor_reader in{*text};
  std::uint8_t version;
  std::uint32_t shape;
  if (!in.get(version) || version != format || !in.get(shape) || shape != shape_of(*this)) return bad();
  values found;
  std::string nulls;
  for (std::size_t i = 0; i < orders.size(); i += 2) {
    value v;
    if (!in.get(v, *info.row->members[static_cast<std::uint8_t>(orders[i])].of)) return bad();
    nulls.push_back(v.is_null() ? 1 : 0);
    if (!v.is_null()) found.push_back(std::move(v));
  }
  if (!in.at_end()) return bad();
  after_nulls = std::move(nulls);
  after = std::move(found);
  continues = true;
  return {};
}

std::string select_state::cursor_of(void const* row) const {
  std::string out;
  out.push_back(format);
  put(out, shape_of(*this));
  for (std::size_t i = 0; i < orders.size(); i += 2) {
    auto const& member = info.row->members[static_cast<std::uint8_t>(orders[i])];
    put_value(out, value::of(*member.of, member.at_const(row)), member.name);
  }
  return base64url(as_byte_span(out));
}

}  // namespace slipway::db::detail
