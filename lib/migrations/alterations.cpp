#include <slipway/migrations/alterations.hpp>
#include <slipway/migrations/indexes.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace slipway::migrations {

using kind = difference::kind;

alterations::alterations(db::models const& models, engine_view const& view, bool destructive)
    : view_{view}, destructive_{destructive}, models_{models} {}

void alterations::put(phase p, std::string up, std::string down) {
  auto& section = plan_[p];
  section.up.push_back(std::move(up));
  if (!down.empty()) section.down.push_back(std::move(down));
}

void alterations::put_destructive(phase p, std::string const& why, std::string up, std::string down) {
  auto const remark = fmt::format("-- {}\n", why);
  if (destructive_) return put(p, remark + up, std::move(down));
  auto const commented = [](std::string text) {
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos;) text.insert(++at, "-- ");
    return "-- " + text;
  };
  plan_[p].up.push_back(
      remark + "-- It is left to you: take the marks away, or the whole file, before it is applied.\n" + commented(up));
  if (!down.empty()) plan_[p].down.push_back(commented(down));
}

plan alterations::write() {
  std::vector<db::model const*> under_way;
  for (auto const& d : view_.found)
    if (d.what == kind::missing_table) create_after(*d.model, created_, under_way);
  changes of_one;
  auto const end_table = [&] {
    if (!of_one.empty()) alter(of_one);
    of_one.clear();
  };
  for (auto const& d : view_.found) {
    if (d.what == kind::missing_table || d.what == kind::unknown_table) continue;
    if (!of_one.empty() && of_one.front()->table != d.table) end_table();
    of_one.push_back(&d);
  }
  end_table();
  for (auto const& d : view_.found)
    if (d.what == kind::unknown_table) drop_table(d);
  return std::move(plan_);
}

void alterations::alter(changes const& of_one_table) {
  for (auto const* d : of_one_table) switch (d->what) {
      case kind::missing_column: add_column(*d); break;
      case kind::unknown_column:
        if (d->blocks_inserts) allow_null(*d);
        drop_column(*d);
        break;
      case kind::other_type: set_type(*d); break;
      case kind::must_be_nullable: allow_null(*d); break;
      case kind::must_not_be_null: forbid_null(*d); break;
      case kind::missing_index: add_index(*d); break;
      case kind::missing_table:
      case kind::unknown_table: break;
    }
}

bool alterations::is_missing(std::string_view table) const noexcept {
  return std::ranges::any_of(
      view_.found, [table](difference const& d) { return d.what == kind::missing_table && d.table == table; });
}

bool alterations::is_there_to_refer_to(db::table_info const& from, std::string_view table) const noexcept {
  return from.name == table || !is_missing(table) || dialect() == db::dialect::sqlite ||
         std::ranges::any_of(created_, [table](db::model const* m) { return m->table->name == table; });
}

// Tables that others refer to come first.
void alterations::create_after(db::model const& m, std::vector<db::model const*>& done,
                               std::vector<db::model const*>& under_way) {
  auto const is_in = [&m](auto const& list) { return std::ranges::find(list, &m) != list.end(); };
  if (is_in(done) || is_in(under_way)) return;
  under_way.push_back(&m);
  for (std::uint8_t i = 0; i < m.table->row->members.size(); ++i)
    if (auto const to = reference_of(*m.table, i))
      for (auto const& other : models_)
        if (other.table->name == to->table && is_missing(to->table)) create_after(other, done, under_way);
  create(m);
  done.push_back(&m);
}

std::string alterations::table_options(db::table_info const&) const { return {}; }

std::string alterations::column_line(db::model const& m, std::uint8_t member, std::size_t width) const {
  auto const& table = *m.table;
  auto const type = wanted_type(table, member);
  auto out = fmt::format("  {:<{}} ", in_quotes(table.column(member)), width);
  auto const parted = table.partitions.kind != db::partition_kind::none && dialect() != db::dialect::sqlite;
  if (member == table.key && !parted) {
    if (type.family == family::integer) return out + generated_key();
    out += sql_type(type, dialect(), true) + " PRIMARY KEY";
    if (dialect() == db::dialect::sqlite && type.family == family::uuid)
      out += fmt::format(" CHECK (length({}) = 16)", in_quotes(table.column(member)));
    return out;
  }
  out += sql_type(type, dialect(), is_in_a_key(table, member));
  if (!is_optional(table, member)) out += " NOT NULL";
  auto const to = reference_of(table, member);
  if (to && has_inline_references() && is_there_to_refer_to(table, to->table))
    out += fmt::format(" REFERENCES {} ({})", in_quotes(to->table), in_quotes(to->column));
  return out;
}

bool alterations::is_inline(db::index_rule const& rule) const {
  return has_inline_indexes() || (rule.unique && !rule.where);
}

std::string alterations::index_lines(db::table_info const& table) const {
  std::string out;
  for (auto const& rule : table.indexes()) {
    if (!is_inline(rule)) continue;
    auto const name = in_quotes(index_name(table, rule)), columns = index_columns(table, rule);
    out += rule.unique ? fmt::format(",\n  CONSTRAINT {} UNIQUE ({})", name, columns)
                       : fmt::format(",\n  INDEX {} ({})", name, columns);
  }
  return out;
}

std::string alterations::index_columns(db::table_info const& table, db::index_rule const& rule) const {
  return quoted_columns(table, rule);
}

std::string alterations::create_index(db::table_info const& table, db::index_rule const& rule, std::string const& name,
                                      std::string_view how) const {
  auto const condition = condition_of(table, rule);
  return fmt::format("CREATE {}INDEX {}{} ON {} ({}){}{};", rule.unique ? "UNIQUE " : "", how, in_quotes(name),
                     in_quotes(table.name), index_columns(table, rule), condition.empty() ? "" : " WHERE ", condition);
}

void alterations::create(db::model const& m) {
  auto const& table = *m.table;
  auto const& members = table.row->members;
  std::size_t width = 0;
  for (auto const& each : members) width = std::max(width, in_quotes(each.name).size());
  std::string text = fmt::format("CREATE TABLE {} (", in_quotes(table.name)), indexes, remarks;
  for (std::uint8_t i = 0; i < members.size(); ++i) {
    text += (i == 0 ? "\n" : ",\n") + column_line(m, i, width);
    auto const to = reference_of(table, i);
    if (to && !is_there_to_refer_to(table, to->table))
      remarks +=
          fmt::format("-- {0} and {1} refer to each other: a foreign key of {0}.{2} has to be added afterwards.\n",
                      table.name, to->table, members[i].name);
    if (to && !indexes_references() && !leads_an_index(table, i))
      indexes +=
          fmt::format("\nCREATE INDEX {} ON {} ({});", in_quotes(fmt::format("{}_{}", table.name, members[i].name)),
                      in_quotes(table.name), in_quotes(members[i].name));
  }
  if (!has_inline_references())
    for (std::uint8_t i = 0; i < members.size(); ++i)
      if (auto const to = reference_of(table, i); to && is_there_to_refer_to(table, to->table))
        text += fmt::format(",\n  FOREIGN KEY ({}) REFERENCES {} ({})", in_quotes(members[i].name),
                            in_quotes(to->table), in_quotes(to->column));
  if (auto const& parts = table.partitions;
      parts.kind != db::partition_kind::none && dialect() != db::dialect::sqlite && table.key != db::no_column) {
    text += fmt::format(",\n  PRIMARY KEY ({}", in_quotes(table.column(table.key)));
    text += parts.column != table.key ? fmt::format(", {})", in_quotes(table.column(parts.column))) : ")";
  }
  text += more_columns(table) + index_lines(table);
  for (auto const& rule : table.indexes())
    if (!is_inline(rule)) indexes += "\n" + create_index(table, rule, index_name(table, rule));
  text += "\n)" + table_options(table) + ";" + indexes;
  put(phase::expand, remarks + text, fmt::format("DROP TABLE {};", in_quotes(table.name)));
}

void alterations::drop_table(difference const& d) {
  put_destructive(phase::contract,
                  fmt::format("{} has no model any more. Its rows are lost; only a backup has them.", d.table),
                  fmt::format("DROP TABLE {};", in_quotes(d.table)), {});
  plan_[phase::contract].irreversible = destructive_;
}

std::optional<foreign_key> alterations::reference_of(db::table_info const& table, std::uint8_t member) const {
  // Rows that lie in parts or on several databases cannot refer to each other everywhere.
  auto const is_simple = [](db::table_info const& t) {
    return t.key != db::no_column && t.sharded_by == db::no_column && t.partitions.kind == db::partition_kind::none;
  };
  auto const lead = [&](db::table_info const& to) -> std::optional<foreign_key> {
    if (!is_simple(table) || !is_simple(to)) return std::nullopt;
    return foreign_key{.table = std::string{to.name}, .column = std::string{to.column(to.key)}};
  };
  for (auto const& m : models_) {
    if (m.table == &table)
      for (auto const& r : m.references)
        if (r.member == member) return lead(*r.to);
    for (auto const& r : m.table->relations()) {
      if (r.type_column != db::no_column) continue;
      if (r.what == db::relation_kind::belongs_to && m.table == &table && r.local == member)
        return lead(r.targets[0].table());
      if (r.what != db::relation_kind::has_many && r.what != db::relation_kind::has_one) continue;
      if (&r.targets[0].table() == &table && r.remote == member) return lead(*m.table);
    }
  }
  return std::nullopt;
}

std::string alterations::wanted(difference const& d) const {
  return sql_type(wanted_type(*d.model->table, d.member), dialect(), is_in_a_key(*d.model->table, d.member));
}

std::string alterations::there(difference const& d) const {
  return view_.found_on == dialect() ? d.there : sql_type(read_type(d.there, view_.found_on), dialect());
}

std::string alterations::initial(difference const& d, std::string& remark) const {
  auto const& member = d.model->table->row->members[d.member];
  auto const type = wanted_type(*d.model->table, d.member);
  // An optional member's own value is none.
  if (member.of->what == meta::kind::optional) return empty_literal(type, dialect());
  auto const value = db::value::of(*member.of, member.at_const(d.model->fresh.get()));
  auto const guess = [&](std::string_view what) {
    remark += fmt::format("-- Decide: rows that are there get {} in {}.{}.\n", what, d.table, d.column);
  };
  if ((d.model->table->encrypted >> d.member & 1) != 0)
    guess("no octets, which cannot be decrypted: write them by a program,");
  if (value.kind() == db::value_kind::uuid && value.id().is_nil()) guess("the nil id");
  if (value.kind() == db::value_kind::time && value.integer() == 0) guess("the first of January 1970");
  if (type.family == family::array && dialect() == db::dialect::postgres && value.text() != "[]")
    guess("an empty list");
  return literal(value, type, dialect());
}

std::string alterations::no_null_for_old(difference const& d) const {
  return fmt::format("programs of before cannot read a null in {}.{}, so they must be gone when the first is written",
                     d.table, d.column);
}

std::string alterations::added_definition(difference const& d, std::string& remark) const {
  auto out = wanted(d);
  if (!is_optional(*d.model->table, d.member)) out += " NOT NULL DEFAULT " + initial(d, remark);
  return out;
}

std::string alterations::former_definition(difference const& d) const {
  auto out = there(d);
  if (!d.was_nullable) out += " NOT NULL DEFAULT " + empty_literal(read_type(d.there, view_.found_on), dialect());
  return out;
}

table_state const* alterations::state_of(std::string_view table) const noexcept {
  return view_.state == nullptr ? nullptr : view_.state->find(table);
}

index_state const* alterations::index_of_name(std::string_view name) const noexcept {
  if (view_.state == nullptr) return nullptr;
  for (auto const& table : view_.state->tables)
    if (auto const found = std::ranges::find(table.indexes, name, &index_state::name); found != table.indexes.end())
      return &*found;
  return nullptr;
}

std::string alterations::free_name(difference const& d) const {
  auto const wanted = index_name(*d.model->table, *d.index);
  auto name = wanted;
  for (int number = 2;; ++number) {
    auto const* const taken = index_of_name(name);
    if (taken == nullptr || !taken->valid) return name;
    name = fmt::format("{}_{}", wanted, number);
  }
}

std::string alterations::constraint(difference const& d, std::string_view suffix) {
  auto const dot = d.table.rfind('.');
  return in_quotes(
      fmt::format("{}_{}_{}", dot == std::string::npos ? d.table : d.table.substr(dot + 1), d.column, suffix));
}

}  // namespace slipway::migrations
