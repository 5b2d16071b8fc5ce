// The words of SQL: quoting, columns and conditions.
#include <slipway/core/decimal.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/db/sql_writer.hpp>

#include <cstring>

namespace slipway::db::detail {

bool is_nullable(table_info const& table, std::uint8_t column) noexcept {
  return table.row->members[column].of->what == meta::kind::optional;
}

std::string quoted(std::string_view identifier) {
  std::string out = "\"";
  for (char c : identifier) {
    if (c == '"') out += c;
    out += c;
  }
  return out + '"';
}

void sql_writer::name(std::string_view identifier) {
  if (auto const dot = identifier.find('.'); dot != std::string_view::npos) {
    text += quoted(identifier.substr(0, dot));
    text += '.';
    identifier.remove_prefix(dot + 1);
  }
  text += quoted(identifier);
}

std::string sql_writer::column(source_info const& from, std::uint8_t index) const {
  sql_writer out{kind};
  if (from.alias.empty())
    out.name(from.table->name);
  else
    out.text = quoted(from.alias);
  return out.text + "." + column(*from.table, index);
}

void sql_writer::columns(table_info const& table) {
  for (std::size_t i = 0; i < table.row->members.size(); ++i) {
    if (i != 0) text += ", ";
    auto const name = column(table, static_cast<std::uint8_t>(i));
    text += (table.arrays >> i & 1) != 0 ? words::array_as_json(kind, name) : name;
  }
}

void sql_writer::columns(source_info const& from) {
  for (std::size_t i = 0; i < from.table->row->members.size(); ++i) {
    if (i != 0) text += ", ";
    auto const name = column(from, static_cast<std::uint8_t>(i));
    text += (from.table->arrays >> i & 1) != 0 ? words::array_as_json(kind, name) : name;
  }
}

std::string sql_writer::placeholder(table_info const& table, std::uint8_t index) {
  auto mark = placeholder();
  if ((table.arrays >> index & 1) == 0) return mark;
  return words::json_as_array(kind, mark, words::array_type(*table.row->members[index].of->element));
}

std::string sql_writer::placeholder(meta::type const* compared_with) {
  auto mark = placeholder();
  if (compared_with == nullptr) return mark;
  auto const& type = compared_with->what == meta::kind::optional ? *compared_with->element : *compared_with;
  if (kind_of(type) != value_kind::decimal) return mark;
  return words::decimal_mark(kind, mark, std::to_string(type.as_scalar->scale));
}

// Runs one program; what it leaves stands on a stack of texts.
class sql_writer::evaluation {
 public:
  evaluation(sql_writer& out, table_info const& table, bool qualify) noexcept
      : out_{out}, own_{&table, {}}, here_{&own_}, qualify_{qualify} {}
  evaluation(sql_writer& out, source_info const& from) noexcept : out_{out}, own_{from}, here_{&own_}, qualify_{true} {}

  std::vector<piece> run(std::string_view code) {
    rest_ = code;
    while (!rest_.empty()) step(static_cast<operation_code>(byte()));
    return std::move(stack_);
  }

 private:
  std::uint8_t byte() noexcept {
    auto const b = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return b;
  }
  std::string_view bytes(std::size_t count) noexcept {
    auto const found = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return found;
  }
  source_info const& source() noexcept {
    source_info const* found;
    std::memcpy(&found, bytes(sizeof found).data(), sizeof found);
    return *found;
  }
  std::string name(std::uint8_t index) const {
    return qualify_ ? out_.column(*here_, index) : out_.column(*here_->table, index);
  }
  void push(std::string sql) { stack_.push_back({std::move(sql), nullptr}); }
  piece pop() {
    auto top = std::move(stack_.back());
    stack_.pop_back();
    return top;
  }
  void join(char const* word) {
    auto right = pop();
    auto left = pop();
    push("(" + left.sql + word + right.sql + ")");
  }

  void step(operation_code op) {
    switch (op) {
      case operation_code::conjunction: return join(" and ");
      case operation_code::disjunction: return join(" or ");
      case operation_code::negation: return push("(not " + pop().sql + ")");
      case operation_code::always: return push("1 = 1");
      case operation_code::never: return push("1 = 0");
      case operation_code::count_all: return push("count(*)");
      case operation_code::source:
        here_ = &source();
        qualify_ = true;
        return;
      case operation_code::column: {
        auto const index = byte();
        auto const& table = *here_->table;
        return stack_.push_back({name(index), table.row->members[index].of, (table.arrays >> index & 1) != 0});
      }
      case operation_code::compare: {
        auto const sign = static_cast<operation_code>(byte());
        auto const left = pop();
        return push(compared(left.sql, sign, true, out_.placeholder(left.type)));
      }
      case operation_code::compare_two: {
        auto const sign = static_cast<operation_code>(byte());
        auto const right = pop();
        auto const left = pop();
        return push(compared(left.sql, sign, false, right.sql));
      }
      case operation_code::test_null:
        return push(pop().sql +
                    (static_cast<operation_code>(byte()) == operation_code::is_null ? " is null" : " is not null"));
      case operation_code::aggregate: return aggregate(static_cast<aggregate_code>(byte()));
      case operation_code::json_text: return json(words::text_part);
      case operation_code::json_number: return json(words::number_part);
      case operation_code::json_boolean: return json(words::boolean_part);
      case operation_code::ordered: {
        auto const flags = static_cast<char>(byte());
        auto what = pop();
        return push(out_.order(what.sql, true, flags));
      }
      case operation_code::exists_query: return push("exists (" + query(false) + ")");
      case operation_code::in_query: {
        auto const column = name(byte());
        return push(column + " in (" + query(true) + ")");
      }
      case operation_code::in: return in();
      default: return push(comparison(op, byte()));
    }
  }

  std::string compared(std::string const& left, operation_code sign, bool nullable, std::string const& right) const {
    switch (sign) {
      case operation_code::not_equal: return nullable ? words::differs(out_.kind, left, right) : left + " <> " + right;
      case operation_code::less: return left + " < " + right;
      case operation_code::less_equal: return left + " <= " + right;
      case operation_code::greater: return left + " > " + right;
      case operation_code::greater_equal: return left + " >= " + right;
      default: return left + " = " + right;
    }
  }

  std::string comparison(operation_code op, std::uint8_t index) {
    auto const column = name(index);
    auto const* type = here_->table->row->members[index].of;
    switch (op) {
      case operation_code::is_null: return column + " is null";
      case operation_code::is_not_null: return column + " is not null";
      case operation_code::between: {
        auto const least = out_.placeholder(type);
        return column + " between " + least + " and " + out_.placeholder(type);
      }
      case operation_code::like: return words::like(out_.kind, column, out_.placeholder());
      case operation_code::starts_with: return words::starts_with(out_.kind, column, out_.placeholder());
      case operation_code::has_element:
        return (here_->table->arrays >> index & 1) != 0 && words::has_arrays[out_.kind]
                   ? filled(words::array_has_element.text(), {column, out_.placeholder()})
                   : words::has_element(out_.kind, column, out_.placeholder());
      // As in C++, an empty optional differs from every value.
      default: return compared(column, op, is_nullable(*here_->table, index), out_.placeholder(type));
    }
  }

  void in() {
    auto const index = byte();
    auto const* type = here_->table->row->members[index].of;
    auto list = name(index) + " in (";
    auto const low = byte();
    auto const count = static_cast<unsigned>(low) | static_cast<unsigned>(byte()) << 8;
    for (unsigned n = 0; n < count; ++n) list += (n == 0 ? "" : ", ") + out_.placeholder(type);
    push(list + ")");
  }

  void aggregate(aggregate_code what) {
    auto const of = pop();
    switch (what) {
      case aggregate_code::count: return push("count(" + of.sql + ")");
      case aggregate_code::count_distinct: return push("count(distinct " + of.sql + ")");
      case aggregate_code::sum: return stack_.push_back({"coalesce(sum(" + of.sql + "), 0)", of.type});
      case aggregate_code::average: return push(average(of));
      case aggregate_code::minimum: return stack_.push_back({"min(" + of.sql + ")", of.type});
      case aggregate_code::maximum: return stack_.push_back({"max(" + of.sql + ")", of.type});
    }
  }

  std::string average(piece const& of) const {
    auto out = "avg(" + of.sql + ")";
    if (!words::decimals_are_units[out_.kind] || of.type == nullptr) return out;
    auto const& type = of.type->what == meta::kind::optional ? *of.type->element : *of.type;
    if (kind_of(type) != value_kind::decimal) return out;
    return out + " / " + std::to_string(slipway::detail::power_of_ten(type.as_scalar->scale)) + ".0";
  }

  void json(sql_word<2> const& part) {
    auto const path = bytes(byte());
    push(part(out_.kind, pop().sql, words::json_place(out_.kind, path)));
  }

  std::string query(bool with_column) {
    auto const outer = rest_;
    std::uint32_t size;
    std::memcpy(&size, outer.data(), sizeof size);
    rest_ = outer.substr(sizeof size, size);
    auto const& from = source();
    auto const deleted = static_cast<deleted_rows>(byte());
    auto const column = byte();
    auto const code = rest_;
    rest_ = outer.substr(sizeof size + size);

    sql_writer inside{out_.kind};
    inside.text = "select " + (with_column ? out_.column(from, column) : std::string{"1"}) + " from ";
    inside.name(from.table->name);
    if (!from.alias.empty()) inside.text += " as " + quoted(from.alias);
    inside.parameters = out_.parameters;
    char const* word = " where ";
    if (!code.empty()) {
      auto found = evaluation{inside, from}.run(code);
      inside.text += std::exchange(word, " and ") + found.back().sql;
    }
    if (auto const alive = inside.not_deleted(from, deleted, true); !alive.empty()) inside.text += word + alive;
    out_.parameters = inside.parameters;
    return std::move(inside.text);
  }

  sql_writer& out_;
  source_info own_;
  source_info const* here_;
  bool qualify_;
  std::string_view rest_;
  std::vector<piece> stack_;
};

std::vector<sql_writer::piece> sql_writer::evaluate(table_info const& table, std::string_view code, bool qualify) {
  return evaluation{*this, table, qualify}.run(code);
}

std::string sql_writer::condition(table_info const& table, std::string_view code, bool qualify) {
  auto all = evaluate(table, code, qualify);
  return all.empty() ? "1 = 1" : std::move(all.back().sql);
}

std::string sql_writer::not_deleted(source_info const& from, deleted_rows deleted, bool qualify) const {
  auto const& table = *from.table;
  if (table.deleted_at == no_column || deleted == deleted_rows::with) return {};
  return (qualify ? column(from, table.deleted_at) : column(table, table.deleted_at)) +
         (deleted == deleted_rows::only ? " is not null" : " is null");
}

void sql_writer::where(table_info const& table, std::string_view code, deleted_rows deleted) {
  char const* word = " where ";
  if (!code.empty()) text += std::exchange(word, " and ") + condition(table, code);
  if (auto const alive = not_deleted({&table, {}}, deleted, false); !alive.empty()) text += word + alive;
}

std::string sql_writer::order(std::string_view what, bool nullable, char flags) const {
  auto const descends = (flags & descending) != 0;
  if (!nullable) return std::string{what}.append(descends ? " desc" : "");
  auto const& order = (flags & nulls_first) != 0 ? words::nulls_first : words::nulls_last;
  return order(kind, what, descends ? " desc" : "");
}

}  // namespace slipway::db::detail
