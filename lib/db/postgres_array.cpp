#include <slipway/db/postgres_array.hpp>

#include <slipway/db/postgres_wire.hpp>

#include <cstdint>

namespace slipway::db::detail {
namespace {

void put(std::string& out, std::uint32_t number) {
  number = __builtin_bswap32(number);
  out.append(reinterpret_cast<char const*>(&number), sizeof number);
}

constexpr char version_of_jsonb = 1;

// Kinds whose digits the statement casts.
bool comes_as_text(value_kind kind) noexcept { return kind == value_kind::decimal || kind == value_kind::date; }

}  // namespace

// The head: one dimension, whether there may be nulls, the type, how many, counted from 1.
pg_array::pg_array(value_kind element, std::size_t count) {
  out_.reserve(20 + count * 12);
  put(out_, 1);
  put(out_, 1);
  put(out_, type_of(comes_as_text(element) ? value_kind::text : element));
  put(out_, static_cast<std::uint32_t>(count));
  put(out_, 1);
}

void pg_array::add(value const& v) {
  char scratch[16];
  auto const [at, length] = encode_value(v, scratch);
  if (at == nullptr) return put(out_, UINT32_MAX);
  auto const is_json = v.kind() == value_kind::json;
  put(out_, static_cast<std::uint32_t>(length) + (is_json ? 1 : 0));
  if (is_json) out_.push_back(version_of_jsonb);
  out_.append(at, length);
}

std::string_view cast_of(value_kind element) noexcept {
  switch (element) {
    case value_kind::boolean: return "boolean[]";
    case value_kind::integer: return "bigint[]";
    case value_kind::number: return "double precision[]";
    case value_kind::bytes: return "bytea[]";
    case value_kind::uuid: return "uuid[]";
    case value_kind::time: return "timestamptz[]";
    case value_kind::json: return "jsonb[]";
    case value_kind::none:
    case value_kind::text:
    case value_kind::decimal:
    case value_kind::date: break;
  }
  return "text[]";
}

}  // namespace slipway::db::detail
