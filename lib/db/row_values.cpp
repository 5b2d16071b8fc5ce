#include <slipway/db/row_values.hpp>

#include <algorithm>
#include <array>
#include <span>

namespace slipway::db::detail {
namespace {

std::string place_of(table_info const& info, std::uint8_t column) {
  return std::string{info.name}.append(".").append(info.column(column));
}

column_codec& codec_of(core& shared, table_info const& info, std::uint8_t column) {
  if (shared.codec == nullptr)
    throw error{"the column " + place_of(info, column) + " is encrypted, and db::settings::codec is not set"};
  return *shared.codec;
}

void read_sealed(core& shared, table_info const& info, void* row, std::uint8_t column, cell const& from) {
  auto const& member = info.row->members[column];
  if (from.is_null()) return read_cell(*member.of, member.at(row), from, member.name);
  if (from.kind != value_kind::bytes)
    throw value_error{"the encrypted column " + place_of(info, column) + " is not one of bytes (bytea, BLOB)"};
  auto const plain = codec_of(shared, info, column).decrypt(place_of(info, column), from.text);
  cell opened;
  opened.kind = kind_of(*member.of);
  opened.text = plain;
  read_cell(*member.of, member.at(row), opened, member.name);
}

void read_special_row(core& shared, table_info const& info, void* row, rows const& from, std::size_t index) {
  auto const members = info.row->members;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if ((info.encrypted >> i & 1) != 0)
      read_sealed(shared, info, row, static_cast<std::uint8_t>(i), from.at(index, i));
    else
      read_cell(*members[i].of, members[i].at(row), from.at(index, i), members[i].name);
  }
  for (auto const& h : info.hooks())
    if (h.when == row_event::after_load) (void)h.now(row);
}

}  // namespace

value sealed(core& shared, table_info const& info, std::uint8_t column, value const& plain) {
  if (plain.is_null()) return value::null(value_kind::bytes);
  return bytes{codec_of(shared, info, column).encrypt(place_of(info, column), plain.text())};
}

value column_value(core& shared, table_info const& info, void* row, std::uint8_t column) {
  auto const& member = info.row->members[column];
  auto v = value::of(*member.of, member.at(row));
  return (info.encrypted >> column & 1) != 0 ? sealed(shared, info, column, v) : std::move(v);
}

void read_row(core& shared, table_info const& info, void* row, rows const& from, std::size_t index) {
  if (!info.is_plain) [[unlikely]]
    return read_special_row(shared, info, row, from, index);
  read_columns(*info.row, row, from, index);
}

void read_columns(meta::type const& into, void* row, rows const& from, std::size_t index) {
  std::array<cell, 8> some;
  auto members = std::span{into.members};
  for (std::size_t first = 0; !members.empty(); first += some.size()) {
    auto const now = std::min(some.size(), members.size());
    from.read(index, first, std::span{some}.first(now));
    for (std::size_t i = 0; i < now; ++i) read_cell(*members[i].of, members[i].at(row), some[i], members[i].name);
    members = members.subspan(now);
  }
}

void write_key(table_info const& info, void* row, std::int64_t number) {
  cell given;
  given.kind = value_kind::integer;
  given.integer = number;
  read_cell(*info.row->members[info.key].of, member_of(info, row, info.key), given, info.column(info.key));
}

bool key_is_given(table_info const& info, void* row) noexcept {
  if (info.key == no_column) return false;
  auto const& type = *info.row->members[info.key].of;
  return type.what == meta::kind::integer && meta::read_integer(type, member_of(info, row, info.key)) == 0;
}

void complete_new_row(core& shared, table_info const& info, void* row) {
  if (info.key != no_column && info.row->members[info.key].of->what == meta::kind::uuid) {
    auto& id = *static_cast<uuid*>(member_of(info, row, info.key));
    if (id.is_nil()) id = make_uuid7(shared.clock, shared.random);
  }
  if (info.created_at != no_column) {
    auto const now = shared.clock.now();
    for (auto column : {info.created_at, info.updated_at}) {
      auto& t = *static_cast<time_point*>(member_of(info, row, column));
      if (t == time_point{}) t = now;
    }
  }
  if (info.version != no_column) {
    auto const& type = *info.row->members[info.version].of;
    auto* version = member_of(info, row, info.version);
    if (meta::read_integer(type, version) == 0) meta::write_integer(type, version, 1);
  }
}

}  // namespace slipway::db::detail
