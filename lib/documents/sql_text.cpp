#include <slipway/documents/encoding.hpp>
#include <slipway/documents/sql_text.hpp>

#include <slipway/core/encoding.hpp>
#include <slipway/core/id.hpp>
#include <slipway/db/errors.hpp>
#include <slipway/db/rows.hpp>

#include <algorithm>

namespace slipway::documents::detail {
namespace {

db::value as_parameter(node const& value) {
  switch (value.kind) {
    case node_kind::boolean: return db::value{value.integer != 0};
    case node_kind::integer: return db::value{value.integer};
    case node_kind::number: return db::value{value.number};
    case node_kind::text: return db::value{value.text};
    case node_kind::uuid: return db::value{uuid{value.uuid}.text()};
    case node_kind::bytes: return db::value{base64(as_byte_span(value.text))};
    case node_kind::null:
    case node_kind::list:
    case node_kind::object: break;
  }
  throw db::input_error{"only single values can be compared"};
}

// Steps that become one call together stand beside each other.
int group_of(update_op op) noexcept {
  switch (op) {
    case update_op::unset: return 1;
    case update_op::pull: return 2;
    default: return 0;
  }
}

std::string_view sign_of(filter_op op) {
  switch (op) {
    case filter_op::less: return " < ";
    case filter_op::less_equal: return " <= ";
    case filter_op::greater: return " > ";
    case filter_op::greater_equal: return " >= ";
    default: return " = ";
  }
}

// A call of a function with the document as its first argument; where a call takes many pairs, that of the step before
// takes these as well.
template <std::size_t Places, class... More>
std::string called(db::dialect d, db::sql_word<Places> const& word, std::string_view document, More const&... more) {
  auto const pattern = word[d].text();
  auto const name = pattern.substr(0, pattern.find('(') + 1);
  if (!words::calls_take_many[d] || !document.starts_with(name)) return word(d, document, more...);
  document.remove_suffix(1);
  return db::filled(pattern.substr(name.size()), {document, more...});
}

}  // namespace

sql_class class_of(meta::type const& t) noexcept {
  switch (t.what) {
    case meta::kind::boolean: return sql_class::boolean;
    case meta::kind::integer:
    case meta::kind::duration:
    case meta::kind::time: return sql_class::integer;
    case meta::kind::number: return sql_class::number;
    case meta::kind::text:
    case meta::kind::secret_text:
    case meta::kind::enumeration:
    case meta::kind::uuid: return sql_class::text;
    case meta::kind::scalar:
      return t.as_scalar->column == meta::scalar_column::decimal ? sql_class::integer : sql_class::text;
    case meta::kind::optional:
    case meta::kind::change: return class_of(*t.element);
    case meta::kind::dynamic:
    case meta::kind::list:
    case meta::kind::map:
    case meta::kind::variant:
    case meta::kind::object: return sql_class::other;
  }
  return sql_class::other;
}

std::string place_text(db::dialect d, std::string_view dotted) {
  auto const braces = d == db::dialect::postgres;
  std::string out{braces ? "'{" : "'$.\""};
  for (auto c : dotted)
    if (c == '.')
      out += braces ? "," : "\".\"";
    else
      out += c;
  return out + (braces ? "}'" : "\"'");
}

std::string part_text(db::dialect d, std::string_view body, path_info const& at) {
  auto const place = place_text(d, at.dotted);
  switch (class_of(*at.of)) {
    case sql_class::integer: return words::integer_part(d, body, place);
    case sql_class::number: return words::number_part(d, body, place);
    case sql_class::boolean: return words::boolean_part(d, body, place);
    case sql_class::text: return words::text_part(d, body, place);
    case sql_class::other: break;
  }
  return words::other_part(d, body, place);
}

std::string table_of(collection_info const& in) { return "documents_" + std::string{in.name}; }

std::string column_of(path_info const& at) {
  std::string out{"at_"};
  for (auto c : at.dotted) out += c == '.' ? '_' : c;
  return out;
}

db::value key_value(collection_info const& in, node const& id) {
  if (in.key == key_kind::uuid && id.kind == node_kind::uuid) return db::value{uuid{id.uuid}};
  if (in.key == key_kind::text && id.kind == node_kind::text) return db::value{id.text};
  throw db::input_error{"the id of a document of '" + std::string{in.name} + "' is of another type"};
}

node key_node(collection_info const& in, db::row_view const& row, std::size_t column) {
  return in.key == key_kind::uuid ? node::of(row.get<uuid>(column).bytes) : node::of(row.get<std::string>(column));
}

std::vector<path_info const*> sql_text::columns() const {
  std::vector<path_info const*> out;
  if (words::index_parts[dialect] == words::index_part::expression) return out;
  for (auto const& index : info.indexes())
    for (std::size_t i = 0; i < index.size; ++i)
      if (std::ranges::none_of(out, [&](auto const* each) { return each->dotted == index.parts[i]->dotted; }))
        out.push_back(index.parts[i]);
  return out;
}

std::vector<path_info const*> sql_text::written_columns() const {
  if (words::index_parts[dialect] != words::index_part::written_column) return {};
  return columns();
}

std::string sql_text::assigned(std::string const& body) const {
  auto const own = written_columns();
  if (own.empty()) return "body = " + body;
  std::string names{"(body"}, values{"(select made"};
  for (auto const* at : own) {
    names += ", " + column_of(*at);
    values += ", " + part_text(dialect, "made", *at);
  }
  return names + ") = " + values + " from (select " + body + " as made))";
}

std::string sql_text::json(node const& value) {
  return words::json_mark(dialect, mark(db::value{db::json_text{to_json(value)}}));
}

std::string sql_text::element(node const& value) {
  return words::elements_are_json[dialect] ? json(value) : mark(as_parameter(value));
}

std::string sql_text::fragment(std::string_view dotted) const {
  return words::fragment(dialect, "body", place_text(dialect, dotted));
}

std::string sql_text::value_for(path_info const& at, node const& value) {
  return mark(is_id(at) ? key_value(info, value) : as_parameter(value));
}

std::string sql_text::place(path_info const& at) const {
  if (is_id(at)) return "id";
  for (auto const* each : columns())
    if (each->dotted == at.dotted) return column_of(at);
  return part_text(dialect, "body", at);
}

std::string sql_text::joined(filter_node const& where, std::string_view word, std::string_view of_none) {
  if (where.inside.empty()) return std::string{of_none};
  std::string out{"("};
  for (std::size_t i = 0; i < where.inside.size(); ++i) {
    if (i > 0) out += word;
    out += condition(where.inside[i]);
  }
  return out + ")";
}

std::string sql_text::compared(filter_node const& where) {
  auto const& at = *where.at;
  auto const there = [&] { return words::is_there(dialect, "body", place_text(dialect, at.dotted)); };
  switch (where.op) {
    case filter_op::not_equal:
      return "(not " + words::same(dialect, place(at), value_for(at, where.values.front())) + ")";
    case filter_op::in: {
      if (where.values.empty()) return "false";
      auto out = place(at) + " in (";
      for (std::size_t i = 0; i < where.values.size(); ++i) out += (i > 0 ? ", " : "") + value_for(at, where.values[i]);
      return out + ")";
    }
    case filter_op::exists: return is_id(at) ? "true" : there();
    case filter_op::missing: return is_id(at) ? "false" : "(not " + there() + ")";
    case filter_op::contains:
      return words::contains(dialect, "body", place_text(dialect, at.dotted), element(where.values.front()));
    case filter_op::starts_with: return words::starts_with(dialect, place(at), value_for(at, where.values.front()));
    default: return place(at) + std::string{sign_of(where.op)} + value_for(at, where.values.front());
  }
}

std::string sql_text::condition(filter_node const& where) {
  switch (where.op) {
    case filter_op::everything: return "true";
    case filter_op::all_of: return joined(where, " and ", "true");
    case filter_op::any_of: return joined(where, " or ", "false");
    // Null is not true either: a comparison with what is missing is false, and its contrary is true.
    case filter_op::none_of: return "(" + joined(where, " or ", "false") + " is not true)";
    default: return compared(where);
  }
}

std::string sql_text::order(std::vector<sort_key> const& by) const {
  std::string out;
  for (auto const& key : by)
    out.append(out.empty() ? " order by " : ", ")
        .append(place(*key.at))
        .append((key.descends ? words::descending : words::ascending)[dialect]);
  return out;
}

std::string sql_text::set(std::string const& document, std::string_view dotted, std::string const& json_text) const {
  return called(dialect, words::set, document, place_text(dialect, dotted), json_text);
}

std::string sql_text::step(update_step const& what, std::string const& document) {
  auto const& path = what.at->dotted;
  auto const place = place_text(dialect, path);
  auto const part = [&] { return part_text(dialect, "body", *what.at); };
  auto const either = [&](std::string const& condition, std::string const& otherwise) {
    return "case when " + condition + " then " + fragment(path) + " else " + otherwise + " end";
  };
  switch (what.op) {
    case update_op::set: return set(document, path, json(what.value));
    case update_op::unset: return called(dialect, words::unset, document, place);
    case update_op::increment: {
      auto const& sum = class_of(*what.at->of) == sql_class::number ? words::number_sum : words::integer_sum;
      return set(document, path, sum(dialect, part(), mark(as_parameter(what.value))));
    }
    case update_op::push: return set(document, path, words::appended(dialect, "body", place, json(what.value)));
    case update_op::pull: return words::pulled(dialect, document, place, element(what.value));
    case update_op::add_to_set: {
      auto const added = json(what.value);
      auto const sought = words::elements_are_json[dialect] ? added : mark(as_parameter(what.value));
      return set(
          document, path,
          either(words::contains(dialect, "body", place, sought), words::appended(dialect, "body", place, added)));
    }
    case update_op::least:
    case update_op::greatest: {
      auto const* sign = what.op == update_op::least ? " <= " : " >= ";
      auto stays = part() + sign + mark(as_parameter(what.value));
      return set(document, path, either(stays, json(what.value)));
    }
  }
  return document;
}

std::string sql_text::changed(update_steps const& steps) {
  std::string out{"body"};
  // Objects that the paths lead through and that are not there yet. Before all steps, because each takes them from the
  // document as it was.
  std::vector<std::string_view> parents;
  for (auto const& step : steps.steps) {
    if (step.op == update_op::unset || step.op == update_op::pull) continue;
    auto const& path = step.at->dotted;
    for (auto dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.', dot + 1))
      if (auto const parent = path.substr(0, dot); std::ranges::find(parents, parent) == parents.end())
        parents.push_back(parent);
  }
  std::ranges::sort(parents);  // what is nearer to the root comes first
  auto const many = words::calls_take_many[dialect];
  for (auto const parent : parents) {
    out = set(out, parent, "coalesce(" + fragment(parent) + ", " + json(node::object()) + ")");
    // One call does not see what it has put there itself.
    if (many) out = "json(" + out + ")";
  }
  auto in_groups = steps.steps;  // they meet nowhere, so their order does not matter
  std::ranges::sort(in_groups, {}, [](update_step const& s) { return std::pair{group_of(s.op), s.at->dotted}; });
  int arguments = 0;
  for (auto const& each : in_groups) {
    if (many && ++arguments % 40 == 0) out = "json(" + out + ")";  // one call takes 127
    out = step(each, out);
  }
  return out;
}

}  // namespace slipway::documents::detail
