// SQLite: columns can be added and dropped; for everything else the table is made anew and its rows are copied, as
// https://www.sqlite.org/lang_altertable.html, section 7, says. Its checks, defaults, foreign keys, indexes and
// triggers come from the statements that the database keeps.
#include <slipway/migrations/alterations.hpp>
#include <slipway/migrations/indexes.hpp>
#include <slipway/migrations/table_text.hpp>
#include <slipway/migrations/tokens.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace slipway::migrations {
namespace {

using kind = difference::kind;

class sqlite_alterations final : public alterations {
 public:
  using alterations::alterations;

 private:
  std::string generated_key() const override { return "INTEGER PRIMARY KEY"; }
  std::string table_options(db::table_info const& table) const override {
    auto const has_key = table.key != db::no_column && wanted_type(table, table.key).family != family::integer;
    return has_key ? " WITHOUT ROWID, STRICT" : " STRICT";
  }

  void alter(changes const& of_one_table) override {
    changes anew, others;
    for (auto const* d : of_one_table) {
      auto const changes_null = d->what == kind::must_be_nullable || d->what == kind::must_not_be_null ||
                                (d->what == kind::unknown_column && d->blocks_inserts);
      // A type that may lose something waits until it was asked for.
      if (changes_null || (d->what == kind::other_type && !d->loses)) anew.push_back(d);
      if (d->what != kind::must_be_nullable && d->what != kind::must_not_be_null &&
          (d->what != kind::other_type || d->loses))
        others.push_back(d);
    }
    if (!anew.empty()) make_anew(anew);
    for (auto const* d : others) {
      if (d->what == kind::missing_column) add_column(*d);
      if (d->what == kind::unknown_column) drop_column(*d);
      if (d->what == kind::other_type) set_type(*d);
      if (d->what == kind::missing_index) add_index(*d);
    }
  }

  void add_column(difference const& d) override {
    std::string remark;
    auto definition = added_definition(d, remark);
    std::string index;
    if (auto const to = reference_of(*d.model->table, d.member)) {
      // SQLite takes a reference in an added column only where that may be null.
      if (is_optional(*d.model->table, d.member))
        definition += fmt::format(" REFERENCES {} ({})", in_quotes(to->table), in_quotes(to->column));
      if (!leads_an_index(*d.model->table, d.member)) index = in_quotes(fmt::format("{}_{}", d.table, d.column));
    }
    put(phase::expand,
        fmt::format("{}ALTER TABLE {} ADD COLUMN {} {};", remark, in_quotes(d.table), in_quotes(d.column), definition),
        fmt::format("ALTER TABLE {} DROP COLUMN {};", in_quotes(d.table), in_quotes(d.column)));
    if (!index.empty())
      put(phase::expand, fmt::format("CREATE INDEX {} ON {} ({});", index, in_quotes(d.table), in_quotes(d.column)),
          fmt::format("DROP INDEX {};", index));
  }

  void add_index(difference const& d) override {
    auto const name = free_name(d);
    auto text = create_index(*d.model->table, *d.index, name);
    if (d.index->unique)
      text = fmt::format("-- Nothing of this is done while a value is there twice. What is:\n-- {};\n{}",
                         duplicates_query(*d.model->table, *d.index), text);
    put(d.index->unique ? phase::checked : phase::expand, std::move(text),
        fmt::format("DROP INDEX {};", in_quotes(name)));
  }

  void drop_column(difference const& d) override {
    std::string first, after;
    if (auto const* const state = state_of(d.table))
      for (auto const& made_by : state->belongings) {
        tokens words{made_by};
        words.take("CREATE");
        words.take("UNIQUE");
        if (!words.take("INDEX") || !names(made_by, d.column)) continue;
        words.take("IF NOT EXISTS");
        first += fmt::format("DROP INDEX {};\n", in_quotes(words.take_name()));
        after += "\n" + made_by + ";";
      }
    put_destructive(phase::contract,
                    fmt::format("{}.{} is not in the model. What it holds is lost.", d.table, d.column),
                    fmt::format("{}ALTER TABLE {} DROP COLUMN {};", first, in_quotes(d.table), in_quotes(d.column)),
                    fmt::format("ALTER TABLE {} ADD COLUMN {} {};{}", in_quotes(d.table), in_quotes(d.column),
                                former_definition(d), after));
  }

  void set_type(difference const& d) override {
    changes const only{&d};
    auto before = std::exchange(plan_[phase::expand], section{});
    make_anew(only);
    auto made = std::exchange(plan_[phase::expand], std::move(before));
    auto& contract = plan_[phase::contract];
    contract.foreign_keys_off = destructive_;
    put_destructive(phase::contract,
                    fmt::format("{}.{} is {} and shall be {}: this fails where a value does not fit, and programs of "
                                "before do not understand it. It wants `-- foreign keys off` above `-- up`.",
                                d.table, d.column, there(d), wanted(d)),
                    std::move(made.up.back()), made.down.empty() ? std::string{} : std::move(made.down.back()));
  }

  void allow_null(difference const&) override {}   // make_anew
  void forbid_null(difference const&) override {}  // make_anew

  // The name as a whole word: `id` is not in `owner_id`.
  static bool names(std::string_view made_by, std::string_view column) {
    auto const is_word = [](char c) {
      return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    };
    for (auto at = made_by.find(column); at != std::string_view::npos; at = made_by.find(column, at + 1)) {
      auto const end = at + column.size();
      if ((at == 0 || !is_word(made_by[at - 1])) && (end == made_by.size() || !is_word(made_by[end]))) return true;
    }
    return false;
  }

  void make_anew(changes const& of_one_table) {
    auto const& table = of_one_table.front()->table;
    auto const* const state = state_of(table);
    if (state == nullptr)
      return put(
          phase::expand,
          fmt::format("-- {} has to be made anew, and no SQLite database was looked at: do it by hand.\nSELECT 1;",
                      table),
          {});
    table_text after{state->made_by};
    std::string remarks;
    std::vector<std::pair<std::string, std::string>> fill, fill_back;
    for (auto const* d : of_one_table) {
      if (d->what == kind::other_type) {
        after.set_type(d->column, wanted(*d));
      } else if (d->what == kind::must_not_be_null) {
        remarks +=
            fmt::format("-- Programs of before that write a null into {}.{} fail from now on.\n", table, d->column);
        fill.emplace_back(d->column, initial(*d, remarks));
        after.set_nullable(d->column, false);
      } else {
        remarks += fmt::format("-- Mind that {}.\n", no_null_for_old(*d));
        fill_back.emplace_back(d->column, empty_literal(read_type(d->there, view_.found_on), dialect()));
        after.set_nullable(d->column, true);
      }
    }
    plan_[phase::expand].foreign_keys_off = true;
    put(phase::expand, remarks + copied(*state, after, fill), copied(*state, table_text{state->made_by}, fill_back));
  }

  std::string copied(table_state const& state, table_text const& to,
                     std::vector<std::pair<std::string, std::string>> const& fill) const {
    auto const name = in_quotes(state.name), other = in_quotes(state.name + "_anew");
    std::string columns, values;
    for (auto const& c : state.columns) {
      if (c.generated) continue;
      auto const column = in_quotes(c.name);
      auto const filled = std::ranges::find(fill, c.name, &std::pair<std::string, std::string>::first);
      columns += (columns.empty() ? "" : ", ") + column;
      values += (values.empty() ? "" : ", ") +
                (filled == fill.end() ? column : fmt::format("coalesce({}, {})", column, filled->second));
    }
    auto out = to.text(other) + ";\n";
    out += fmt::format("INSERT INTO {} ({}) SELECT {} FROM {};\n", other, columns, values, name);
    out += fmt::format("-- lint: allow drop-table: it is made anew in the same transaction\nDROP TABLE {};\n", name);
    out += fmt::format("ALTER TABLE {} RENAME TO {};", other, name);
    for (auto const& belonging : state.belongings) out += "\n" + belonging + ";";
    // Views that look at the table would stop the change of its name.
    if (view_.state->has_views) out = "PRAGMA legacy_alter_table = ON;\n" + out + "\nPRAGMA legacy_alter_table = OFF;";
    return out;
  }
};

}  // namespace

std::unique_ptr<alterations> make_sqlite_alterations(db::models const& m, engine_view const& v, bool destructive) {
  return std::make_unique<sqlite_alterations>(m, v, destructive);
}

}  // namespace slipway::migrations
