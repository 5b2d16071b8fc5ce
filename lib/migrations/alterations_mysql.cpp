// MySQL and MariaDB: every ALTER says how the server may do it, so that it refuses rather than keeps writers waiting
// without a word. MODIFY wants the whole definition of a column, which is taken from what the server says it is.
#include <slipway/migrations/alterations.hpp>
#include <slipway/migrations/indexes.hpp>
#include <slipway/migrations/table_text.hpp>

#include <fmt/format.h>

#include <set>

namespace slipway::migrations {
namespace {

constexpr char const* in_place = ", ALGORITHM=INPLACE, LOCK=NONE;";
constexpr char const* by_copy = ", ALGORITHM=COPY, LOCK=SHARED;";
constexpr char const* in_place_for_readers = ", ALGORITHM=INPLACE, LOCK=SHARED;";

// An index takes 3072 octets at most, four for a character; of longer texts, so many characters.
constexpr std::uint64_t longest_whole_text = 750;
constexpr unsigned beginning_of_text = 191;

// MariaDB copies a table to say a column with a check anew, as every one of its JSON columns has.
char const* how_to_say(std::string const& definition) noexcept {
  return definition.find("CHECK (") != std::string::npos ? by_copy : in_place;
}

class mysql_alterations final : public alterations {
 public:
  using alterations::alterations;

 private:
  std::string generated_key() const override { return "bigint AUTO_INCREMENT PRIMARY KEY"; }
  bool has_inline_references() const override { return false; }
  bool indexes_references() const override { return true; }
  bool has_inline_indexes() const override { return true; }
  std::string table_options(db::table_info const& table) const override {
    auto const& parts = table.partitions;
    if (parts.kind != db::partition_kind::range) return {};
    return fmt::format(" PARTITION BY RANGE COLUMNS ({}) (PARTITION rest VALUES LESS THAN (MAXVALUE))",
                       in_quotes(table.column(parts.column)));
  }

  void add_column(difference const& d) override {
    std::string remark;
    auto const table = in_quotes(d.table), column = in_quotes(d.column);
    auto const definition = added_definition(d, remark);
    put(phase::expand, fmt::format("{}ALTER TABLE {} ADD COLUMN {} {}{}", remark, table, column, definition, in_place),
        fmt::format("ALTER TABLE {} DROP COLUMN {};", table, column));
    auto const to = reference_of(*d.model->table, d.member);
    if (!to) return;
    auto const name = constraint(d, "fkey");
    put(phase::checked,
        fmt::format("-- The table can be read and not written meanwhile.\nALTER TABLE {} ADD CONSTRAINT {} FOREIGN KEY "
                    "({}) REFERENCES {} ({}){}",
                    table, name, column, in_quotes(to->table), in_quotes(to->column), by_copy),
        fmt::format("ALTER TABLE {0} DROP FOREIGN KEY {1};\nALTER TABLE {0} DROP INDEX {1};", table, name));
  }

  std::string index_columns(db::table_info const& table, db::index_rule const& rule) const override {
    std::string out;
    for (auto const column : rule.columns()) {
      auto const name = table.column(column);
      auto type = wanted_type(table, column);
      auto const* const state = state_of(table.name);
      if (auto const* const there = state == nullptr ? nullptr : state->find(name); there != nullptr)
        type = read_type(there->type, dialect());
      else
        type = read_type(sql_type(type, dialect(), true), dialect());
      out += (out.empty() ? "" : ", ") + in_quotes(name);
      auto const is_long = type.family == family::text && (type.size == 0 || type.size > longest_whole_text);
      if (is_long && !rule.unique) out += fmt::format("({})", beginning_of_text);
    }
    if (rule.unique && rule.where) out += ", " + in_quotes(marker_name(table, rule));
    return out;
  }
  std::string more_columns(db::table_info const& table) const override {
    std::string out;
    std::set<std::string> markers;
    for (auto const& rule : table.indexes())
      if (rule.unique && rule.where && markers.insert(marker_name(table, rule)).second)
        out += fmt::format(",\n  {} {}", in_quotes(marker_name(table, rule)), marker_definition(table, rule));
    return out;
  }

  void add_index(difference const& d) override {
    auto const& table = *d.model->table;
    auto const& rule = *d.index;
    auto const name = in_quotes(free_name(d)), of = in_quotes(d.table), columns = index_columns(table, rule);
    auto const drop = drop_index(d, name);
    if (!rule.unique)
      return put(phase::expand, fmt::format("ALTER TABLE {} ADD INDEX {} ({}){}", of, name, columns, in_place), drop);
    auto remark = fmt::format("-- Nothing of this is done while a value is there twice. What is:\n-- {};\n",
                              duplicates_query(table, rule));
    auto const* how = in_place;
    if (rule.where) {
      add_marker(d);
      how = in_place_for_readers;
      remark += "-- The table can be read and not written meanwhile.\n";
    }
    if (has_endless_text(table, rule)) {
      how = by_copy;
      remark +=
          "-- The table can be read and not written meanwhile. MySQL, other than MariaDB, wants a column with a length "
          "for this: make it a varchar first.\n";
    }
    put(phase::checked, fmt::format("{}ALTER TABLE {} ADD CONSTRAINT {} UNIQUE ({}){}", remark, of, name, columns, how),
        drop);
  }

  // A foreign key may use the index: then it needs another.
  std::string drop_index(difference const& d, std::string const& name) const {
    auto const& table = *d.model->table;
    auto const first = d.index->columns().front();
    auto const instead =
        reference_of(table, first) ? fmt::format("ADD INDEX ({}), ", in_quotes(table.column(first))) : std::string{};
    return fmt::format("ALTER TABLE {} {}DROP INDEX {};", in_quotes(d.table), instead, name);
  }

  void add_marker(difference const& d) {
    auto const name = marker_name(*d.model->table, *d.index);
    auto const* const state = state_of(d.table);
    if ((state != nullptr && state->find(name) != nullptr) || !markers_.insert(d.table + "." + name).second) return;
    put(phase::expand,
        fmt::format("-- MySQL has no index of a part of the rows: what is null in one of its columns is never twice.\n"
                    "ALTER TABLE {} ADD COLUMN {} {}{}",
                    in_quotes(d.table), in_quotes(name), marker_definition(*d.model->table, *d.index), in_place),
        fmt::format("ALTER TABLE {} DROP COLUMN {};", in_quotes(d.table), in_quotes(name)));
  }

  bool has_endless_text(db::table_info const& table, db::index_rule const& rule) const {
    auto const* const state = state_of(table.name);
    for (auto const column : rule.columns()) {
      auto const* const there = state == nullptr ? nullptr : state->find(table.column(column));
      if (there != nullptr && there->type.ends_with("text")) return true;
    }
    return false;
  }

  void drop_column(difference const& d) override {
    std::string first, after;
    if (auto const* const state = state_of(d.table))
      for (auto const& key : table_text{state->made_by}.foreign_keys_of(d.column)) {
        first +=
            fmt::format("ALTER TABLE {} DROP FOREIGN KEY {}{}\n", in_quotes(d.table), in_quotes(key.name), in_place);
        after += fmt::format("\nALTER TABLE {} ADD {};", in_quotes(d.table), key.text);
      }
    put_destructive(
        phase::contract, fmt::format("{}.{} is not in the model. What it holds is lost.", d.table, d.column),
        first + fmt::format("ALTER TABLE {} DROP COLUMN {}{}", in_quotes(d.table), in_quotes(d.column), in_place),
        fmt::format("ALTER TABLE {} ADD COLUMN {} {};", in_quotes(d.table), in_quotes(d.column), former_definition(d)) +
            after);
  }

  // The column's definition as it is, with another type or nullability.
  template <class F>
  std::string definition(difference const& d, std::string_view fallback_type, bool fallback_null, F change) const {
    auto const* const state = state_of(d.table);
    if (state == nullptr) return fmt::format("{}{}", fallback_type, fallback_null ? "" : " NOT NULL");
    table_text text{state->made_by};
    change(text);
    return text.definition(d.column);
  }
  std::string as_it_is(difference const& d) const {
    return definition(d, there(d), d.was_nullable, [](table_text&) {});
  }
  std::string modify(difference const& d, std::string const& definition, char const* how) const {
    return fmt::format("ALTER TABLE {} MODIFY COLUMN {} {}{}", in_quotes(d.table), in_quotes(d.column), definition,
                       how);
  }

  void set_type(difference const& d) override {
    auto const change = modify(
        d, definition(d, wanted(d), d.was_nullable, [&](table_text& t) { t.set_type(d.column, wanted(d)); }), by_copy);
    auto const back = "-- This fails where a value does not fit any more.\n" + modify(d, as_it_is(d), ";");
    if (d.loses)
      return put_destructive(phase::contract,
                             fmt::format("{}.{} is {} and shall be {}: this fails where a value does not fit, and "
                                         "programs of before do not understand it.",
                                         d.table, d.column, there(d), wanted(d)),
                             change, back);
    put(phase::expand,
        "-- The table can be read and not written meanwhile; for a large one see docs/migrations.md, \"A wider "
        "type\".\n" +
            change,
        back);
  }

  void allow_null(difference const& d) override {
    auto const nullable = definition(d, there(d), true, [&](table_text& t) { t.set_nullable(d.column, true); });
    put(phase::expand,
        fmt::format("-- Mind that {}.\n{}", no_null_for_old(d), modify(d, nullable, how_to_say(nullable))),
        fmt::format("UPDATE {0} SET {1} = {2} WHERE {1} IS NULL;\n{3}", in_quotes(d.table), in_quotes(d.column),
                    empty_literal(read_type(d.there, view_.found_on), dialect()), modify(d, as_it_is(d), ";")));
  }

  void forbid_null(difference const& d) override {
    std::string remark;
    auto const value = initial(d, remark);
    auto const strict = definition(d, there(d), false, [&](table_text& t) { t.set_nullable(d.column, false); });
    put(phase::checked,
        fmt::format("{}-- Programs of before that write a null here fail from now on.\nUPDATE {} SET {} = {} WHERE {} "
                    "IS NULL;\n{}",
                    remark, in_quotes(d.table), in_quotes(d.column), value, in_quotes(d.column),
                    modify(d, strict, how_to_say(strict))),
        modify(d, as_it_is(d), ";"));
  }

  std::set<std::string> markers_;
};

}  // namespace

std::unique_ptr<alterations> make_mysql_alterations(db::models const& m, engine_view const& v, bool destructive) {
  return std::make_unique<mysql_alterations>(m, v, destructive);
}

}  // namespace slipway::migrations
