// SQLite: values as they are stored, each with its storage class.
#include <slipway/sharding/rows.hpp>

#include <slipway/core/encoding.hpp>
#include <slipway/core/errors.hpp>
#include <slipway/sharding/key.hpp>

#include <fmt/format.h>

#include <bit>

namespace slipway::sharding {
namespace {

db::value value_of(db::cell const& c) {
  switch (c.kind) {
    case db::value_kind::none: return {};
    case db::value_kind::integer: return {c.integer};
    case db::value_kind::number: return {c.number};
    case db::value_kind::bytes: return {db::bytes{std::string{c.text}}};
    default: return {c.text};
  }
}

std::string octets_of(db::value const& v) {
  if (v.is_null()) return "n";
  switch (v.kind()) {
    case db::value_kind::integer: return "i" + key{v.integer()}.octets();
    case db::value_kind::number: return "d" + key{std::bit_cast<std::int64_t>(v.number())}.octets();
    case db::value_kind::bytes: return fmt::format("b{}:{}", v.text().size(), v.text());
    default: return fmt::format("t{}:{}", v.text().size(), v.text());
  }
}

// A key as text, to go on after it.
std::string position_of(db::value const& v) {
  if (v.kind() == db::value_kind::integer) return "i" + std::to_string(v.integer());
  return v.kind() == db::value_kind::bytes ? "b" + hex(as_byte_span(v.text())) : "t" + v.text();
}
db::value from_position(std::string const& text) {
  auto const rest = text.substr(1);
  if (text[0] == 'i') return {std::int64_t{std::stoll(rest)}};
  if (text[0] == 'b') return {db::bytes{from_hex(rest).value()}};
  return {rest};
}

struct described_columns {
  std::string names, sets, marks, signature;
  std::size_t count = 0, key = 0;
};

class sqlite_carrier final : public row_carrier {
 public:
  sqlite_carrier(table const& t, described_columns c)
      : row_carrier{t}, columns_{std::move(c)}, name_{quoted(t.name)}, slot_{quoted(t.slot)}, key_{quoted(t.key)} {}

  std::string const& columns() const noexcept override { return columns_.signature; }

  task<batch> read(db::session& in, std::uint32_t slot, std::string after, std::size_t most) override {
    db::values with{slot, static_cast<std::int64_t>(most)};
    if (!after.empty()) with.push_back(from_position(after));
    auto out =
        take(co_await in.query(fmt::format("select {} from {} where {} = $1{} order by {} limit $2", columns_.names,
                                           name_, slot_, after.empty() ? "" : fmt::format(" and {} > $3", key_), key_),
                               with));
    if (out.count > 0) out.last = position_of(out.each_key.back());
    co_return out;
  }

  task<batch> read_keys(db::transaction& in, std::uint32_t slot, batch const& keys) override {
    batch out;
    for (auto const& k : keys.each_key) {
      auto one = take(co_await in.query(
          fmt::format("select {} from {} where {} = $1 and {} = $2", columns_.names, name_, slot_, key_), {slot, k}));
      for (auto& row : one.values) out.values.push_back(std::move(row));
    }
    note_keys(out);
    co_return out;
  }

  task<change_list> changes(db::session& in, std::uint32_t slot, std::size_t most) override {
    auto const found = co_await in.query(
        "select id, row_key from sharding_changes where slot = $1 and table_name = $2 order by id limit $3",
        {slot, table_.name, static_cast<std::int64_t>(most)});
    change_list out;
    for (auto const& row : found) {
      out.ids.push_back(row.get<std::int64_t>(0));
      out.keys.each_key.push_back(value_of(row[1]));
    }
    out.keys.count = out.ids.size();
    co_return out;
  }

  task<> write(db::transaction& to, batch const& rows) override {
    for (auto const& row : rows.values)
      co_await to.execute(fmt::format("insert into {} ({}) values ({}) on conflict ({}) do update set {}", name_,
                                      columns_.names, columns_.marks, key_, columns_.sets),
                          row);
  }

  task<> remove_missing(db::transaction& to, std::uint32_t slot, batch const& keys, batch const& found) override {
    for (auto const& k : keys.each_key) {
      bool is_there = false;
      for (auto const& f : found.each_key) is_there = is_there || octets_of(f) == octets_of(k);
      if (!is_there)
        co_await to.execute(fmt::format("delete from {} where {} = $1 and {} = $2", name_, slot_, key_), {slot, k});
    }
  }

  task<std::int64_t> remove_some(db::transaction& from, std::uint32_t slot, std::size_t most) override {
    return from.execute(
        fmt::format("delete from {0} where {2} in (select {2} from {0} where {1} = $1 limit $2)", name_, slot_, key_),
        {slot, static_cast<std::int64_t>(most)});
  }

  task<content> sum(db::session& in, std::uint32_t slot) override {
    std::uint64_t total = 0;
    content out;
    for (std::string after;;) {
      auto const part = co_await read(in, slot, after, 1000);
      for (auto const& row : part.values) {
        std::string octets;
        for (auto const& v : row) octets += octets_of(v);
        total += hash_of(key{octets});
      }
      out.rows += static_cast<std::int64_t>(part.count);
      if (part.count == 0) break;
      after = part.last;
    }
    out.checksum = std::to_string(total);
    co_return out;
  }

  task<std::optional<relabelled>> relabel(db::transaction& in, rows_to_relabel what, std::string after,
                                          std::size_t most) override {
    db::values part{what.slot, static_cast<std::int64_t>(most)};
    auto const above = above_key(after, part);
    auto const found = co_await in.query(
        fmt::format("select {0} from (select {0} from {1} where {2} = $1{3} order by {0} limit $2) order by {0} desc "
                    "limit 1",
                    key_, name_, slot_, above),
        std::move(part));
    if (found.empty()) co_return std::nullopt;
    auto const last = value_of(found[0][0]);
    db::values with{what.slot, what.into, last};
    auto const which = above_key(after, with) + from_bound(what, db::dialect::sqlite, with);
    auto const count = co_await in.execute(
        fmt::format("update {0} set {1} = $2 where {1} = $1 and {2} <= $3{3}", name_, slot_, key_, which),
        std::move(with));
    co_return relabelled{position_of(last), count};
  }

 private:
  std::string above_key(std::string const& after, db::values& with) const {
    if (after.empty()) return "";
    with.push_back(from_position(after));
    return fmt::format(" and {} > ${}", key_, with.size());
  }
  batch take(db::rows const& found) const {
    batch out;
    for (std::size_t r = 0; r < found.size(); ++r) {
      db::values row;
      for (std::size_t c = 0; c < columns_.count; ++c) row.push_back(value_of(found.at(r, c)));
      out.values.push_back(std::move(row));
    }
    note_keys(out);
    return out;
  }
  void note_keys(batch& out) const {
    out.count = out.values.size();
    out.each_key.clear();
    for (auto const& row : out.values) out.each_key.push_back(row[columns_.key]);
  }

  described_columns columns_;
  std::string name_, slot_, key_;
};

}  // namespace

task<std::unique_ptr<row_carrier>> make_sqlite_carrier(db::session& in, table const& t) {
  auto const found =
      co_await in.query("select name, type from pragma_table_xinfo($1) where hidden = 0 order by name", {t.name});
  if (found.empty())
    throw startup_error{exit_code::data,
                        fmt::format("the table {} is not on every node: run `slipway migrate up`", t.name)};
  described_columns c;
  for (auto const& row : found) {
    auto const column = row.get<std::string>(0);
    auto const name = quoted(column);
    auto const comma = c.names.empty() ? "" : ", ";
    c.names += comma + name;
    c.signature += fmt::format("{}{} {}", comma, column, row.get<std::string>(1));
    c.marks += fmt::format("{}${}", comma, c.count + 1);
    if (column == t.key)
      c.key = c.count;
    else
      c.sets += fmt::format("{}{} = excluded.{}", c.sets.empty() ? "" : ", ", name, name);
    ++c.count;
  }
  co_return std::make_unique<sqlite_carrier>(t, std::move(c));
}

}  // namespace slipway::sharding
