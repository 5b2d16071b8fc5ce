// PostgreSQL: a batch is one JSON text, made and read by the servers themselves. Each value in it is the text that its
// type has, so that every type survives: what JSON itself says of values is less (its null is that of a jsonb column,
// too, and not only SQL's).
#include <slipway/sharding/rows.hpp>

#include <slipway/core/errors.hpp>

#include <fmt/format.h>

namespace slipway::sharding {
namespace {

struct described_columns {
  std::string names, sets, signature, key_type;
  // For reading a value as text, for a record of texts, and for making values of them.
  std::string texts, record, casts;
};

// On these depends how some types are written as text, and both nodes have to write alike. Until the end of the
// transaction.
constexpr char const* written_alike =
    "select set_config('datestyle', 'ISO', true), set_config('intervalstyle', 'postgres', true), "
    "set_config('timezone', "
    "'UTC', true), set_config('bytea_output', 'hex', true), set_config('extra_float_digits', '1', true), "
    "set_config('lc_monetary', 'C', true), set_config('xmloption', 'content', true)";

class postgres_carrier final : public row_carrier {
 public:
  postgres_carrier(table const& t, described_columns c)
      : row_carrier{t}, columns_{std::move(c)}, name_{quoted(t.name)}, slot_{quoted(t.slot)}, key_{quoted(t.key)} {}

  std::string const& columns() const noexcept override { return columns_.signature; }

  task<batch> read(db::session& in, std::uint32_t slot, std::string after, std::size_t most) override {
    db::values with{slot, static_cast<std::int64_t>(most)};
    if (!after.empty()) with.emplace_back(after);
    // Keys are in the order of their type, and not in that of their texts, which have the columns' names.
    auto const sql = fmt::format(
        "select coalesce(json_agg(row_to_json(b.*) order by sharding_key), '[]')::text, count(*), (array_agg({1} order "
        "by "
        "sharding_key desc))[1] from (select {0}, {2}.{1} as sharding_key from {2} where {3} = $1{4} order by {2}.{1} "
        "limit $2) b",
        columns_.texts, key_, name_, slot_,
        after.empty() ? "" : fmt::format(" and {} > $3::text::{}", key_, columns_.key_type));
    auto const found = co_await in.transaction([&](db::transaction& tx) -> task<db::rows> {
      co_await tx.query(written_alike);
      co_return co_await tx.query(sql, with);
    });
    batch out;
    out.rows = found[0].get<std::string>(0);
    out.count = found[0].get<std::size_t>(1);
    out.last = found[0].get<std::optional<std::string>>(2).value_or("");
    co_return out;
  }

  task<batch> read_keys(db::transaction& in, std::uint32_t slot, batch const& keys) override {
    co_await in.query(written_alike);
    auto const found = co_await in.query(
        fmt::format("select coalesce(json_agg(row_to_json(b.*)), '[]')::text, coalesce(json_agg(b.{1}), '[]')::text, "
                    "count(*) from (select {0} from {2} where {3} = $1 and {1} in (select value::{4} from "
                    "json_array_elements_text($2::text::json))) b",
                    columns_.texts, key_, name_, slot_, columns_.key_type),
        {slot, keys.keys});
    batch out;
    out.rows = found[0].get<std::string>(0);
    out.keys = found[0].get<std::string>(1);
    out.count = found[0].get<std::size_t>(2);
    co_return out;
  }

  task<change_list> changes(db::session& in, std::uint32_t slot, std::size_t most) override {
    auto const found = co_await in.query(
        "select id, json_agg(row_key) over ()::text from (select id, row_key from sharding_changes where slot = $1 and "
        "table_name = $2 order by id limit $3) c",
        {slot, table_.name, static_cast<std::int64_t>(most)});
    change_list out;
    for (auto const& row : found) out.ids.push_back(row.get<std::int64_t>(0));
    if (!found.empty()) out.keys.keys = found[0].get<std::string>(1);
    out.keys.count = out.ids.size();
    co_return out;
  }

  task<> write(db::transaction& to, batch const& rows) override {
    if (rows.count == 0) co_return;
    co_await to.query(written_alike);
    co_await to.execute(
        fmt::format(
            "insert into {0} ({1}) overriding system value select {2} from json_to_recordset($1::text::json) as "
            "r ({3}) on conflict ({4}) do update set {5}",
            name_, columns_.names, columns_.casts, columns_.record, key_, columns_.sets),
        {rows.rows});
  }

  task<> remove_missing(db::transaction& to, std::uint32_t slot, batch const& keys, batch const& found) override {
    co_await to.query(written_alike);
    co_await to.execute(
        fmt::format(
            "delete from {0} where {1} = $1 and {2} in (select value::{3} from json_array_elements_text($2::text::json)"
            ") and {2}::text not in (select value from json_array_elements_text($3::text::json))",
            name_, slot_, key_, columns_.key_type),
        {slot, keys.keys, found.keys});
  }

  task<std::int64_t> remove_some(db::transaction& from, std::uint32_t slot, std::size_t most) override {
    return from.execute(
        fmt::format("delete from {0} where {2} in (select {2} from {0} where {1} = $1 limit $2)", name_, slot_, key_),
        {slot, static_cast<std::int64_t>(most)});
  }

  task<content> sum(db::session& in, std::uint32_t slot) override {
    // The sum of 60 bits of each row's hash: the order of rows does not count, and every bit of every column does.
    auto const found = co_await in.transaction([&](db::transaction& tx) -> task<db::rows> {
      co_await tx.query(written_alike);
      co_return co_await tx.query(
          fmt::format("select count(*), coalesce(sum(('x' || substr(md5(row({0})::text), 1, 15))::bit(60)::bigint), "
                      "0)::text from {1} where {2} = $1",
                      columns_.names, name_, slot_),
          {slot});
    });
    co_return content{found[0].get<std::int64_t>(0), found[0].get<std::string>(1)};
  }

  task<std::optional<relabelled>> relabel(db::transaction& in, rows_to_relabel what, std::string after,
                                          std::size_t most) override {
    db::values part{what.slot, static_cast<std::int64_t>(most)};
    auto const above = above_key(after, part);
    auto const found = co_await in.query(
        fmt::format("select {0}::text from (select {0} from {1} where {2} = $1{3} order by {0} limit $2) "
                    "p order by {0} desc limit 1",
                    key_, name_, slot_, above),
        std::move(part));
    if (found.empty()) co_return std::nullopt;
    relabelled out{.last = found[0].get<std::string>(0)};
    // Whoever holds a row is not waited for: two that wait for each other would end one of them.
    db::values with{what.slot, what.into, out.last};
    auto const which = above_key(after, with) + from_bound(what, db::dialect::postgres, with);
    out.count = co_await in.execute(
        fmt::format("update {0} set {1} = $2 where {2} in (select {2} from {0} where {1} = $1 and {2} <= "
                    "$3::text::{3}{4} for update skip locked)",
                    name_, slot_, key_, columns_.key_type, which),
        std::move(with));
    co_return out;
  }

 private:
  std::string above_key(std::string const& after, db::values& with) const {
    if (after.empty()) return "";
    with.emplace_back(after);
    return fmt::format(" and {} > ${}::text::{}", key_, with.size(), columns_.key_type);
  }

  described_columns columns_;
  std::string name_, slot_, key_;
};

}  // namespace

task<std::unique_ptr<row_carrier>> make_postgres_carrier(db::session& in, table const& t) {
  // Generated columns come about by themselves.
  auto const found = co_await in.query(
      "select attname::text, format_type(atttypid, atttypmod) from pg_attribute where attrelid = "
      "to_regclass(quote_ident($1)) and attnum > 0 and not attisdropped and attgenerated = '' order by attname",
      {t.name});
  if (found.empty())
    throw startup_error{exit_code::data,
                        fmt::format("the table {} is not on every node: run `slipway migrate up`", t.name)};
  described_columns c;
  for (auto const& row : found) {
    auto const column = row.get<std::string>(0), type = row.get<std::string>(1);
    auto const name = quoted(column);
    auto const* comma = c.names.empty() ? "" : ", ";
    c.names += comma + name;
    c.texts += fmt::format("{0}{1}::text as {1}", comma, name);
    c.record += fmt::format("{}{} text", comma, name);
    c.casts += fmt::format("{}{}::{}", comma, name, type);
    c.signature += (c.signature.empty() ? "" : ", ") + column + " " + type;
    if (column == t.key)
      c.key_type = type;
    else
      c.sets += fmt::format("{}{} = excluded.{}", c.sets.empty() ? "" : ", ", name, name);
  }
  co_return std::make_unique<postgres_carrier>(t, std::move(c));
}

}  // namespace slipway::sharding
